"""Which pairs are shown: what is known of a pair, and what the calibration makes of it."""

from __future__ import annotations

import json

import msgspec
import numpy as np

from indexer.calibration import UNFITTED, find_calibration
from indexer.description import Sentence
from indexer.encoder import BASE, TRAINED, find_model
from indexer.judged import read_judged, read_pairs
from indexer.reasons import KINDS, Passages, best_pairs, commonness, pair_features
from tests.conftest import ROOT

TRAINING = ROOT / "training"


def sentence(text: str) -> Sentence:
    return Sentence(text, 0)


def passages() -> Passages:
    return Passages(lines=np.array([5, 5, 9]), kinds=np.array([0, 2, 3]), words=np.array([4, 8, 16]))


def test_a_sentence_near_to_every_case_is_common():
    cosines = np.array([[0.9, 0.1, 0.9], [0.8, 0.1, 0.0]], np.float32)
    assert np.allclose(commonness(cosines, np.array([0, 2])), [0.9, 0.4])


def test_every_feature_fits_every_pair():
    cosines = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], np.float32)
    context = np.array([0.7, 0.8]), np.array([0.1, 0.2, 0.3])
    features = pair_features(cosines, np.array([0.5, 0.6]), context, [sentence("one two three"), sentence("one two")], passages())
    whole = {name: np.broadcast_to(values, (2, 3)) for name, values in features.items()}
    assert np.allclose(np.exp(whole["sentence_words"][:, 0]), [3, 2])
    assert np.allclose(np.exp(whole["passage_words"][0]), [4, 8, 16])
    assert sum(whole[kind] for kind in KINDS).tolist() == np.ones((2, 3)).tolist()
    assert whole[KINDS[2]][0].tolist() == [0, 1, 0]
    assert (whole["sentence_fits"][1, 0], whole["passage_fits"][0, 2], whole["common"][1, 2]) == (0.8, 0.3, 0.6)


def test_weights_decide_and_no_sentence_or_line_stands_twice():
    cosines = np.array([[0.9, 0.8, 0.7], [0.85, 0.1, 0.6]], np.float32)
    context = np.zeros(2), np.array([0.0, 0.0, 1.0])
    features = pair_features(cosines, np.zeros(2), context, [sentence("a plan"), sentence("a date")], passages())
    by_cosine = UNFITTED.makes_sense(features)
    assert best_pairs(by_cosine, cosines, passages().lines) == [(0, 0), (1, 2)]  # (1, 0) is nearer, but its line is taken
    fitting = msgspec.structs.replace(UNFITTED, reason={"cosine": 1.0, "passage_fits": 1.0})
    assert best_pairs(fitting.makes_sense(features), cosines, passages().lines)[0] == (0, 2)


def test_a_weak_second_pair_is_not_shown_but_the_first_always_is():
    cosines = np.array([[0.2, 0.1, 0.1], [0.1, 0.1, 0.29]], np.float32)
    assert best_pairs(cosines.astype(np.float64), cosines, passages().lines) == [(1, 2)]


def test_packaged_weights_name_what_is_known_of_a_pair(tmp_path):
    cosines = np.zeros((1, 3), np.float32)
    known = set(pair_features(cosines, np.zeros(1), (np.zeros(1), np.zeros(3)), [sentence("a plan")], passages()))
    for name in (BASE, TRAINED):
        weights = find_calibration(tmp_path, find_model(name).sha256).reason
        assert set(weights) == known
        assert weights["cosine"] > 0 > weights["common"]


def test_judged_pairs_belong_to_graded_descriptions_and_known_cases():
    pairs = read_pairs(TRAINING / "reasons.jsonl")
    texts = {query.id: query.text for file in TRAINING.glob("briefs-*.yaml") for query in read_judged(file)}
    cases = {path.stem for path in (ROOT / "cases" / "studies").glob("*.md")}
    assert {pair.verdict for pair in pairs} == {0, 1, 2}
    assert {pair.description for pair in pairs} <= set(texts)
    assert {pair.case for pair in pairs} <= cases
    assert len({json.dumps(msgspec.to_builtins(pair)) for pair in pairs}) == len(pairs)
