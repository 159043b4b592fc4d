"""Why a case was found: pairs of a sentence of the description and a passage of the case.

Which pairs make sense to a reader is learned: a logistic regression over what is known of a pair, fitted on pairs that readers judged
(`training/reasons.jsonl`) and kept with the calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.answer import Reason
from indexer.arrays import Embeddings, FloatArray, IntArray
from indexer.description import Sentence
from kb.records import Passage

MOST = 3
KINDS = ("undertaking", "story", "symptom", "factor", "lesson", "likeness", "prevention")
"""Kinds of passages."""
_LEAST_COSINE = 0.3
"""A second or third pair under this is not shown; the first always is."""


@dataclass(frozen=True, slots=True)
class Passages:
    """What is known of each passage before any search; every field has shape (n_passages,)."""

    lines: IntArray
    """Line in the file of its case."""
    kinds: IntArray
    """Place in `KINDS`."""
    words: IntArray

    def of(self, rows: IntArray) -> Passages:
        return Passages(self.lines[rows], self.kinds[rows], self.words[rows])


def commonness(cosines: Embeddings, offsets: IntArray) -> FloatArray:
    """Return, a sentence, the mean over the candidates of its best cosine; shape (n_sentences,). One that fits all says little of any."""
    common: FloatArray = np.maximum.reduceat(cosines, offsets, axis=1).mean(axis=1, dtype=np.float64)
    return common


def pair_features(
    cosines: Embeddings, common: FloatArray, context: tuple[FloatArray, FloatArray], sentences: Sequence[Sentence], passages: Passages
) -> dict[str, FloatArray]:
    """Return feature → its value for every pair of one case; each broadcasts to shape (n_sentences, n_passages of the case).

    Args:
        cosines: shape (n_sentences, n_passages of the case).
        common: shape (n_sentences,), see `commonness`.
        context: cosine of each sentence with the whole case, shape (n_sentences,), and of each passage with the whole description, shape
            (n_passages,). A word that both sides use in different senses makes a pair near, but neither of the two belongs to the other's
            subject.
        sentences: of the description.
        passages: of the case.
    """
    sentence_fits, passage_fits = context
    words = np.array([len(sentence.text.split()) for sentence in sentences])
    features: dict[str, FloatArray] = {
        "cosine": cosines.astype(np.float64),
        "common": common[:, None],
        "sentence_fits": sentence_fits[:, None],
        "passage_fits": passage_fits[None, :],
        "sentence_words": np.log(words)[:, None],  # of three words little can be learned
        "passage_words": np.log(passages.words)[None, :],
    }
    return features | {kind: (passages.kinds == number).astype(np.float64)[None, :] for number, kind in enumerate(KINDS)}


def best_pairs(scores: FloatArray, cosines: Embeddings, lines: IntArray) -> list[tuple[int, int]]:
    """Return one to `MOST` pairs (sentence, passage) of one case, best first; no sentence and no line stands twice.

    Args:
        scores: shape (n_sentences, n_passages of the case).
        cosines: the same shape.
        lines: shape (n_passages,), line of each passage in the case's file.
    """
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
