"""Search quality may not fall: judged descriptions against the shipped cases, by the real model."""

from __future__ import annotations

import numpy as np
import pytest

from indexer import evaluation
from indexer.evaluation import Judged, read_judged
from tests.conftest import ROOT

EVAL = ROOT / "tests" / "eval"
FLOOR_NDCG_BRIEFS, FLOOR_NDCG_KNOWN = 0.61, 0.81
"""A little under what was measured when they were set; raise them when the ranking gains."""


@pytest.fixture(scope="module")
def briefs():
    return read_judged(EVAL / "briefs-dev.yaml")


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
def test_silence_is_honest(searcher, briefs):
    report = evaluation.evaluate_honesty(searcher, briefs, read_judged(EVAL / "negatives-dev.yaml"))
    assert report.false_confident <= 0.05
    assert report.false_silent <= 0.05
    assert report.calibration_error <= 0.06


def test_measures_are_those_of_the_field():
    judged = [Judged(id="q", text="", kind="", grades={"a": 3.0, "b": 1.0, "gone": 3.0})]
    perfect = evaluation.measure(judged, {"q": {"a": 2.0, "b": 1.0, "c": 0.0}}, ["a", "b", "c"])
    swapped = evaluation.measure(judged, {"q": {"b": 2.0, "a": 1.0, "c": 0.0}}, ["a", "b", "c"])
    ideal, got = 7 + 1 / np.log2(3), 1 + 7 / np.log2(3)
    assert perfect["nDCG@10"]["q"] == pytest.approx(1.0)
    assert swapped["nDCG@10"]["q"] == pytest.approx(got / ideal, abs=1e-3)
    assert swapped["RR@10"]["q"] == 0.5


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
