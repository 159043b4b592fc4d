"""`premortem eval` and `premortem train` as commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.conftest import Ran
from tests.conftest import ROOT
from tests.indexer.test_collection import write

Command = Callable[..., Ran]


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A few of the judged descriptions, so that evaluating them takes seconds."""
    import yaml

    folder = tmp_path / "judged"
    folder.mkdir()
    for name in ("briefs-dev", "lengths-dev", "cases-dev", "negatives-dev"):
        entries = yaml.safe_load((ROOT / "tests" / "eval" / f"{name}.yaml").read_text("utf-8"))
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(entries[:6]), "utf-8")
    return folder


def test_the_report_names_every_system_measure_and_interval(premortem: Command, real_index: Path, few: Path):
    ran = premortem("eval", "--judged", few, "--index", real_index)
    assert ran.code == 0
    for text in ("nDCG@10", "R@5", "R@10", "R@10 of 3", "RR@10", "bm25", "dense", "hybrid", "95 % interval"):
        assert text in ran.out
    for text in ("first-case", "false-confident", "false-silent", "strong cases", "related cases"):
        assert text in ran.out
    report = json.loads(premortem("eval", "--judged", few, "--index", real_index, "--json").out)
    assert [each["n_queries"] for each in report["sets"]] == [6, 6, 6]
    assert set(report["prevention"]["systems"]) == {"premortem", "most-linked", "first-case"}
    assert report["honesty"]["n_queries"] == 6
    assert {band: 0 <= its["strongly_useful"] <= its["some_use"] <= 1 for band, its in report["honesty"]["bands"].items()} == {
        "strong": True,
        "related": True,
    }
    low, high = report["sets"][0]["gain"]["bm25"][1:]
    assert low <= report["sets"][0]["gain"]["bm25"][0] <= high


def test_a_folder_may_hold_some_of_the_sets_only(premortem: Command, real_index: Path, few: Path, tmp_path: Path):
    (tmp_path / "cases-ours.yaml").write_bytes((few / "cases-dev.yaml").read_bytes())
    report = json.loads(premortem("eval", "--judged", tmp_path, "--index", real_index, "--json").out)
    assert [each["name"] for each in report["sets"]] == ["known items"]
    assert report["prevention"] is report["honesty"] is None
    assert "false-silent" not in premortem("eval", "--judged", tmp_path, "--index", real_index).out
    ran = premortem("eval", "--ablation", "--judged", tmp_path, "--index", real_index)
    assert (ran.code, "briefs-*.yaml" in ran.err) == (4, True)


def test_a_public_collection_is_ranked(premortem: Command, real_index: Path, tmp_path: Path):
    folder = write(tmp_path / "tiny")
    assert "tiny: 3" in premortem("eval", "--collection", folder, "--index", real_index).out
    report = json.loads(premortem("eval", "--collection", folder, "--json", "--index", real_index).out)
    assert report["collection"]["systems"]["premortem"]["nDCG@10"] == pytest.approx(1.0)


def test_what_is_missing_is_named(premortem: Command, real_index: Path, tmp_path: Path):
    for option in ("--judged", "--collection"):
        ran = premortem("eval", option, tmp_path, "--index", real_index)
        assert ran.code == 4
        assert str(tmp_path) in ran.err


def test_an_index_without_the_judged_cases_is_told(premortem: Command, small_real_index: Path, tmp_path: Path):
    (tmp_path / "briefs-x.yaml").write_text(
        "- id: x\n  kind: brief\n  text: We replace the payroll.\n  grades: {no-such-case: 3}\n", "utf-8"
    )
    ran = premortem("eval", "--judged", tmp_path, "--index", small_real_index)
    assert ran.code == 4
    assert "none of the cases that were judged" in ran.err


def test_training_says_where_it_found_no_descriptions(premortem: Command, tmp_path: Path):
    ran = premortem("train", tmp_path / "out", "--data", tmp_path)
    assert ran.code == 4
    assert str(tmp_path) in ran.err
    assert not (tmp_path / "out").exists()


def test_training_never_overwrites(premortem: Command, tmp_path: Path):
    ran = premortem("train", tmp_path)
    assert ran.code == 4
    assert "name a new folder" in ran.err
