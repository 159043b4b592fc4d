from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.calibration import UNFITTED
from indexer.scoring import PARTS, Layout, fuse, score_cases
from indexer.vectors import Vectors

FITTED = msgspec.structs.replace(UNFITTED, case={"fused": 0.5}, case_intercept=-2.0)
values = st.floats(0, 1, width=32)
rng = np.random.default_rng(0)


def unit(rows, dim=8, seed=0):
    matrix = np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


@given(st.integers(2, 12), st.randoms())
def test_fusion_does_not_depend_on_the_order_of_candidates(count, random):
    parts = {name: rng.random(count) for name in PARTS}
    order = list(range(count))
    random.shuffle(order)
    shuffled = fuse({name: part[order] for name, part in parts.items()}, {})
    assert np.allclose(shuffled, fuse(parts, {})[order])


@given(st.lists(values, min_size=2, max_size=9))
def test_what_is_better_in_every_part_is_never_ranked_lower(column):
    parts = {name: np.array(column, np.float64) for name in PARTS}
    fused = fuse(parts, {})
    order = np.argsort(column, kind="stable")
    assert (np.diff(fused[order]) >= -1e-9).all()


def test_a_part_in_which_all_are_equal_changes_nothing():
    parts = {name: np.zeros(4) for name in PARTS}
    parts["lexical"] = np.array([0.0, 1.0, 2.0, 3.0])
    assert list(np.argsort(fuse(parts, {}))) == [0, 1, 2, 3]
    assert not fuse({name: np.ones(4) for name in PARTS}, {}).any()


def test_a_lone_case_is_judged_against_what_is_usual():
    usual = {name: (0.2, 0.1) for name in PARTS if name != "lexical"}
    near, far = ({name: np.array([value]) for name in PARTS} for value in (0.6, 0.2))
    assert fuse(near, usual)[0] > 2
    assert abs(fuse(far, usual)[0]) < 1e-6


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_the_layout_finds_the_passages_of_any_choice_of_cases(lengths, data):
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    chosen = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, unique=True))
    rows, offsets = Layout(starts).rows_of(np.array(chosen, np.int64))
    expected = [list(range(starts[case], starts[case + 1])) for case in chosen]
    assert [list(part) for part in np.split(rows, offsets[1:])] == expected


def score(rows):
    state = np.random.default_rng(5)
    cases, passages = state.random((6, 8)).astype(np.float32), state.random((18, 8)).astype(np.float32)
    lexical = np.arange(6.0)
    return score_cases(
        np.array(rows, np.int64), whole=cases[:1], sentences=passages[:2], cases=cases, headlines=cases[::-1].copy(),
        passages=passages, layout=Layout(np.arange(0, 19, 3, dtype=np.int64)), lexical=lexical[rows], calibration=FITTED,
    )  # fmt: skip


def test_probability_keeps_the_order_of_the_fused_score():
    scored = score([0, 1, 2, 3, 4, 5])
    assert list(np.argsort(scored.fused)) == list(np.argsort(scored.probability))
    assert ((scored.probability >= 0) & (scored.probability <= 1)).all()


def test_cosines_of_a_candidate_are_those_of_its_own_passages():
    scored = score([4, 1])
    assert list(scored.passage_rows[scored.segment(0)]) == [12, 13, 14]
    assert list(scored.passage_rows[scored.segment(1)]) == [3, 4, 5]
    assert scored.cosines.shape == (2, 6)


def test_every_vector_finds_itself_first_and_survives_saving(tmp_path):
    embeddings = unit(40)
    Vectors.build(embeddings).write(tmp_path / "x.faiss")
    vectors = Vectors.read(tmp_path / "x.faiss")
    assert np.array_equal(vectors.matrix, embeddings)
    assert list(vectors.search(embeddings, limit=1)[1].ravel()) == list(range(40))


def test_search_can_be_limited_to_some_rows():
    embeddings = unit(40)
    found = Vectors.build(embeddings).search(embeddings[:1], limit=5, rows=np.array([3, 9], np.int64))[1]
    assert set(found.ravel()) == {3, 9, -1}


def test_above_the_limit_a_graph_finds_what_exact_search_finds():
    embeddings = unit(2000, 32)
    exact, graph = Vectors.build(embeddings), Vectors.build(embeddings, exact_limit=100)
    queries = unit(50, 32, seed=1)
    want, got = exact.search(queries, limit=10)[1], graph.search(queries, limit=10)[1]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(want, got, strict=True)])
    assert recall > 0.95
    assert np.array_equal(graph.matrix, embeddings)
    assert set(graph.search(queries[:1], limit=2, rows=np.array([7, 8], np.int64))[1].ravel()) == {7, 8}
