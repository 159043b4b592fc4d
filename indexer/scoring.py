"""How well each candidate case fits a description: parts, their fusion, their probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from indexer.arrays import Embeddings, FloatArray, IntArray
from indexer.calibration import Calibration

PARTS = {"whole": 1.0, "headline": 1.0, "best": 1.0, "late": 1.0, "lexical": 0.7}
"""Part of the score → weight of its standard score in the fusion; four views of the encoder count alike, the words a little less."""
FULL_CORPUS = 40
"""Standard scores among fewer candidates mean little: a smaller corpus is filled up to this size with usual values."""
_BEST_PASSAGES = 5
_BEST_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the passages of each case lie: passages are stored case by case."""

    starts: IntArray
    """Shape (n_cases + 1,): passages of case r are rows starts[r] to starts[r + 1]."""

    def rows_of(self, case_rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return (passage rows of some cases, offsets at which each case begins among them)."""
        lengths = self.starts[case_rows + 1] - self.starts[case_rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        within = np.arange(int(lengths.sum())) - np.repeat(offsets, lengths)
        return np.repeat(self.starts[case_rows], lengths) + within, offsets


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with everything their order rests on."""

    rows: IntArray
    """Shape (n,): case rows."""
    parts: dict[str, FloatArray]
    """Part → raw value a candidate."""
    fused: FloatArray
    probability: FloatArray
    cosines: Embeddings
    """Shape (n_sentences, n_passages of the candidates)."""
    passage_rows: IntArray
    offsets: IntArray

    def segment(self, position: int) -> slice:
        """Return the columns of `cosines` that belong to the candidate at a position."""
        start = int(self.offsets[position])
        end = int(self.offsets[position + 1]) if position + 1 < len(self.offsets) else len(self.passage_rows)
        return slice(start, end)


def score_cases(
    rows: IntArray,
    *,
    whole: Embeddings,
    sentences: Embeddings,
    cases: Embeddings,
    headlines: Embeddings,
    passages: Embeddings,
    layout: Layout,
    lexical: FloatArray,
    calibration: Calibration,
) -> Scored:
    """Score candidates exactly.

    Args:
        rows: shape (n,), case rows of the candidates.
        whole: shape (1, dim), the description as one text.
        sentences: shape (n_sentences, dim).
        cases: shape (n_cases, dim), by case row.
        headlines: shape (n_cases, dim), by case row.
        passages: shape (n_passages, dim), by passage row.
        layout: which passages belong to which case.
        lexical: shape (n,), bm25 of each candidate, 0 where no word is shared.
        calibration: turns the fused score into a probability.
    """
    passage_rows, offsets = layout.rows_of(rows)
    vectors = passages if len(passage_rows) == len(passages) else passages[passage_rows]  # all of them: no copy
    cosines: Embeddings = sentences @ vectors.T
    # A sentence that is near to everything says little: what counts is how much nearer than usual it comes. Only the nearest few
    # count, so that a plan is found among any amount of paperwork.
    nearest = np.maximum.reduceat(cosines, offsets, axis=1) - cosines.mean(axis=1, keepdims=True)
    telling = -np.partition(-nearest, min(_BEST_SENTENCES, len(nearest)) - 1, axis=0)[:_BEST_SENTENCES]
    parts: dict[str, FloatArray] = {
        "whole": (cases[rows] @ whole[0]).astype(np.float64),
        "headline": (headlines[rows] @ whole[0]).astype(np.float64),
        "best": _mean_of_best((vectors @ whole[0]).astype(np.float64), offsets, _BEST_PASSAGES),
        "late": telling.mean(axis=0, dtype=np.float64),
        "lexical": lexical,
    }
    fused = fuse(parts, calibration.usual)
    return Scored(rows, parts, fused, calibration.probability(whole[0], fused, parts), cosines, passage_rows, offsets)


def fuse(parts: dict[str, FloatArray], usual: dict[str, tuple[float, float]]) -> FloatArray:
    """Return the weighted sum of the parts' standard scores; shape (n,)."""
    standard = standard_scores(parts, usual)
    total = np.zeros_like(next(iter(parts.values())))
    for name, weight in PARTS.items():
        total += weight * standard[name]
    return total


def standard_scores(parts: dict[str, FloatArray], usual: dict[str, tuple[float, float]]) -> dict[str, FloatArray]:
    """Return each part in standard deviations from its mean over the candidates; zeros where all are equal.

    Args:
        parts: part → shape (n,), raw values of the candidates.
        usual: part → usual mean and standard deviation over cases; fills up small corpora, see `FULL_CORPUS`. bm25 has none,
            because its scale depends on the corpus.
    """
    standard = {}
    for name in PARTS:
        values = parts[name]
        mean, variance = float(values.mean()), float(values.var())
        lacking = max(0, FULL_CORPUS - len(values)) / FULL_CORPUS if name in usual else 0.0
        if lacking:
            usual_mean, usual_spread = usual[name]
            mean += lacking * (usual_mean - mean)
            variance += lacking * (usual_spread**2 - variance)
        standard[name] = (values - mean) / variance**0.5 if variance > 0 else np.zeros_like(values)
    return standard


def _mean_of_best(values: FloatArray, offsets: IntArray, count: int) -> FloatArray:
    """Return the mean of the `count` highest values of each segment (of all where there are fewer)."""
    lengths = np.diff(offsets, append=len(values))
    widest = np.arange(int(lengths.max()))
    padded = np.where(widest < lengths[:, None], values[np.minimum(offsets[:, None] + widest, len(values) - 1)], -np.inf)
    highest = -np.partition(-padded, min(count, len(widest)) - 1, axis=1)[:, :count]
    means: FloatArray = np.where(np.isfinite(highest), highest, 0.0).sum(axis=1) / np.minimum(lengths, count)
    return means
