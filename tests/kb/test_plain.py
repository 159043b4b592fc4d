"""Plain post-mortems beside cases: read as they are, never written to."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from kb.case import without_gaps
from kb.corpus import Corpora, corpus_files, read_corpora
from kb.lint import lint
from tests.kb.conftest import CASE, FIXTURES

TEXT = "# Shop down\n\n## Summary\n\nThe shop was down on 2021-03-04.\n\n## Root cause\n\n- A full disk.\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder as people have it: post-mortems in folders by year, a case among them, and what is none."""
    folder = tmp_path / "our-postmortems"
    (folder / "2021").mkdir(parents=True)
    (folder / "2021" / "shop.md").write_text(TEXT, "utf-8")
    (folder / "again.md").write_text(TEXT.replace("full disk", "broken disk"), "utf-8")
    (folder / "notes.txt").write_text("Summary\n\nThe mail stood still.\n", "utf-8")
    (folder / "empty.md").write_text("", "utf-8")
    (folder / "README.md").write_text("# About this folder\n", "utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG\x00")
    shutil.copy(FIXTURES / CASE, folder)
    return folder


def read(folder: Path) -> Corpora:
    return read_corpora([folder], lenient=True)


def test_plain_files_become_drafts_and_cases_stay_cases(archive):
    cases = read(archive).cases
    assert {case_id: file.is_plain for case_id, file in cases.items()} == {
        "example-bank-2018": False,
        "shop-down": True,
        "shop-down-again": True,
        "notes": True,
    }
    assert [file.case.meta.status for file in cases.values() if file.is_plain] == ["draft"] * 3
    assert cases["shop-down"].case.factors[0].lead == "A full disk."


def test_the_text_of_a_plain_file_is_its_own(archive):
    assert read(archive).cases["shop-down"].text == TEXT


def test_what_holds_no_post_mortem_is_left_out_with_the_reason(archive):
    corpora = read(archive)
    assert [(path.name, reason) for path, reason in corpora.unusable] == [("empty.md", "empty")]
    assert corpora.problems == []


def test_nothing_is_written(archive):
    def state() -> dict[Path, str]:
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in archive.rglob("*") if path.is_file()}

    before = state()
    read(archive)
    assert state() == before


def test_lint_says_nothing_of_plain_files(archive):
    told = {Path(problem.source).name for problem in lint(read(archive))}
    assert told <= {CASE}


def test_without_leniency_only_markdown_of_the_folder_itself_is_read(archive):
    assert [path.name for path, _ in corpus_files(archive)] == ["again.md", "empty.md", CASE]


def test_ids_do_not_depend_on_the_order_of_the_file_system(archive):
    assert list(read(archive).cases) == list(read(archive).cases)


def test_readers_see_no_gap(archive):
    case = without_gaps(read(archive).cases["shop-down"].case)
    assert (case.meta.industry, case.meta.categories, case.meta.phase) == ("", (), "")
    assert (case.undertaking, case.symptoms, case.lessons) == ((), (), ())
    assert case.factors[0].tag is None
    assert case.meta.x_import is None
    assert "TODO" not in str(case)


def test_a_file_that_is_wrong_in_a_way_nobody_foresaw_costs_only_itself(archive, monkeypatch):
    def fail(*_args, **_options):
        raise KeyError("odd")

    monkeypatch.setattr("kb.plain.draft_text", fail)
    corpora = read(archive)
    assert set(corpora.cases) == {"example-bank-2018"}
    assert "could not be read (KeyError: 'odd')" in [reason for _, reason in corpora.unusable]
