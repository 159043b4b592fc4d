"""`premortem import` as people run it."""

from __future__ import annotations

import json

import pytest

from kb.importers import FORMATS
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "import"


def test_the_report_counts_everything(premortem, tmp_path):
    ran = premortem("import", "auto", FIXTURES, "--out", tmp_path / "drafts")
    assert ran.code == 0
    assert "entry 3 (Only a link) has no text beside its link" in ran.out
    assert "kept under x_import" in ran.out
    assert "note: latin-1.md: read as cp1252" in ran.out


def test_the_report_as_json(premortem, tmp_path):
    out = tmp_path / "drafts"
    report = json.loads(premortem("import", "auto", FIXTURES, "--out", out, "--json").out)
    assert len(report["drafts"]) == len(list(out.glob("*.md")))
    assert report["unmapped"]["date"] >= 1
    assert report["read"] == len(report["drafts"]) + sum(skipped["reason"].startswith("the same as") for skipped in report["skipped"])
    again = json.loads(premortem("import", "auto", FIXTURES, "--out", out, "--json").out)
    assert {draft["did"] for draft in again["drafts"]} == {"unchanged"}


def test_an_edited_draft_is_told(premortem, tmp_path):
    out = tmp_path / "drafts"
    premortem("import", "dfds", FIXTURES / "azure.md", "--out", out)
    (draft,) = out.glob("*.md")
    draft.write_text(draft.read_text("utf-8") + "\n", "utf-8")
    assert "left as it is, since it was edited by hand" in premortem("import", "dfds", FIXTURES / "azure.md", "--out", out).out


def test_help_names_every_format_and_shows_examples(premortem):
    out = premortem("import", "--help").out
    assert [name for name in FORMATS if name not in out] == []
    assert "premortem import auto" in out


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (("import", "nonsense", FIXTURES, "--out", "x"), 2, "nonsense"),
        (("import", "auto", "nowhere", "--out", "x"), 4, "nothing at nowhere"),
        (("import", "auto", FIXTURES, "--out", FIXTURES / "azure.md"), 4, "is no folder"),
        (("import", "csv", FIXTURES, "--out", "x", "--map", "nowhere.yaml"), 4, "cannot be read"),
    ],
)
def test_wrong_use_is_one_message_and_an_exit_code(premortem, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    ran = premortem(*arguments)
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_every_format_is_told_in_the_documentation():
    text = (ROOT / "docs" / "importing.md").read_text("utf-8")
    assert [name for name in FORMATS if f"`{name}`" not in text] == []
