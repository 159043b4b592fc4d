"""Search over the shipped cases by the real model."""

from __future__ import annotations

import re
import shutil
import threading

import msgspec
import pytest

from indexer.build import build_index
from indexer.neighbours import NEAR_DUPLICATE, tell_the_same
from indexer.searcher import Searcher, open_searcher
from kb.errors import FilterError, QueryError
from kb.parse import parse_case
from kb.records import Filters
from tests.kb.conftest import CASE, CASE_TEXT

WAREHOUSE = (
    "We will connect our 20-year-old warehouse management system to a new analytics tool in eight weeks. The tool reads stock in real "
    "time. The people who wrote the old system have left and there is little documentation."
)
PAYROLL = (
    "Our council replaces its payroll for 12,000 staff with a hosted suite. All departments switch at the end of March. Training is a "
    "half-day online course and the old mainframe is switched off the same weekend."
)


def test_a_plan_meets_the_case_it_resembles(searcher):
    answer = searcher.search(WAREHOUSE)
    assert answer.verdict == "close"
    assert answer.cases[0].id == "warehouse-analytics-legacy"
    assert answer.cases[0].band == "strong"


def test_a_payroll_plan_meets_payroll_failures(searcher):
    found = [case.id for case in searcher.search(PAYROLL).cases[:5]]
    assert {"queensland-health-payroll-2010", "nz-novopay-2012"} <= set(found)


@pytest.mark.parametrize(
    "text",
    [
        "My sourdough bread does not rise and smells of acetone. Should I feed the starter more often?",
        "Write a poem about the first snow on an empty playground.",
        "Which quiet keyboard do you recommend for an open office?",
        "Solve the quadratic equation and show each step of the solution.",
    ],
)
def test_nothing_close_is_said_when_nothing_is(searcher, text):
    answer = searcher.search(text)
    assert answer.verdict == "nothing-close"
    assert (answer.cases, answer.strategies, answer.signs) == ((), (), ())


def test_reasons_are_verbatim_on_both_sides(searcher):
    for case in searcher.search(PAYROLL).cases:
        lines = searcher.store.case(case.id).markdown.split("\n")
        assert 1 <= len(case.reasons) <= 3
        for reason in case.reasons:
            assert PAYROLL[reason.query_start : reason.query_end] == reason.query
            assert reason.passage in re.sub(r"\[\^[^\]]+\]", "", lines[reason.line - 1])


def test_reasons_of_a_case_differ(searcher):
    for case in searcher.search(WAREHOUSE).cases:
        assert len({reason.query for reason in case.reasons}) == len(case.reasons)
        assert len({reason.line for reason in case.reasons}) == len(case.reasons)


def test_bands_and_probabilities_follow_the_order(searcher):
    cases = searcher.search(PAYROLL, limit=100).cases
    assert [case.probability for case in cases] == sorted((case.probability for case in cases), reverse=True)
    ranks = [("strong", "related", "weak").index(case.band) for case in cases]
    assert ranks == sorted(ranks)


def test_every_strategy_has_evidence_among_the_cases_shown(searcher):
    answer = searcher.search(PAYROLL)
    shown = {case.id for case in answer.cases}
    assert answer.strategies
    for strategy in answer.strategies:
        assert strategy.evidence
        for evidence in strategy.evidence:
            assert evidence.case in shown
            line = searcher.store.case(evidence.case).markdown.split("\n")[evidence.line - 1]
            assert f"/{strategy.id}.md)" in line
    assert [each.score for each in answer.strategies] == sorted((each.score for each in answer.strategies), reverse=True)


def test_signs_come_in_order_of_phase_and_name_shown_cases(searcher):
    answer = searcher.search(PAYROLL)
    order = [searcher.store.taxonomy.order("phase", sign.phase) for sign in answer.signs]
    assert len(order) >= 5
    assert order == sorted(order)
    assert {case for sign in answer.signs for case in sign.cases} <= {case.id for case in answer.cases}


@pytest.mark.parametrize(
    "filters",
    [
        Filters(industry=("retail",)),
        Filters(outcome=("abandoned", "rolled-back"), phase=("build",)),
        Filters(from_year=2015, to_year=2019),
        Filters(system=("payroll-and-hr",), evidence=("official-report",)),
    ],
)
def test_filters_hold_and_leave_the_order_as_it_is(searcher, filters):
    everything = [case.id for case in searcher.search(PAYROLL, limit=100).cases]
    allowed = {searcher.store.case_ids[row] for row in searcher.store.filter_rows(filters)}
    answer = searcher.search(PAYROLL, filters=filters, limit=100)
    assert answer.n_cases == len(allowed) > 0
    expected = [case for case in everything if case in allowed]
    assert [case.id for case in answer.cases][: len(expected)] == expected
    assert {case.id for case in answer.cases} <= allowed


def test_filters_that_leave_nothing_give_nothing(searcher):
    answer = searcher.search(PAYROLL, filters=Filters(from_year=2990))
    assert (answer.verdict, answer.n_cases) == ("nothing-close", 0)


def test_an_unknown_filter_value_names_the_nearest(searcher):
    with pytest.raises(FilterError, match="bankin") as caught:
        searcher.search(PAYROLL, filters=Filters(industry=("bankin",)))
    assert "banking-and-payments" in caught.value.next_step


@pytest.mark.parametrize("limit", [0, 101])
def test_a_limit_out_of_range_is_refused(searcher, limit):
    with pytest.raises(QueryError, match="limit"):
        searcher.search(PAYROLL, limit=limit)


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_cuts_the_same_order(searcher, limit):
    assert searcher.search(PAYROLL, limit=limit).cases == searcher.search(PAYROLL).cases[:limit]


def test_the_same_question_gets_the_same_bytes(searcher, real_index):
    first = msgspec.json.encode(searcher.search(WAREHOUSE))
    again = open_searcher(real_index)
    assert all(msgspec.json.encode(each.search(WAREHOUSE)) == first for each in (searcher, searcher, again))


def test_threads_get_the_same_answers(searcher: Searcher):
    expected = {text: msgspec.json.encode(searcher.search(text)) for text in (WAREHOUSE, PAYROLL)}
    wrong = []

    def work(text):
        wrong.extend(text for _ in range(3) if msgspec.json.encode(searcher.search(text)) != expected[text])

    threads = [threading.Thread(target=work, args=[text]) for text in expected for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_candidates_of_a_large_corpus_hold_the_best_cases(searcher, monkeypatch):
    everything = [case.id for case in searcher.search(PAYROLL, limit=10).cases]
    monkeypatch.setattr("indexer.ranking.MOST_SCORED", 20)
    monkeypatch.setattr("indexer.ranking._CANDIDATES", 30)
    few = [case.id for case in searcher.search(PAYROLL, limit=10).cases]
    assert len(set(few[:5]) & set(everything[:5])) >= 4


def test_similar_cases_are_alike_and_not_the_case_itself(searcher):
    similar = searcher.similar("nz-novopay-2012", limit=5)
    assert "queensland-health-payroll-2010" in [case.id for case in similar]
    assert "nz-novopay-2012" not in [case.id for case in similar]
    assert all(case.ours and case.theirs for case in similar)


@pytest.mark.parametrize(
    "text", [WAREHOUSE, "Our sales contacts will feed a new campaign tool; marketing and the CRM team each set up their side."]
)
def test_a_small_corpus_answers_too(small_real_index, text):
    answer = open_searcher(small_real_index).search(text)
    assert answer.cases[0].id == ("warehouse-analytics-legacy" if text is WAREHOUSE else "retailer-crm-marketing")
    assert answer.cases[0].band in {"strong", "related"}


def test_a_corpus_of_one_case_answers_and_is_silent_as_it_should(tmp_path, real_index, small_corpus):
    for path in (small_corpus / "studies").glob("*.md"):
        if path.stem != "warehouse-analytics-legacy":
            path.unlink()
    index = tmp_path / "one"
    shutil.copytree(real_index / "exports", index / "exports")
    build_index(index, [small_corpus])
    one = open_searcher(index)
    assert one.search(WAREHOUSE).cases[0].band in {"strong", "related"}
    assert one.search("My sourdough bread does not rise and smells of acetone.").verdict == "nothing-close"


def test_a_copied_case_is_named_as_the_nearest_pair(small_real_index, small_corpus):
    copy = (
        (small_corpus / "studies" / "retailer-crm-marketing.md").read_text("utf-8").replace("title: A retailer's", "title: Some retailer's")
    )
    (small_corpus / "studies" / "copied-case.md").write_text(copy, "utf-8")
    build_index(small_real_index, [small_corpus])
    cosine, *ids = open_searcher(small_real_index).nearest_pairs()["cases"][0]
    assert ids == ["copied-case", "retailer-crm-marketing"]
    assert cosine > 0.95


def test_drafts_that_leave_their_facts_open_are_not_told_the_same_for_it():
    case = parse_case(CASE_TEXT, source=CASE)
    stated = msgspec.structs.replace(case, meta=msgspec.structs.replace(case.meta, organisation=None))
    open_ = msgspec.structs.replace(stated, meta=msgspec.structs.replace(stated.meta, industry="", undertaking="", outcome=""))
    assert tell_the_same(stated, stated, NEAR_DUPLICATE - 0.001)
    assert not tell_the_same(open_, open_, NEAR_DUPLICATE - 0.001)
    assert tell_the_same(open_, open_, NEAR_DUPLICATE)


def test_no_two_shipped_cases_or_strategies_tell_the_same(searcher):
    nearest = searcher.nearest_pairs(limit=1)
    assert nearest["cases"][0][0] < 0.85
    assert nearest["strategies"][0][0] < 0.85
