"""Faults put into good files, one a file: each is found, on its line, and nothing else is.

`fixtures/lint/expected.csv` names file, line, rule and fault of each; the line is where the fault was put. `fixtures/lint/good` holds the
same files without faults.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kb.corpus import Corpora, read_file
from kb.errors import Problem
from kb.lint import RULES, fix, lint
from tests.kb.conftest import FIXTURES

SEEDED = FIXTURES / "lint"
with (SEEDED / "expected.csv").open(encoding="utf-8", newline="") as table:
    ROWS = [(row["file"], int(row["line"]), row["rule"], row["fault"]) for row in csv.DictReader(table)]
_NEEDS_AN_INDEX = {"near-duplicate"}


def found_in(path: Path, among: Corpora) -> list[Problem]:
    """Problems of a file among the shipped cases."""
    file, problems = read_file(path, None)
    return lint(Corpora(among.taxonomy, [*among.files, *([file] if file else [])], problems), only={str(path)})


@pytest.fixture(scope="module")
def findings(shipped_corpora, tmp_path_factory) -> dict[str, list[Problem]]:
    """File → problems; each file is copied out of the fixtures, so that it is compared with the shipped cases and not with the others."""
    loose = tmp_path_factory.mktemp("loose")
    found = {}
    for name, *_ in ROWS:
        path = loose / Path(name).name
        path.write_bytes((SEEDED / name).read_bytes())
        found[name] = found_in(path, shipped_corpora)
    return found


@pytest.mark.parametrize("file, line, rule, fault", ROWS, ids=[row[0].rpartition("/")[2] for row in ROWS])
def test_a_seeded_fault_is_found_on_its_line_and_nothing_else_is(findings, file, line, rule, fault):
    assert [(problem.rule, problem.line) for problem in findings[file]] == [(rule, line)], fault


def test_a_finding_points_into_its_line(findings):
    for file, problems in findings.items():
        lines = (SEEDED / file).read_bytes().decode("utf-8", "replace").split("\n")
        assert all(1 <= problem.column <= max(1, len(lines[problem.line - 1])) for problem in problems), file


def test_every_rule_is_seeded():
    assert {rule for _, _, rule, _ in ROWS} == set(RULES) - _NEEDS_AN_INDEX


def test_every_seeded_file_stands_in_the_table():
    files = {f"{part}/{path.name}" for part in ("studies", "strategies") for path in (SEEDED / part).iterdir()}
    assert files == {file for file, *_ in ROWS}


@pytest.mark.parametrize("path", sorted((SEEDED / "good").iterdir()), ids=lambda path: path.name)
def test_the_files_without_faults_have_no_finding(path, shipped_corpora):
    assert found_in(path, shipped_corpora) == []


def test_shipped_cases_and_strategies_have_no_finding(shipped_corpora):
    assert lint(shipped_corpora) == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if RULES[rule].in_drafts == "warning" != RULES[rule].severity])
def test_what_a_draft_may_have_is_a_warning_there(tmp_path, shipped_corpora, rule):
    rows = [row for row in ROWS if row[2] == rule and row[0].startswith("studies/")]
    assert rows
    for file, *_ in rows:
        path = tmp_path / Path(file).name
        path.write_text((SEEDED / file).read_text("utf-8").replace("status: published", "status: draft"), "utf-8")
        assert [problem.severity for problem in found_in(path, shipped_corpora) if problem.rule == rule] == ["warning"]


@pytest.mark.parametrize("file", [file for file, _, rule, fault in ROWS if rule == "form" or fault == "prevention before lessons"])
def test_mechanical_faults_are_mended(tmp_path, shipped_corpora, file):
    path = tmp_path / Path(file).name
    path.write_bytes((SEEDED / file).read_bytes())
    mended, _ = read_file(path, None)
    assert fix(Corpora(shipped_corpora.taxonomy, [mended])) == [path]
    assert found_in(path, shipped_corpora) == []
