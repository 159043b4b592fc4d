"""Folders of cases: which files are read, as what, and what happens to those that cannot be."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from kb.corpus import corpus_files, corpus_names, read_corpora, shipped
from kb.errors import CorpusError
from kb.lint import lint
from tests.kb.conftest import CASE, CASE_TEXT, FIXTURES, STRATEGY


def names(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, kind) for path, kind in corpus_files(folder)]


def test_studies_and_strategies_are_read_as_what_they_are(folder):
    assert names(folder.path) == [(CASE, "case"), (STRATEGY, "strategy")]


def test_a_flat_folder_holds_cases_alone(tmp_path):
    shutil.copy(FIXTURES / CASE, tmp_path)
    assert names(tmp_path) == [(CASE, "case")]


def test_files_beside_the_two_folders_are_no_cases(folder):
    shutil.copy(FIXTURES / CASE, folder.path / "stray.md")
    assert "stray.md" not in dict(names(folder.path))


def test_a_folder_of_strategies_alone_is_a_corpus(folder):
    shutil.rmtree(folder.studies)
    assert names(folder.path) == [(STRATEGY, "strategy")]


@pytest.mark.parametrize("name", ["README.md", "readme.md", "CONTRIBUTING.md", "notes.txt", "case.md.bak"])
def test_a_file_that_is_no_case_is_skipped(folder, name):
    (folder.studies / name).write_text("# Hello", "utf-8")
    assert name not in dict(names(folder.path))


def test_files_come_sorted_by_name(tmp_path):
    for name in ("b.md", "a.md", "c.md"):
        shutil.copy(FIXTURES / CASE, tmp_path / name)
    assert [name for name, _ in names(tmp_path)] == ["a.md", "b.md", "c.md"]


def test_a_missing_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(CorpusError, match=r"no folder .*nowhere") as raised:
        read_corpora([tmp_path / "nowhere"])
    assert "--cases" in raised.value.next_step


def test_a_file_in_place_of_a_folder_is_an_error():
    with pytest.raises(CorpusError, match="no folder"):
        read_corpora([FIXTURES / CASE])


@pytest.mark.parametrize("inside", [[], ["studies"], ["studies", "strategies"]])
def test_an_empty_folder_is_an_error_that_says_what_is_expected(tmp_path, inside):
    for name in inside:
        (tmp_path / name).mkdir()
    with pytest.raises(CorpusError, match="holds no case studies") as raised:
        read_corpora([tmp_path])
    assert "*.md" in raised.value.next_step


def test_a_read_file_keeps_text_hash_and_corpus(folder):
    file = read_corpora([folder.path]).cases["example-bank-2018"]
    assert (file.text, file.corpus, file.kind) == (CASE_TEXT, "corpus", "case")
    assert file.sha256 == hashlib.sha256(CASE_TEXT.encode()).hexdigest()


def test_cases_and_strategies_are_found_by_id(folder):
    corpora = read_corpora([folder.path])
    assert (list(corpora.cases), list(corpora.strategies)) == (["example-bank-2018"], ["rehearse-cutover"])


def test_several_corpora_are_read_together(folder, tmp_path):
    (tmp_path / "ours").mkdir()
    shutil.copy(FIXTURES / CASE, tmp_path / "ours" / "our-bank.md")
    corpora = read_corpora([folder.path, tmp_path / "ours"])
    assert {case_id: file.corpus for case_id, file in corpora.cases.items()} == {"example-bank-2018": "corpus", "our-bank": "ours"}


def test_corpora_of_one_name_are_numbered():
    assert corpus_names([Path("/a/cases"), Path("/b/cases"), Path("/c/ours"), Path("/d/cases")]) == ["cases", "cases-2", "ours", "cases-3"]


def test_the_name_of_a_corpus_is_that_of_the_folder_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert corpus_names([Path()]) == [tmp_path.name]


def test_the_root_of_the_disk_has_a_name_too():
    assert corpus_names([Path("/")]) == ["corpus"]


def make_folder(path: Path) -> None:
    path.mkdir()


def make_broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


def make_loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [make_folder, make_broken_link, make_loop])
def test_what_cannot_be_read_is_a_problem_and_the_rest_is_read(folder, make):
    make(folder.studies / "odd.md")
    corpora = read_corpora([folder.path])
    [problem] = corpora.problems
    assert (problem.source, problem.rule, problem.line) == (str(folder.studies / "odd.md"), "file", 1)
    assert "cannot be read" in problem.message
    assert list(corpora.cases) == ["example-bank-2018"]
    assert lint(corpora) == [problem]


def test_a_broken_file_is_kept_but_is_no_case(folder):
    (folder.studies / "broken.md").write_text("nothing", "utf-8")
    corpora = read_corpora([folder.path])
    assert [file.path.name for file in corpora.files if not file.sound] == ["broken.md"]
    assert "broken" not in corpora.cases


def test_a_corpus_adds_its_own_terms(folder):
    own = (shipped("cases") / "taxonomy.yaml").read_text("utf-8").replace("id: banking-and-payments", "id: barter")
    (folder.path / "taxonomy.yaml").write_text(own, "utf-8")
    ids = read_corpora([folder.path]).taxonomy.ids("industry")
    assert ids[-1] == "barter"
    assert "banking-and-payments" in ids


def test_a_broken_taxonomy_of_a_corpus_is_an_error(folder):
    (folder.path / "taxonomy.yaml").write_text("phase: []", "utf-8")
    with pytest.raises(CorpusError, match="is not a taxonomy"):
        read_corpora([folder.path])


def test_progress_sees_every_file_once(folder):
    seen = []
    read_corpora([folder.path], progress=lambda work: (seen.append(each[0].name) or each for each in work))
    assert seen == [CASE, STRATEGY]


def test_the_shipped_folders_are_there():
    assert (shipped("cases") / "studies").is_dir()
    assert shipped("web").is_dir()
