"""What the documents say is what there is."""

from __future__ import annotations

import re

import msgspec
import pytest

from api.cli import cli
from api.settings import PREFIX, Settings
from indexer.description import MAX_CHARACTERS
from kb.corpus import read_corpora
from kb.parse import CASE_SECTIONS, STRATEGY_SECTIONS, read_case
from tests.conftest import CASES, ROOT

README = (ROOT / "README.md").read_text("utf-8")
CASES_README = (CASES / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_is_in_the_readme_and_has_examples(name):
    assert f"`premortem {name}" in README
    assert name == "doctor" or name == "eval" or f"premortem {name}" in (cli.commands[name].help or "")


@pytest.mark.parametrize("field", msgspec.structs.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_in_the_readme(field):
    assert f"`{PREFIX}{field.name.upper()}`" in README


@pytest.mark.parametrize("section", [*CASE_SECTIONS, *STRATEGY_SECTIONS])
def test_every_section_is_told_to_contributors(section):
    assert f"## {section}`" in CASES_README


def test_counts_in_the_readme_are_true():
    corpora = read_corpora([CASES])
    assert f"{len(corpora.cases)} case studies" in README
    assert f"{len(corpora.strategies)} prevention strategies" in README
    assert f"{len(corpora.taxonomy.category)} categories" in README
    assert f"{len(corpora.taxonomy.undertaking)} kinds of undertaking and {len(corpora.taxonomy.industry)} industries" in README


def test_the_front_matter_shown_to_contributors_is_valid():
    front = re.search(r"```markdown\n(---\n.*?\n---\n)```", CASES_README, re.DOTALL)
    assert front
    problems = read_case(front[1], source="warehouse-example-2020.md")[1]
    assert not [problem for problem in problems if problem.rule == "front-matter"]


def test_links_in_documents_lead_somewhere():
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", CASES / "README.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8").replace("../strategies/slug.md", "README.md")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_limit_told_by_the_api_is_the_limit():
    from api.schemas import SearchRequest

    assert f"{MAX_CHARACTERS:,}" in (ROOT / "api" / "schemas.py").read_text("utf-8")
    assert SearchRequest(description="x").limit == 10
