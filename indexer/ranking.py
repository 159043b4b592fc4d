"""One engine over any collection: candidates from each list, then exact scores and their fusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from indexer.arrays import Embeddings, IntArray
from indexer.calibration import Calibration
from indexer.description import Description
from indexer.encoder import Encoder
from indexer.scoring import Layout, Scored, score_cases
from indexer.vectors import Vectors

MOST_SCORED = 2_000
"""Up to this many cases all are scored exactly; above, the union of the candidate lists."""
_CANDIDATES = 200
_LONG = 250
"""Words; longer descriptions are more than the encoder reads of one text."""
_TELLING = 180
"""Words of a long description that stand for the whole."""
_NEAREST = 5
"""A sentence is telling when it comes nearer to its nearest few passages than to the rest."""


@dataclass(frozen=True, slots=True)
class Ranker:
    """Everything that can be ranked: cases of an index, or documents of a test collection."""

    cases: Vectors
    """Each case as one text, by case row."""
    headlines: Vectors
    passages: Vectors
    layout: Layout
    lexical: Callable[[tuple[str, ...]], list[tuple[int, float]]]
    """Terms → (case row, bm25) of all that hold any of them, best first."""
    searchable: IntArray
    encoder: Encoder

    def encode(self, read: Description) -> Embeddings:
        """Return the embedding of the whole description, then one a sentence.

        Of a long description the encoder would read the beginning only, so its most telling sentences stand for the whole.
        """
        embeddings = self.encoder.encode_queries([read.matched, *(sentence.text for sentence in read.sentences)])
        lengths = [len(sentence.text.split()) for sentence in read.sentences]
        if sum(lengths) <= _LONG:
            return embeddings
        cosines = embeddings[1:] @ self.passages.matrix.T
        specific = -np.partition(-cosines, min(_NEAREST, cosines.shape[1]) - 1, axis=1)[:, :_NEAREST].mean(axis=1) - cosines.mean(axis=1)
        kept: list[int] = []
        words = 0
        for number in np.argsort(-specific, kind="stable").tolist():
            if kept and words + lengths[number] > _TELLING:
                break
            kept.append(number)
            words += lengths[number]
        embeddings[0] = self.encoder.encode_queries([" ".join(read.sentences[number].text for number in sorted(kept))])[0]
        return embeddings

    def score(
        self,
        read: Description,
        whole: Embeddings,
        sentences: Embeddings,
        calibration: Calibration,
        allowed: IntArray | None = None,
        always: IntArray | None = None,
    ) -> Scored:
        """Score the candidates.

        All searchable cases are scored where they are few, so that a filter never changes a score; of more, the best of each list
        among the allowed.

        Args:
            read: the description.
            whole: shape (1, dim), the description as one text.
            sentences: shape (n_sentences, dim), one a sentence of `read`.
            calibration: turns scores into probabilities.
            allowed: rows that may be found; all searchable ones when None.
            always: searchable rows that are scored even where no list names them.
        """
        few = len(self.searchable) <= MOST_SCORED
        bm25 = dict(self.lexical(read.terms))
        allowed = self.searchable if allowed is None else allowed
        rows = self.searchable if few else self._candidates(whole, sentences, allowed, bm25)
        rows = rows if always is None else np.union1d(rows, always)
        return score_cases(
            rows,
            whole=whole,
            sentences=sentences,
            cases=self.cases.matrix,
            headlines=self.headlines.matrix,
            passages=self.passages.matrix,
            layout=self.layout,
            calibration=calibration,
            lexical=np.array([bm25.get(int(row), 0.0) for row in rows]),
        )

    def _candidates(self, whole: Embeddings, sentences: Embeddings, allowed: IntArray, bm25: dict[int, float]) -> IntArray:
        by_case = self.cases.search(whole, limit=_CANDIDATES, rows=allowed)[1].ravel()
        passage_rows, _ = self.layout.rows_of(allowed)
        hits = self.passages.search(sentences, limit=_CANDIDATES, rows=passage_rows)[1].ravel()
        case_of = np.searchsorted(self.layout.starts, hits[hits >= 0], side="right") - 1
        lexical = np.array(list(bm25), np.int64)
        lexical = lexical[np.isin(lexical, allowed)][:_CANDIDATES]
        return np.intersect1d(np.concatenate([by_case[by_case >= 0], case_of, lexical]), allowed)
