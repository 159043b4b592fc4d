"""Settings from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.settings import default_index, load_settings, to_environ
from kb.corpus import shipped
from kb.errors import SettingsError


def test_nothing_set_gives_the_defaults():
    settings = load_settings({"PATH": "/bin"})
    assert (settings.host, settings.port, settings.threads) == ("127.0.0.1", 8000, 4)
    assert (settings.model, settings.encoder) == ("premortem", "openvino")
    assert settings.index == default_index()
    assert settings.cases == (shipped("cases"),)


@pytest.mark.parametrize(
    "name, raw, value",
    [
        ("HOST", "0.0.0.0", "0.0.0.0"),
        ("PORT", "9000", 9000),
        ("INDEX", "/srv/index", Path("/srv/index")),
        ("CASES", "/srv/cases", (Path("/srv/cases"),)),
        ("MODEL", "/srv/model", "/srv/model"),
        ("ENCODER", "sentence-transformers", "sentence-transformers"),
        ("THREADS", "2", 2),
        ("PROXIES", "10.0.0.7, fd00::/8,", ("10.0.0.7", "fd00::/8")),
    ],
)
def test_each_variable_sets_its_field(name, raw, value):
    assert getattr(load_settings({f"PREMORTEM_{name}": raw}), name.lower()) == value


def test_empty_variable_counts_as_unset():
    assert load_settings({"PREMORTEM_PORT": "", "PREMORTEM_PROT": ""}) == load_settings({})


def test_this_machine_alone_is_a_proxy_unless_others_are_named():
    assert load_settings({}).proxies == ("127.0.0.1", "::1")


@pytest.mark.parametrize("raw", ["*", "0.0.0.0/0", "::/0", "proxy.example.org", "10.0.0.1/24"])
def test_no_setting_believes_every_client(raw):
    with pytest.raises(SettingsError, match="proxies") as caught:
        load_settings({"PREMORTEM_PROXIES": f"127.0.0.1,{raw}"})
    assert raw in str(caught.value)
    assert "10.0.0.7" in caught.value.next_step


def test_home_is_expanded():
    settings = load_settings({"PREMORTEM_INDEX": "~/index", "PREMORTEM_CASES": "~/ours"})
    assert settings.index == Path.home() / "index"
    assert settings.cases == (Path.home() / "ours",)


def test_several_corpora_are_separated_as_in_path():
    settings = load_settings({"PREMORTEM_CASES": os.pathsep.join(["/a", "/b b", ""])})
    assert settings.cases == (Path("/a"), Path("/b b"))


def test_misspelt_name_is_an_error_that_hints_at_the_right_one():
    with pytest.raises(SettingsError, match="PREMORTEM_PROT") as caught:
        load_settings({"PREMORTEM_PROT": "9000"})
    assert "PREMORTEM_PORT" in caught.value.next_step


def test_unlike_name_is_an_error_that_lists_all():
    with pytest.raises(SettingsError) as caught:
        load_settings({"PREMORTEM_XYZZY": "1"})
    assert all(f"PREMORTEM_{name}" in caught.value.next_step for name in ("INDEX", "CASES", "MODEL", "PORT"))


@pytest.mark.parametrize(
    "name, raw",
    [("PORT", "eighty"), ("PORT", "0"), ("PORT", "65536"), ("PORT", "80.5"), ("THREADS", "0"), ("THREADS", "many"), ("ENCODER", "onnx")],
)
def test_unusable_value_is_an_error_that_names_it(name, raw):
    with pytest.raises(SettingsError) as caught:
        load_settings({f"PREMORTEM_{name}": raw})
    assert raw in str(caught.value)
    assert name.lower() in str(caught.value).lower()
    assert caught.value.next_step


def test_settings_survive_the_way_to_a_child_process(tmp_path):
    environ = {"PREMORTEM_INDEX": str(tmp_path / "i"), "PREMORTEM_CASES": f"{tmp_path}{os.pathsep}{tmp_path / 'b'}", "PREMORTEM_PORT": "81"}
    environ["PREMORTEM_PROXIES"] = "10.0.0.7,fd00::/8"
    settings = load_settings(environ)
    assert load_settings(to_environ(settings)) == settings
