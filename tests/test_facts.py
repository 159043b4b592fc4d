"""Every figure and date of a case study stands in the fact record that the case was written from.

`fixtures/facts.json` keeps, for each case, the numbers, month names and source addresses of its verified fact sheet. "Is this you?" is left
out: those plans are invented. A case without a record (a contributed one) is checked by its reviewers and by lint alone.
"""

from __future__ import annotations

import json
import re

import pytest

from kb.corpus import read_file
from kb.render import render_case
from tests.conftest import CASES, ROOT

FACTS = json.loads((ROOT / "tests" / "fixtures" / "facts.json").read_text("utf-8"))
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_ISO = re.compile(r"\b(\d{4})-(\d\d)(?:-(\d\d))?\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def unsupported(text: str, record: dict[str, list[str]]) -> list[str]:
    """Return the figures and dates of a text that its record does not hold."""
    known = set(record["numbers"])
    wrong = []
    for year, month, day in _ISO.findall(text):
        named = MONTHS[int(month) - 1] in record["months"] if 1 <= int(month) <= 12 else False
        if year not in known or not (named or month in known) or (day and not {day, day.lstrip("0")} & known):
            wrong.append(f"{year}-{month}" + f"-{day}" * bool(day))
    return wrong + sorted(numbers(_ISO.sub("", text)) - known)


def told(text: str) -> str:
    """Return what a case claims: its text without front matter, invented plans, footnotes, links and tags."""
    body = re.split(r"\n\[\^", text.split("\n---\n", 1)[1])[0]
    body = re.sub(r"## Is this you\?.*?(?=\n## )", "", body, flags=re.DOTALL)
    return re.sub(r"\[\^[^\]]+\]|\]\([^)]*\)|`[^`]+`", "", body)


@pytest.mark.parametrize("case_id", FACTS)
def test_figures_dates_and_sources_are_those_of_the_record(case_id):
    file, problems = read_file(CASES / "studies" / f"{case_id}.md", "case")
    assert file and file.case and not problems
    assert unsupported(told(file.text), FACTS[case_id]) == []
    assert {source.url for source in file.case.sources if source.url} <= set(FACTS[case_id]["urls"])
    if file.case.meta.years:
        assert numbers(file.case.meta.years.replace("-", " ")) <= set(FACTS[case_id]["numbers"])


def test_the_check_finds_a_changed_figure_and_a_changed_date():
    record = FACTS["kfc-uk-logistics-switch-2018"]
    file, _ = read_file(CASES / "studies" / "kfc-uk-logistics-switch-2018.md", "case")
    assert file and file.case
    text = told(render_case(file.case))
    assert unsupported(text, record) == []
    assert unsupported(text.replace("900", "950", 1), record) == ["950"]
    assert unsupported(text.replace("2018-02-14", "2018-09-14"), record) == ["2018-09-14"]


def test_most_cases_have_a_record():
    assert len(FACTS) >= 143
