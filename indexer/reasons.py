"""Why a case was found: pairs of a sentence of the description and a passage of the case."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from indexer.answer import Reason
from indexer.arrays import Embeddings, FloatArray, IntArray
from indexer.description import Sentence
from kb.store import Passage

MOST = 3
_KIND_WEIGHTS = {"undertaking": 1.0, "symptom": 1.0, "factor": 1.0, "lesson": 0.9, "likeness": 0.95, "prevention": 0.7}
_LEAST_COSINE = 0.3
"""A second or third pair under this is not shown; the first always is."""
_COMMONNESS = 0.5
"""How much of what a sentence has in common with every case is taken off: a sentence that fits all says little of one."""


def commonness(cosines: Embeddings, offsets: IntArray) -> FloatArray:
    """Return, a sentence, the mean over the candidates of its best cosine; shape (n_sentences,)."""
    common: FloatArray = np.maximum.reduceat(cosines, offsets, axis=1).mean(axis=1, dtype=np.float64)
    return common


def find_reasons(
    cosines: Embeddings, common: FloatArray, sentences: tuple[Sentence, ...], rows: IntArray, passages: Mapping[int, Passage]
) -> tuple[Reason, ...]:
    """Return one to `MOST` pairs of one case, best first; no sentence and no passage stands twice.

    Args:
        cosines: shape (n_sentences, n_passages of the case).
        common: shape (n_sentences,), see `commonness`.
        sentences: of the description.
        rows: shape (n_passages of the case,), passage rows.
        passages: by row.
    """
    kinds = np.array([_KIND_WEIGHTS[passages[int(row)].kind] for row in rows])
    scores = (cosines - _COMMONNESS * common[:, None]) * kinds[None, :]
    reasons: list[Reason] = []
    for flat in np.argsort(-scores, axis=None, kind="stable"):
        s, p = divmod(int(flat), cosines.shape[1])
        sentence, passage = sentences[s], passages[int(rows[p])]
        if any(reason.query_start == sentence.start or reason.line == passage.line for reason in reasons):
            continue
        if reasons and cosines[s, p] < _LEAST_COSINE:
            continue
        reasons.append(
            Reason(
                query=sentence.text,
                query_start=sentence.start,
                query_end=sentence.end,
                lead=passage.lead,
                passage=passage.text,
                kind=passage.kind,
                tag=passage.tag,
                line=passage.line,
            )
        )
        if len(reasons) == MOST:
            break
    return tuple(reasons)
