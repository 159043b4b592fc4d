"""Whatever bytes a file holds, lint answers: no exception, no endless search, and every finding points into the file."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kb._markdown import read_by_tokens, read_document
from kb.corpus import Corpora, read_text
from kb.errors import Problem
from kb.lint import lint, lint_text
from tests.kb.conftest import CASE, CASE_TEXT, STRATEGY, STRATEGY_TEXT
from tests.kb.test_problems import damaged
from tests.kb.test_seeded import ROWS, SEEDED

_BOUND_S = 60
"""Far more than any file takes, also on a machine under load; a search of quadratic time would need hours."""


@pytest.fixture(scope="module")
def alone(shipped_corpora) -> Corpora:
    """No other files, so that thousands of texts can be checked."""
    return Corpora(shipped_corpora.taxonomy)


def checked(text: str, among: Corpora, name: str = CASE) -> list[Problem]:
    problems = lint_text(text, name=name, among=among)[1]
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in problems:
        assert 1 <= problem.line <= len(lines) + 1, problem
        assert 1 <= problem.column <= max(1, len(lines[min(problem.line, len(lines)) - 1])) + 1, problem
        assert problem.message, problem
        assert problem.advice, problem
    return problems


PIECES = st.sampled_from(
    [
        "---\n", "title: ", "status: draft\n", "categories: [", "## Undertaking\n", "## Lessons\n", "## lessons\n\n", "### x\n", "\n",
        "\n\n", "- ", "1. ", "> ",
        "**", "`", "[", "](", ")", "[^s1]", "[^inferred]", "[^s1]: ", "[^", "]: ", "<", "<b>", "<!--", "-->", "javascript:", "https://",
        "//", "@", "://a:b@c",
        "password: ", "AKIA", "ghp_", "eyJ", ".eyJ", "+49 ", "0171 5550199", "Mr ", "human error", "to blame", "TODO", "EUR 5 million",
        "2018-02-30: ", "consider ",
        "was ", "\t", "  ", "\\", "&#", "é", "\u202e", "\x00", "\u2028", "x" * 300, "1 " * 100, "(" * 50, "-----BEGIN ", "A", "a.", "=",
    ]
)  # fmt: skip


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(pieces=["\r\r0"], where="whole")
@given(pieces=st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40), where=st.sampled_from(["whole", "body", "front", "section"]))
def test_any_text_is_answered(alone, pieces, where):
    text = "".join(pieces).encode("utf-8", "replace").decode()
    if where == "body":
        text = f"{CASE_TEXT[: CASE_TEXT.index('## Undertaking')]}{text}\n"
    elif where == "front":
        text = CASE_TEXT.replace("country: GB", text)
    elif where == "section":
        text = CASE_TEXT.replace("## Lessons\n", f"## Lessons\n\n- {text}\n")
    checked(text, alone)
    checked(text, alone, name=STRATEGY)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_answered(shipped_corpora, alone, seed):
    for each in range(5):
        original = random.Random(seed * 5 + each).choice(shipped_corpora.files)
        data = damaged(original.text.encode(), seed * 5 + each)
        checked(data.decode("utf-8", "replace"), alone, name=f"{original.kind}-{CASE}")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.sampled_from(
            [
                "", "", "", "## Lessons", "## Prevention", "##  Impact", "# Title", "Text of a line.", "  indented", "- item one",
                "- **Lead.** text [^s1]", "-",
                "* star", "1. step", "2. step", "3) step", "[^s1]: [Title](), 2018. news", "[^inferred]: Advice.",
                "[words]: https://example.org", "[x](y.md): z",
                "2018. A year", "2018-07: event", "**bold** start", "*emphasis* start", "***", "---", "===", "> quote", "`code`",
                "``` fence", "<div>", "trailing  ",
                "\\- escaped", "“Quoted” start", "(in brackets)", "a\u00a0", "\u00a0b", "a\tb", "é", "_under_", "10 things", "[^a b]: x",
                "## Heading ##", "+ plus",
            ]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_the_quick_reader_reads_what_the_parser_reads(lines):
    text = "---\ntitle: x\n---\n\n" + "\n".join(lines)
    assert read_document(text) == read_by_tokens(text)


def test_shipped_and_seeded_files_are_read_alike_by_both_readers(shipped_corpora):
    seeded = [(SEEDED / file).read_bytes().decode("utf-8", "replace") for file, *_ in ROWS]
    for text in (*(file.text for file in shipped_corpora.files), *seeded):
        assert read_document(text) == read_by_tokens(text)


LONG = [
    "[^s1]" * 40_000, "[^s1]" * 40_000 + "x", "[^s1] " * 30_000 + "x", "`a` " * 50_000, "[a](b) " * 30_000, "\\[" * 60_000,
    "a" * 200_000, "a." * 100_000, "a@" * 100_000, "a.b-" * 50_000, "@" * 200_000, "1 " * 100_000, "+1" * 100_000, "(1) " * 50_000,
    "[" * 100_000, "[^" * 100_000, "](" * 100_000, "[a](" * 50_000, "[a](b" + "(" * 100_000, "<" * 200_000, "<a " * 60_000, "<!--" * 50_000,
    "`" * 200_000, "`a" * 100_000, "**a" * 60_000, "eyJ" * 70_000, "eyJaaaaaaaaa." * 15_000, "sk-" * 70_000, "password:" * 25_000,
    "token=" * 30_000,
    "bearer " * 30_000, "http://" * 30_000, "http://a:" * 25_000, "AKIA" * 50_000, "-----BEGIN " * 20_000, "Mr " * 60_000,
    "Dr von " * 30_000,
    "human error " * 20_000, "to blame " * 20_000, "TODO " * 40_000, "EUR 1 " * 40_000, "$" * 200_000, " " * 200_000, "\u00a0" * 200_000,
    "2018-" * 40_000,
    "\n" * 100_000, "- a\n" * 20_000, "## Lessons\n\n" * 10_000, "[^s1]: x\n" * 20_000, "[a]: b\n\n" * 10_000, "x: y\n" * 30_000,
]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", LONG, ids=lambda part: repr(part[:12]))
def test_long_runs_of_anything_end_in_time(alone, part):
    began = time.process_time()
    checked(CASE_TEXT.replace("first. [^s1]", f"first. {part} [^s1]"), alone)
    checked(STRATEGY_TEXT.replace("with a name beside it.", part), alone, name=STRATEGY)
    assert time.process_time() - began < _BOUND_S


def test_a_file_longer_than_the_limit_is_told_at_once(alone):
    file, [problem] = read_text("a" * 10_000_001, SEEDED / CASE)
    assert file is None
    assert (problem.rule, problem.line) == ("file", 1)
    assert "longer than 10,000,000 characters" in problem.message


def test_lint_of_a_text_is_lint_of_the_file(folder):
    text = CASE_TEXT.replace("phase: go-live", "phase: golive")
    on_disk = folder.of_case(text)
    corpora, in_memory = lint_text(text, name=str(folder.studies / CASE), among=Corpora(_taxonomy(folder), []))
    assert [(p.line, p.column, p.rule) for p in on_disk] == [(p.line, p.column, p.rule) for p in in_memory if p.rule != "link"]
    assert lint(corpora) == in_memory


def _taxonomy(folder):
    from kb.corpus import read_corpora

    return read_corpora([folder.path]).taxonomy
