"""Search quality may not fall: judged descriptions against the shipped cases, by the real model."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from indexer import evaluation
from indexer.judged import Judged, read_judged
from tests.conftest import ROOT

EVAL = ROOT / "tests" / "eval"
FLOOR_NDCG_BRIEFS, FLOOR_NDCG_RETOLD, FLOOR_NDCG_INVENTED, FLOOR_NDCG_KNOWN = 0.692, 0.531, 0.674, 0.836
"""0.01 or less under what was measured when they were set; raise them when the ranking gains."""
MOST_WEAK_REASONS = {"reasons-judged": 0.2, "retold-reasons-judged": 0.4}
"""Shares of the judged first reasons that made no sense to the judges were 0.13 and 0.39."""


@pytest.fixture(scope="module")
def briefs():
    return read_judged(EVAL / "briefs-dev.yaml")


@pytest.fixture(scope="module")
def retold():
    return read_judged(EVAL / "retold-dev.yaml")


@pytest.mark.slow
def test_project_descriptions_find_what_judges_found(searcher, briefs):
    report = evaluation.evaluate_set(searcher, "briefs", briefs)
    ndcg = {system: values["nDCG@10"] for system, values in report.systems.items()}
    assert report.n_queries == 30
    assert ndcg["premortem"] >= FLOOR_NDCG_BRIEFS
    assert ndcg["premortem"] > max(ndcg[system] for system in evaluation.SYSTEMS if system != "premortem") + 0.03


@pytest.mark.slow
def test_known_items_are_found(searcher):
    report = evaluation.evaluate_set(searcher, "known", read_judged(EVAL / "cases-dev.yaml"))
    assert report.systems["premortem"]["nDCG@10"] >= FLOOR_NDCG_KNOWN


@pytest.mark.slow
def test_invented_descriptions_find_what_their_writers_found(searcher):
    report = evaluation.evaluate_set(searcher, "invented", read_judged(EVAL / "invented-dev.yaml"))
    assert report.systems["premortem"]["nDCG@10"] >= FLOOR_NDCG_INVENTED


@pytest.mark.slow
def test_more_real_projects_find_what_judges_found(searcher, retold):
    report = evaluation.evaluate_set(searcher, "retold", retold)
    assert report.systems["premortem"]["nDCG@10"] >= FLOOR_NDCG_RETOLD


@pytest.mark.slow
def test_silence_is_honest(searcher, briefs, retold):
    for judged in (briefs, retold):
        report = evaluation.evaluate_honesty(searcher, judged, read_judged(EVAL / "negatives-dev.yaml"))
        assert report.false_confident <= 0.05
        assert report.false_silent <= 0.05
        assert report.calibration_error <= 0.06
        assert report.bands["strong"].strongly_useful > max(0.5, report.bands["related"].strongly_useful)


@pytest.mark.slow
def test_strategies_are_ranked_better_than_by_habit(searcher, briefs):
    report = evaluation.evaluate_prevention(searcher, briefs)
    ndcg = {system: values["nDCG@10"] for system, values in report.systems.items()}
    assert ndcg["premortem"] > max(ndcg["most-linked"], ndcg["first-case"]) + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name, number", [("reasons-judged", 60), ("retold-reasons-judged", 109)])
def test_first_reasons_are_those_that_were_judged(searcher, briefs, retold, name, number):
    """Reasons are judged by people; what changes them has to be judged again: tests/eval/README.md tells how."""
    judged = yaml.safe_load((EVAL / f"{name}.yaml").read_text("utf-8"))
    assert len(judged) == number
    texts = {query.id: query.text for query in (*briefs, *retold, *read_judged(EVAL / "lengths-dev.yaml"))}
    answers = {each: {case.id: case for case in searcher.search(texts[each]).cases} for each in {each["description"] for each in judged}}
    same = [each for each in judged if (case := answers[each["description"]].get(each["case"])) and case.reasons[0].query == each["query"]]
    assert len(same) >= 0.8 * len(judged)
    assert sum(not each["sensible"] for each in same) <= MOST_WEAK_REASONS[name] * len(same)


def test_measures_are_those_of_the_field():
    judged = [Judged(id="q", text="", kind="", grades={"a": 3.0, "b": 1.0, "gone": 3.0})]
    perfect = evaluation.measure(judged, {"q": {"a": 2.0, "b": 1.0, "c": 0.0}}, ["a", "b", "c"])
    swapped = evaluation.measure(judged, {"q": {"b": 2.0, "a": 1.0, "c": 0.0}}, ["a", "b", "c"])
    ideal, got = 7 + 1 / np.log2(3), 1 + 7 / np.log2(3)
    assert perfect["nDCG@10"]["q"] == pytest.approx(1.0)
    assert swapped["nDCG@10"]["q"] == pytest.approx(got / ideal, abs=1e-3)
    assert swapped["RR@10"]["q"] == 0.5
    assert (perfect["R@5"]["q"], perfect["R@10 of 3"]["q"]) == (1.0, 1.0)
    two = [Judged(id="q", text="", kind="", grades={"a": 3.0, "b": 3.0, "c": 2.0}), Judged(id="none", text="", kind="", grades={"a": 2.0})]
    values = evaluation.measure(two, {"q": {"a": 1.0}, "none": {"a": 1.0}}, ["a", "b", "c"])
    assert values["R@10 of 3"] == {"q": 0.5}  # a description without a must-read case has no recall of them
    assert values["R@10"]["q"] == pytest.approx(1 / 3)


def test_calibration_error_of_known_distances():
    said = np.array([0.05, 0.05, 0.95, 0.95])
    assert evaluation.expected_calibration_error(said, np.array([False, False, True, True])) == pytest.approx(0.05)
    assert evaluation.expected_calibration_error(said, np.array([True, True, False, False])) == pytest.approx(0.95)


def test_bootstrap_tells_a_real_difference_from_noise():
    rng = np.random.default_rng(1)
    base = rng.random(60)
    assert evaluation.bootstrap_difference(base + 0.1, base)[1] > 0
    low, high = evaluation.bootstrap_difference(base, rng.permutation(base))[1:]
    assert low < 0 < high
