"""Markdown in and out: what a file says, and that writing it again changes nothing."""

from __future__ import annotations

import json
import re
import unicodedata

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.case import INFERRED, Case, CaseMeta, Event, Item, Prose, Source, Strategy, StrategyMeta
from kb.errors import InvalidCasesError
from kb.lint import lint
from kb.parse import parse_case, parse_strategy, read_case, read_strategy
from kb.render import render_case, render_strategy
from tests.kb.conftest import CASE, CASE_TEXT, FIXTURES, STRATEGY, STRATEGY_TEXT


@pytest.mark.parametrize("name, parse", [(CASE, parse_case), (STRATEGY, parse_strategy)])
def test_a_file_reads_as_its_golden_json(name, parse):
    path = FIXTURES / name
    golden = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert msgspec.to_builtins(parse(path.read_text("utf-8"), source=name), str_keys=True) == _lists(golden)


def _lists(golden: object) -> object:
    """JSON lists as the tuples that msgspec leaves in place."""
    if isinstance(golden, list):
        return tuple(_lists(each) for each in golden)
    return {key: _lists(value) for key, value in golden.items()} if isinstance(golden, dict) else golden


def test_every_line_of_the_golden_case_is_where_the_file_has_it():
    case = parse_case(CASE_TEXT, source=CASE)
    lines = CASE_TEXT.split("\n")
    items = [*case.likenesses, *case.impact, *case.symptoms, *case.factors, *case.lessons, *case.prevention, *case.disputed]
    placed = [*case.undertaking, *case.story, *items, *case.timeline]
    assert [each for each in placed if each.text not in lines[each.line - 1]] == []
    assert all(lines[source.line - 1].startswith(f"[^{source.id}]: ") for source in case.sources)


def test_the_golden_case_is_canonical():
    assert render_case(parse_case(CASE_TEXT, source=CASE)) == CASE_TEXT


def test_the_golden_strategy_is_canonical():
    assert render_strategy(parse_strategy(STRATEGY_TEXT, source=STRATEGY)) == STRATEGY_TEXT


def test_every_shipped_file_is_canonical(shipped_corpora):
    changed = []
    for file in shipped_corpora.files:
        again = render_case(file.case) if file.case else render_strategy(file.strategy) if file.strategy else None
        if again != file.text:
            changed.append(str(file.path))
    assert len(shipped_corpora.files) > 100
    assert changed == []


def test_every_shipped_file_is_without_problems(shipped_corpora):
    assert [str(problem) for problem in lint(shipped_corpora)] == []


def test_parsing_a_broken_case_raises_every_problem_at_once():
    with pytest.raises(InvalidCasesError) as raised:
        parse_case(CASE_TEXT.replace("phase: go-live", "fase: go-live").replace("## Lessons", "## Morals"), source=CASE)
    messages = " ".join(problem.message for problem in raised.value.problems)
    assert all(word in messages for word in ("`fase`", "`phase` is missing", "`Morals`", "`Lessons` is missing"))


def test_a_case_without_undertaking_has_problems():
    case, problems = read_case(CASE_TEXT.replace("## Undertaking", "## Background"), source=CASE)
    assert case.undertaking == ()
    assert problems


def test_a_success_needs_no_contributing_factors():
    start, end = CASE_TEXT.index("## What went wrong"), CASE_TEXT.index("## Lessons")
    text = (CASE_TEXT[:start] + CASE_TEXT[end:]).replace("outcome: failed-go-live", "outcome: succeeded")
    assert parse_case(text, source=CASE).factors == ()


@pytest.mark.parametrize(
    "written, publisher, date",
    [
        ("[T](). news", "", ""),
        ("[T](), 2019. news", "", "2019"),
        ("[T](), Times. news", "Times", ""),
        ("[T](), Times, 2019-05. news", "Times", "2019-05"),
        ("[T](), Times, London, 2019-05-01. news", "Times, London", "2019-05-01"),
        ("[T](), 1985 (company blog). news", "1985 (company blog)", ""),
    ],
)
def test_publisher_and_date_of_a_source_are_told_apart(written, publisher, date):
    text = CASE_TEXT.replace("[A weekend of errors](), Example Times, London. news", written)
    source = parse_case(text, source=CASE).sources[2]
    assert (source.id, source.publisher, source.date, source.kind) == ("s3", publisher, date, "news")


@pytest.mark.parametrize("address", ["rehearse-cutover.md", "strategies/rehearse-cutover.md", "../strategies/rehearse-cutover.md"])
def test_a_strategy_is_found_from_the_way_it_is_linked(address):
    text = CASE_TEXT.replace("../strategies/rehearse-cutover.md", address)
    assert parse_case(text, source=CASE).prevention[0].strategy == "rehearse-cutover"


def test_lines_broken_within_a_paragraph_or_item_are_joined():
    text = CASE_TEXT.replace("to move five", "to\nmove five").replace("A small group", "A small\n  group")
    case = parse_case(text, source=CASE)
    assert case.undertaking[0].text == "A bank set out to move five million accounts to a new platform.[^s1]"
    assert case.lessons[0].text == "A small group of customers first."


@pytest.mark.parametrize("years, span", [("2011", (2011, 2011)), ("2011-2018", (2011, 2018)), ("null", None)])
def test_years_read_as_a_span(years, span):
    assert parse_case(CASE_TEXT.replace("years: 2016-2018", f"years: {years}"), source=CASE).years_span() == span


@pytest.mark.timeout(10)  # a pattern that begins to search at every blank takes much longer
@pytest.mark.parametrize("long", [" " * 60_000, "\t" * 60_000, "[^s1] " * 500, "`x` " * 5_000, "**x** " * 5_000])
def test_a_long_run_of_anything_is_read_without_delay(long):
    text = CASE_TEXT.replace("A small group of", f"A small{long}group of")
    assert parse_case(text, source=CASE).lessons[0].text.endswith("group of customers first.")


@pytest.mark.parametrize("status, searchable", [("published", True), ("disputed", True), ("withdrawn", False), ("superseded", False)])
def test_a_withdrawn_or_superseded_case_is_no_evidence(status, searchable):
    assert parse_case(CASE_TEXT.replace("status: published", f"status: {status}"), source=CASE).is_searchable is searchable


# --- Properties. Whatever the format can hold survives being written and read. Each restriction has its reason beside it.

# Categories left out: Cc and Cs cannot stand in a text file (or end a line), Zl and Zp end a line for YAML. The sign-only and
# telling characters are offered more often than chance would.
TELLING = ":#'\"[]{}()<>,&*!|%@?-~\\/=+ äß漢🙂\u00a0\u200b\ufeff"
characters = st.one_of(st.sampled_from(TELLING), st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]))
YAML_WORDS = [
    "null",
    "~",
    "yes",
    "1e3",
    "0711",
    "2018-07-01",
    "18:00",
    "- x",
    "? x",
    "a: b",
    "a #b",
    "[x]",
    "!!str",
    "*x",
    "&x",
    "---",
    "<<",
    "=",
    "'",
    '"',
]
# A blank value is a problem; blanks around one would survive, but a person who edits the file would drop them.
front = st.sampled_from(YAML_WORDS) | st.text(characters, min_size=1, max_size=40).filter(lambda text: text == text.strip())
slugs = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
labels = st.integers(0, 9999).map("s{}".format)


def _is_inline(text: str) -> bool:
    return (
        text == text.strip()  # outer blanks are no part of a Markdown paragraph
        and unicodedata.category(text[0]).startswith("L")  # - # > < 1. [^x]: ** and the like begin another block, a lead or a link
        and not text.endswith("`")  # a code span at the end is a tag
        and not re.search(r"\[\^[^\]\s]+\]$", text)  # a footnote at the end belongs to the item's sources
    )


inline = st.builds(str.__add__, st.sampled_from("aZéß漢"), st.text(characters, max_size=40)).filter(_is_inline)
prose = st.builds(Prose, st.one_of(inline, inline.map(lambda text: f"{text}.[^s1]")))  # in a paragraph footnotes stay in the text
dates = st.one_of(st.just(""), st.sampled_from(["2018", "2018-07", "2018-07-01"]))
# A lead ends at its first ** or, as a link, at its first ] that is not escaped.
leads = inline.filter(lambda text: not set(text) & set("*[]\\"))
refs = st.lists(st.sampled_from(["s1", "s2", INFERRED]), max_size=3).map(tuple)
plain_items = st.builds(Item, text=inline, sources=refs)
led_items = st.builds(Item, lead=leads, text=st.one_of(st.just(""), inline), tag=st.none() | slugs, sources=refs)
tagged_items = st.builds(Item, text=inline, tag=st.none() | slugs, sources=refs)  # with neither lead nor text nothing is said
linked_items = st.builds(Item, lead=leads, text=st.one_of(st.just(""), inline), strategy=slugs, sources=refs)  # a link has no tag
whens = st.sampled_from(["2018", "2018-07", "April 2018", "22 April, 18:00", "2016–2018"])  # a colon only between digits
events = st.builds(Event, when=whens, text=inline, sources=refs)
# < > end an address in angle brackets and so does a line end; blanks at its ends would be no part of it.
urls = st.one_of(st.just(""), st.text(st.sampled_from("abc/:.?&=#%()[]_~-+,;'\"é\\"), min_size=1).map(lambda tail: f"https://{tail}"))
publishers = st.one_of(st.just(""), inline.filter(lambda text: not re.search(r", \d{4}(-\d\d){0,2}$", text)))  # would be the date
kinds = st.from_regex(r"[a-z]{1,8}(-[a-z]{1,8})?", fullmatch=True)


@st.composite
def sources_of_a_case(draw: st.DrawFn) -> tuple[Source, ...]:
    ids = draw(st.lists(labels, max_size=3, unique=True))  # ids twice are a problem
    made = [
        Source(id=each, title=draw(front), url=draw(urls), publisher=draw(publishers), date=draw(dates), kind=draw(kinds)) for each in ids
    ]
    return (*made, *draw(st.sampled_from([(), (Source(id=INFERRED, title="Advice of ours."),)])))


def some(each: st.SearchStrategy) -> st.SearchStrategy:
    """Filled, as a section without content is a problem."""
    return st.lists(each, min_size=1, max_size=3).map(tuple)


def any_number(each: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(each, max_size=3).map(tuple)


def in_order(years: str) -> bool:
    first, _, last = years.partition("-")
    return years[0] != "0" and first <= (last or first)


case_metas = st.builds(
    CaseMeta,
    title=front,
    organisation=st.none() | front,
    industry=front,
    country=st.none() | front,
    years=st.none() | st.from_regex(r"[0-9]{4}(-[0-9]{4})?", fullmatch=True).filter(in_order),  # 0711 is octal
    undertaking=front,
    categories=some(front),
    phase=front,
    outcome=front,
    systems=any_number(front),
    evidence=front,
    status=front,
    superseded_by=st.none() | front,
)
cases = st.builds(
    Case,
    id=slugs,
    meta=case_metas,
    undertaking=some(prose),
    likenesses=any_number(plain_items),
    story=some(prose),
    timeline=any_number(events),
    impact=any_number(led_items | tagged_items),
    symptoms=some(led_items | tagged_items),
    factors=some(led_items | tagged_items),
    lessons=some(led_items | tagged_items),
    prevention=some(led_items | linked_items),
    disputed=any_number(plain_items),
    sources=sources_of_a_case(),
)
strategies = st.builds(
    Strategy,
    id=slugs,
    meta=st.builds(
        StrategyMeta,
        title=front,
        phase=front,
        roles=any_number(front),
        effort=front,
        addresses=any_number(front),
        tools=any_number(front),
        sources=any_number(front),
    ),
    steps=some(led_items | tagged_items),
    missing_signs=some(plain_items),
    done_when=some(plain_items),
    limits=some(prose),
)


def without_lines(value: object) -> object:
    """A copy with every line number 0; a generated value has none."""
    if isinstance(value, tuple):
        return tuple(without_lines(each) for each in value)
    if not isinstance(value, msgspec.Struct):
        return value
    changed = {name: 0 if name == "line" else without_lines(getattr(value, name)) for name in value.__struct_fields__}
    return msgspec.structs.replace(value, **changed)


# A whole case is a large draw; that it is slow to make says nothing about the code.
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(cases)
def test_a_written_case_reads_back_equal(case):
    read, problems = read_case(render_case(case), source=f"{case.id}.md")
    assert problems == []
    assert without_lines(read) == case


@thorough
@given(strategies)
def test_a_written_strategy_reads_back_equal(strategy):
    read, problems = read_strategy(render_strategy(strategy), source=f"{strategy.id}.md")
    assert problems == []
    assert without_lines(read) == strategy


@settings(thorough, max_examples=20)
@given(cases)
def test_writing_a_case_a_second_time_changes_nothing(case):
    once = render_case(case)
    assert render_case(parse_case(once, source=f"{case.id}.md")) == once


@thorough
@given(st.text(characters | st.sampled_from("\r\n\t`^"), max_size=200), st.sampled_from(CASE_TEXT.split("\n")))
def test_no_text_in_place_of_a_line_makes_reading_fail(text, line):
    _, problems = read_case(CASE_TEXT.replace(line, text, 1), source=CASE)
    assert all(1 <= problem.line <= CASE_TEXT.count("\n") + text.count("\n") + 2 for problem in problems)
