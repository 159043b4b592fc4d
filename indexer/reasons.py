"""Why a case was found: pairs of a sentence of the description and a passage of the case."""

from __future__ import annotations

import numpy as np

from indexer.answer import Reason
from indexer.arrays import Embeddings, FloatArray, IntArray
from indexer.description import Sentence
from kb.store import Passage

MOST = 3
KIND_WEIGHTS = {"undertaking": 1.15, "story": 0.9, "symptom": 1.0, "factor": 1.0, "lesson": 0.9, "likeness": 0.8, "prevention": 0.7}
"""Kind of passage → how much a pair with it counts: the same kind of project convinces most, what happened more than what might."""
_LEAST_COSINE = 0.3
"""A second or third pair under this is not shown; the first always is."""
_CONTEXT = 0.8
"""How much it counts that the sentence fits the whole case, and the passage the whole description."""
_COMMONNESS = 0.5
"""How much of what a sentence has in common with every case is taken off: a sentence that fits all says little of one."""


def commonness(cosines: Embeddings, offsets: IntArray) -> FloatArray:
    """Return, a sentence, the mean over the candidates of its best cosine; shape (n_sentences,)."""
    common: FloatArray = np.maximum.reduceat(cosines, offsets, axis=1).mean(axis=1, dtype=np.float64)
    return common


def best_pairs(
    cosines: Embeddings, common: FloatArray, weights: FloatArray, lines: IntArray, context: tuple[FloatArray, FloatArray]
) -> list[tuple[int, int]]:
    """Return one to `MOST` pairs (sentence, passage) of one case, best first; no sentence and no line stands twice.

    Args:
        cosines: shape (n_sentences, n_passages of the case).
        common: shape (n_sentences,), see `commonness`.
        weights: shape (n_passages,), weight of each passage's kind.
        lines: shape (n_passages,), line of each passage in the case's file.
        context: cosine of each sentence with the whole case, shape (n_sentences,), and of each passage with the whole description, shape
            (n_passages,). A word that both sides use in different senses makes a pair near, but neither of the two belongs to the other's
            subject.
    """
    sentence_fits, passage_fits = context
    scores = cosines - _COMMONNESS * common[:, None] + _CONTEXT * (sentence_fits[:, None] + passage_fits[None, :])
    scores = scores * weights[None, :]
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-scores, axis=None, kind="stable").tolist():
        sentence, passage = divmod(flat, cosines.shape[1])
        if any(sentence == other or lines[passage] == lines[another] for other, another in pairs):
            continue
        if pairs and cosines[sentence, passage] < _LEAST_COSINE:
            continue
        pairs.append((sentence, passage))
        if len(pairs) == min(MOST, len(cosines)):
            break
    return pairs


def reason(sentence: Sentence, passage: Passage) -> Reason:
    """Return what people see of a pair."""
    return Reason(
        query=sentence.text,
        query_start=sentence.start,
        query_end=sentence.end,
        lead=passage.lead,
        passage=passage.text,
        kind=passage.kind,
        tag=passage.tag,
        line=passage.line,
    )
