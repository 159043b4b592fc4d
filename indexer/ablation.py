"""What each part of the ranking is worth, and what other ways would give: variants of the fusion over the same judged descriptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from indexer.arrays import FloatArray
from indexer.evaluation import bootstrap_difference, measure, score_description
from indexer.judged import Judged
from indexer.scoring import PARTS, Scored, standard_scores
from indexer.searcher import Searcher

_RRF_CONSTANT = 60
"""Source: reciprocal rank fusion, Cormack, Clarke & Büttcher, SIGIR 2009."""
_FEEDBACK_CASES, _FEEDBACK_WEIGHT = 3, 0.4
"""Pseudo-relevance feedback: the description's embedding is moved this far towards the mean of the first few cases."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One variant, measured on every set."""

    variant: str
    ndcg: list[float]
    """Mean nDCG@10, a set each."""
    difference: list[tuple[float, float, float]]
    """Against the full engine: (mean, low, high) of the paired difference, 95 % interval, a set each."""


class _Query:
    """A description with everything the variants are computed from."""

    def __init__(self, searcher: Searcher, judged: Judged) -> None:
        self.scored, self.whole = score_description(searcher, judged.text)
        self.standard = standard_scores(self.scored.parts, searcher.calibration.usual)
        self.cases = searcher.case_vectors[self.scored.rows].astype(np.float64)

    def fused(self, weights: dict[str, float]) -> FloatArray:
        total = np.zeros(len(self.scored.rows))
        for name, weight in weights.items():
            total += weight * self.standard[name]
        return total


_Variant = Callable[[_Query], FloatArray]


def _variants() -> dict[str, _Variant]:
    def without(part: str) -> _Variant:
        return lambda query: query.fused({name: weight for name, weight in PARTS.items() if name != part})

    def alone(part: str) -> _Variant:
        return lambda query: query.scored.parts[part]

    return {
        "the engine": lambda query: query.scored.fused,
        **{f"without {part}": without(part) for part in PARTS},
        **{f"{part} alone": alone(part) for part in PARTS},
        "every weight 1": lambda query: query.fused(dict.fromkeys(PARTS, 1.0)),
        "min-max scores in place of standard scores": lambda query: _sum(query.scored, _min_max),
        "reciprocal ranks in place of scores": lambda query: _sum(query.scored, _reciprocal_rank),
        "sentences averaged in place of the description as one text": _averaged_sentences,
        "nearness to a sentence not taken relative to the usual": _raw_late,
        "pseudo-relevance feedback from the first three": _feedback,
    }


def _sum(scored: Scored, scale: Callable[[FloatArray], FloatArray]) -> FloatArray:
    total = np.zeros(len(scored.rows))
    for name, weight in PARTS.items():
        total += weight * scale(scored.parts[name])
    return total


def _min_max(values: FloatArray) -> FloatArray:
    scaled: FloatArray = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
    return scaled


def _reciprocal_rank(values: FloatArray) -> FloatArray:
    ranks = np.empty(len(values))
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    reciprocal: FloatArray = 1.0 / (_RRF_CONSTANT + ranks)
    return reciprocal


def _standard(values: FloatArray) -> FloatArray:
    scaled: FloatArray = (values - values.mean()) / max(float(values.std()), 1e-9)
    return scaled


def _averaged_sentences(query: _Query) -> FloatArray:
    parts = {name: weight for name, weight in PARTS.items() if name != "whole"}
    per_case = np.add.reduceat(query.scored.cosines.mean(axis=0), query.scored.offsets) / np.diff(
        query.scored.offsets, append=len(query.scored.passage_rows)
    )
    return query.fused(parts) + PARTS["whole"] * _standard(per_case.astype(np.float64))


def _raw_late(query: _Query) -> FloatArray:
    parts = {name: weight for name, weight in PARTS.items() if name != "late"}
    best = np.maximum.reduceat(query.scored.cosines, query.scored.offsets, axis=1).mean(axis=0)
    return query.fused(parts) + PARTS["late"] * _standard(best.astype(np.float64))


def _feedback(query: _Query) -> FloatArray:
    first = np.argsort(-query.scored.fused, kind="stable")[:_FEEDBACK_CASES]
    moved = (1 - _FEEDBACK_WEIGHT) * query.whole + _FEEDBACK_WEIGHT * query.cases[first].mean(axis=0)
    parts = {name: weight for name, weight in PARTS.items() if name != "whole"}
    return query.fused(parts) + PARTS["whole"] * _standard(query.cases @ (moved / np.linalg.norm(moved)))


def ablate(searcher: Searcher, sets: Sequence[Sequence[Judged]]) -> list[Row]:
    """Return a row a variant, the engine itself first.

    Args:
        searcher: over the index to measure.
        sets: sets of judged descriptions; those without a case of this index are left out.
    """
    known = searcher.store.case_ids
    usable = [[query for query in judged if set(known) & set(query.grades)] for judged in sets]
    queries = [[_Query(searcher, query) for query in judged] for judged in usable]
    values: dict[str, list[list[float]]] = {}
    for name, variant in _variants().items():
        values[name] = []
        for judged, its in zip(usable, queries, strict=True):
            runs = {
                query.id: dict(zip([known[int(row)] for row in each.scored.rows], map(float, variant(each)), strict=True))
                for query, each in zip(judged, its, strict=True)
            }
            ndcg = measure(judged, runs, known)["nDCG@10"]
            values[name].append([ndcg[query.id] for query in judged])
    engine = values["the engine"]
    return [
        Row(
            variant=name,
            ndcg=[float(np.mean(each)) for each in its],
            difference=[bootstrap_difference(each, ours) for each, ours in zip(its, engine, strict=True)],
        )
        for name, its in values.items()
    ]
