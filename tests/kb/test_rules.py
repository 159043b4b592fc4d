"""Every rule has its page, and what the page shows as bad and good is found so."""

from __future__ import annotations

import re

import pytest

from kb.errors import NotFoundError, Problem
from kb.lint import RULES, explain
from kb.parse import CASE_SECTIONS
from tests.conftest import ROOT
from tests.kb.conftest import CASE_TEXT, Folder

PAGES = ROOT / "docs" / "rules"
EXAMPLE = "later-bank-2020.md"
# What these two find cannot be written as the text of a case: their own tests are in test_problems.py and tests/api/test_linting.py.
NOT_SHOWN = {"file", "near-duplicate"}
_EXAMPLE = re.compile(r"^## (Bad|Good)\n\n```(\w+)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_PART = re.compile(r"^(?=## |\[\^)", re.MULTILINE)

every_rule = pytest.mark.parametrize("rule", RULES)


def examples(rule: str) -> dict[str, tuple[str, str]]:
    return {name: (language, text) for name, language, text in _EXAMPLE.findall(explain(rule))}


def whole(example: str) -> str:
    """The good case, under another title and with other sources, with the fields, sections and footnotes of an example put into it."""
    text = re.sub(r"^title: .*$", "title: Another bank moves its accounts", CASE_TEXT, flags=re.MULTILINE)
    # Cited in two sections, or an example that replaces one of them would leave it unused.
    text = text.replace("customers first. [^s1]", "customers first; consider ten of them. [^s1][^inferred]")
    text = text.replace("<https://example.org/report_(2019)>", "https://example.org/a").replace("org/minutes", "org/b")
    example += "\n"
    front, _, rest = example.rpartition("---\n") if example.startswith("---\n") else ("", "", example)
    for field in front.removeprefix("---\n").splitlines():
        name = field.partition(":")[0]
        pattern = re.compile(rf"^{name}:.*$", re.MULTILINE)
        text = (
            pattern.sub(lambda _, field=field: field, text, count=1)
            if pattern.search(text)
            else text.replace("\n---\n", f"\n{field}\n---\n", 1)
        )
    for part in filter(None, (part.strip("\n") for part in _PART.split(rest))):
        text = with_part(text, part)
    return text


def with_part(text: str, part: str) -> str:
    heading = part.split("\n", 1)[0]
    if part.startswith("[^"):
        label = heading.partition(":")[0]
        if f"\n{label}:" in text:
            return re.sub(rf"^{re.escape(label)}:.*$", lambda _: part, text, flags=re.MULTILINE)
        return text.replace("\n[^inferred]:", f"\n{part}\n[^inferred]:")
    name = heading.removeprefix("## ")
    known = name if name in CASE_SECTIONS else "Lessons"
    return re.sub(rf"^## {re.escape(known)}\n.*?(?=^## |^\[\^)", lambda _: f"{part}\n\n", text, flags=re.MULTILINE | re.DOTALL)


def found_in(folder: Folder, example: tuple[str, str]) -> list[Problem]:
    language, text = example
    name, content = (text, whole("")) if language == "text" else (EXAMPLE, whole(text))
    path = folder.studies / name
    path.write_text(content, "utf-8")
    return [problem for problem in folder.problems() if problem.source == str(path)]


@every_rule
def test_every_rule_has_a_page_with_its_title_and_both_examples(rule):
    page = explain(rule)
    assert page.startswith(f"# {rule}\n\n**{RULES[rule].title}** · {RULES[rule].severity}")
    assert ("in a draft a warning" in page) == (RULES[rule].severity != RULES[rule].in_drafts)
    assert ("not mended" not in page) == RULES[rule].fixable
    assert examples(rule).keys() == {"Bad", "Good"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in NOT_SHOWN])
def test_the_bad_example_of_a_page_breaks_its_rule_alone(folder, rule):
    assert {problem.rule for problem in found_in(folder, examples(rule)["Bad"])} == {rule}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in NOT_SHOWN])
def test_the_good_example_of_a_page_breaks_no_rule(folder, rule):
    assert found_in(folder, examples(rule)["Good"]) == []


def test_there_is_no_page_without_a_rule():
    assert {path.stem for path in PAGES.glob("*.md")} == {*RULES, "README"}


@every_rule
def test_every_rule_stands_in_the_overview(rule):
    row = next(line for line in (PAGES / "README.md").read_text("utf-8").splitlines() if f"[`{rule}`]({rule}.md)" in line)
    assert RULES[rule].title in row
    assert row.endswith("| yes |") == RULES[rule].fixable


def test_an_unknown_rule_is_told_with_the_nearest():
    with pytest.raises(NotFoundError, match="no rule 'figures'") as error:
        explain("figures")
    assert error.value.next_step == "did you mean 'figure'?"
