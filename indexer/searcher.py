"""From a description to an answer, over one index generation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.answer import Answer, AnswerNotice, FoundCase, RankedStrategy, Sign, SimilarCase
from indexer.arrays import Embeddings, FloatArray, IntArray
from indexer.calibration import Calibration, find_calibration
from indexer.description import Description, Sentence, read_description
from indexer.encoder import BASE, DEFAULT_MODEL, Encoder, find_model
from indexer.explanation import Explanation, explain
from indexer.generation import MAP, STORE, Manifest, current_generation
from indexer.prevention import rank_strategies, watch_signs
from indexer.ranking import Ranker
from indexer.reasons import KINDS, Passages, best_pairs, commonness, pair_features, reason
from indexer.scoring import Layout, Scored
from indexer.vectors import Vectors
from kb.errors import EncoderError, IndexDamagedError, NotFoundError, QueryError
from kb.records import Filters, StoredCase
from kb.store import Store
from kb.text import plain

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_N_STRATEGIES = 12
_N_SIGNS = 10
_ADVISING = 3
"""Strategies and signs come from strong and related cases; where there are none, from this many of the best."""


_Parts = tuple[tuple[FoundCase, ...], tuple[RankedStrategy, ...], tuple[Sign, ...]]


class Searcher:
    """Answers from one generation; safe to use from several threads."""

    def __init__(self, folder: Path, manifest: Manifest, encoder: Encoder, calibration: Calibration) -> None:
        """Open a generation.

        Raises:
            IndexDamagedError: its files cannot be read.
            EncoderError: the encoder is not the one that made it.
        """
        if encoder.fingerprint != manifest.encoder:
            raise EncoderError(
                f"the index was built with encoder {manifest.encoder}, not {encoder.fingerprint}", next_step="run `premortem index`"
            )
        self.manifest = manifest
        self.encoder = encoder
        self.calibration = calibration
        try:
            self.store = Store(folder / STORE)
            self._cases = Vectors.read(folder / "cases.faiss")
            headlines = Vectors.read(folder / "headlines.faiss")
            self._passages = Vectors.read(folder / "passages.faiss")
            self._strategies = Vectors.read(folder / "strategies.faiss")
            self.places: FloatArray = np.load(folder / MAP)
            """Where each case stands on the map, by row; see `indexer.projection.project`."""
            self._known_strategies = {stored.strategy.id: stored for stored in self.store.strategies()}
            layout = self.store.passage_layout()
        except Exception as error:  # FAISS raises RuntimeError, SQLite its own tree, msgspec another
            raise IndexDamagedError(f"{folder} cannot be read: {error}", next_step="run `premortem index --rebuild`") from error
        passage_cases = np.array([case_row for case_row, _, _, _ in layout], np.int64)
        known = np.array([(line, KINDS.index(kind), words) for _, kind, line, words in layout], np.int64).reshape(-1, 3)
        self._known_passages = Passages(lines=known[:, 0], kinds=known[:, 1], words=known[:, 2])
        counts = {"cases": len(self._cases), "passages": len(self._passages), "strategies": len(self._strategies)}
        whole = len(layout) == counts["passages"] and self.places.shape == (counts["cases"], 2)
        if not whole or any(manifest.counts[name] != count for name, count in counts.items()):
            raise IndexDamagedError(f"the files of {folder} do not belong together", next_step="run `premortem index --rebuild`")
        searchable = [row for row, case_id in enumerate(self.store.case_ids) if case_id not in self.store.unsearchable]
        self.searchable = np.array(searchable, np.int64)
        self._ranker = Ranker(
            cases=self._cases,
            headlines=headlines,
            passages=self._passages,
            layout=Layout(np.searchsorted(passage_cases, np.arange(counts["cases"] + 1)).astype(np.int64)),
            lexical=self.store.lexical,
            searchable=self.searchable,
            encoder=encoder,
        )

    @property
    def case_vectors(self) -> Embeddings:
        """Each case as one text; shape (n_cases, dim), by case row."""
        return self._cases.matrix

    def search(self, description: str, *, filters: Filters | None = None, limit: int = DEFAULT_LIMIT) -> Answer:
        """Answer a project description.

        Args:
            description: plain text, see `read_description` for its limits.
            filters: facets that cases must have; the best that satisfy them are returned.
            limit: most cases returned, 1 to `MAX_LIMIT`.

        Raises:
            QueryError: the description or the limit cannot be used.
            FilterError: a filter value is not of its vocabulary.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise QueryError(f"limit is {limit}", next_step=f"give a limit from 1 to {MAX_LIMIT}")
        read = read_description(description)
        allowed = self._allowed(filters)
        answer = self._answer(read, allowed, limit) if len(allowed) else ((), (), ())
        notices = list(read.notices)
        if self.calibration.model != self.manifest.encoder.model:
            notices.append(
                AnswerNotice(
                    code="uncalibrated",
                    message=f"there is no calibration for the model {self.manifest.model_name}, so the bands are guesses",
                    next_step="trust the order more than the bands, or run `premortem eval --calibrate` in a checkout",
                )
            )
        found, strategies, signs = answer
        return Answer(
            generation=self.manifest.generation,
            verdict="close" if found else "nothing-close",
            n_cases=len(allowed),
            cases=found,
            strategies=strategies,
            signs=signs,
            notices=tuple(notices),
        )

    def _allowed(self, filters: Filters | None) -> IntArray:
        if not filters:
            return self.searchable
        return np.intersect1d(np.array(self.store.filter_rows(filters), np.int64), self.searchable)

    def explain(self, description: str, case_id: str) -> Explanation:
        """Return how the score of one case came about for a description, whether the answer would show it or not.

        Raises:
            QueryError: the description cannot be used.
            NotFoundError: no such case, or one that is withdrawn or superseded.
        """
        stored = self.store.case(case_id)
        if not stored.case.is_searchable:
            raise NotFoundError(f"case {case_id!r} is {stored.case.meta.status} and never searched", next_step="name another case")
        read = read_description(description)
        embeddings = self.encode(read)
        scored = self._ranker.score(read, embeddings[:1], embeddings[1:], self.calibration, always=np.array([stored.row], np.int64))
        at = int(np.flatnonzero(scored.rows == stored.row)[0])
        passages = scored.passage_rows[scored.segment(at)].tolist()
        return explain(
            at,
            scored,
            order=self._order(scored),
            case=(case_id, stored.case.meta.title),
            sentences=read.sentences,
            passages=self.store.passages(passages),
            terms=self.store.lexical_terms(stored.row, read.terms),
            whole=embeddings[0].astype(np.float64),
            calibration=self.calibration,
        )

    def encode(self, read: Description) -> Embeddings:
        """Return the embedding of the whole description, then one a sentence, see `Ranker.encode`."""
        return self._ranker.encode(read)

    def _order(self, scored: Scored) -> list[int]:
        """Return the positions of the candidates, best first; ties by id."""
        ids = self.store.case_ids
        return sorted(range(len(scored.rows)), key=lambda at: (-round(float(scored.fused[at]), 6), ids[int(scored.rows[at])]))

    def _answer(self, read: Description, allowed: IntArray, limit: int) -> _Parts:
        embeddings = self.encode(read)
        scored = self.score(read, embeddings[:1], embeddings[1:], allowed)
        order = self._order(scored)
        may_be_shown = set(allowed.tolist())
        visible = [at for at in order if int(scored.rows[at]) in may_be_shown][:limit]
        if not visible or scored.probability[visible[0]] < self.calibration.floor:
            return (), (), ()
        found = self._found(read, scored, visible, embeddings)
        advising = [case for case in found if case.band != "weak"] or found[:_ADVISING]
        likeness = (self._strategies.matrix @ embeddings.T).max(axis=1, initial=0.0)
        similarity = {strategy_id: float(likeness[stored.row]) for strategy_id, stored in self._known_strategies.items()}
        rows = {case.id: int(scored.rows[at]) for case, at in zip(found, visible, strict=True)}
        symptoms = self.store.passages_of([rows[case.id] for case in advising], ["symptom"])
        relevance = {row: float(self._passages.matrix[row] @ embeddings[0]) for row in symptoms}
        links = self.store.links(case_ids=[case.id for case in advising])
        strategies = rank_strategies(advising, links, self._known_strategies, similarity, limit=_N_STRATEGIES)
        signs = watch_signs(advising, symptoms, self._passages.matrix, relevance, self.store.taxonomy, limit=_N_SIGNS)
        return found, strategies, signs

    def score(self, read: Description, whole: Embeddings, sentences: Embeddings, allowed: IntArray | None = None) -> Scored:
        """Score the candidates, see `Ranker.score`."""
        return self._ranker.score(read, whole, sentences, self.calibration, allowed)

    def _found(self, read: Description, scored: Scored, visible: Sequence[int], embeddings: Embeddings) -> tuple[FoundCase, ...]:
        common = commonness(scored.cosines, scored.offsets)
        pairs: list[list[tuple[Sentence, int]]] = []
        for at in visible:
            segment = scored.segment(at)
            rows = scored.passage_rows[segment]
            scores = self.calibration.makes_sense(self.pair_features(read, embeddings, scored, at, common))
            best = best_pairs(scores, scored.cosines[:, segment], self._known_passages.lines[rows])
            pairs.append([(read.sentences[sentence], int(rows[column])) for sentence, column in best])
        passages = self.store.passages([row for its in pairs for _, row in its])
        cases = self.store.cases([int(scored.rows[at]) for at in visible])
        found = []
        for at, its, stored in zip(visible, pairs, cases, strict=True):
            reasons = tuple(reason(sentence, passages[row]) for sentence, row in its)
            probability = round(float(scored.probability[at]), 4)
            meta = stored.case.meta
            found.append(
                FoundCase(
                    id=stored.case.id,
                    title=meta.title,
                    band=self.calibration.band(probability),
                    probability=probability,
                    corpus=stored.corpus,
                    status=meta.status,
                    organisation=meta.organisation,
                    years=meta.years,
                    industry=meta.industry,
                    undertaking=meta.undertaking,
                    categories=meta.categories,
                    phase=meta.phase,
                    outcome=meta.outcome,
                    evidence=meta.evidence,
                    impact=plain(stored.case.impact[0].lead) if stored.case.impact else "",
                    reasons=reasons,
                )
            )
        return tuple(found)

    def pair_features(
        self, read: Description, embeddings: Embeddings, scored: Scored, at: int, common: FloatArray
    ) -> dict[str, FloatArray]:
        """Return what is known of every pair of a sentence and a passage of the candidate at a position, see `indexer.reasons`."""
        segment = scored.segment(at)
        rows = scored.passage_rows[segment]
        case = self._cases.matrix[int(scored.rows[at])]
        context = (embeddings[1:] @ case).astype(np.float64), (self._passages.matrix[rows] @ embeddings[0]).astype(np.float64)
        return pair_features(scored.cosines[:, segment], common, context, read.sentences, self._known_passages.of(rows))

    def similar(self, case_id: str, *, limit: int = 5) -> tuple[SimilarCase, ...]:
        """Return the cases most like one, with the statements of both that are most alike.

        Raises:
            NotFoundError: no such case.
        """
        stored = self.store.case(case_id)
        vectors = self._cases.matrix
        cosines = vectors[self.searchable] @ vectors[stored.row]
        order = [int(row) for row in self.searchable[np.argsort(-cosines, kind="stable")] if row != stored.row][:limit]
        return tuple(self._neighbour(stored, other) for other in self.store.cases(order))

    def nearest_pairs(self, *, limit: int = 5) -> dict[str, list[tuple[float, str, str]]]:
        """Return, for `cases` and `strategies`, the pairs most alike as (cosine, id, id), nearest first: near-duplicates show here."""
        named = {
            "cases": (self._cases, self.store.case_ids),
            "strategies": (self._strategies, list(self._known_strategies)),
        }
        return {name: self._pairs(vectors, ids)[:limit] for name, (vectors, ids) in named.items()}

    @staticmethod
    def _pairs(vectors: Vectors, ids: list[str]) -> list[tuple[float, str, str]]:
        if len(vectors) < 2:
            return []
        cosines, rows = vectors.search(vectors.matrix, limit=2)
        pairs: set[tuple[float, str, str]] = set()
        for row, (its_cosines, others) in enumerate(zip(cosines, rows, strict=True)):
            for cosine, other in zip(its_cosines, others, strict=True):
                if other not in (row, -1):
                    one, another = sorted((ids[row], ids[int(other)]))
                    pairs.add((round(float(cosine), 3), one, another))
        return sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))

    def _neighbour(self, stored: StoredCase, other: StoredCase) -> SimilarCase:
        kinds = ("symptom", "factor", "lesson")
        ours, theirs = self.store.passages_of([stored.row], kinds), self.store.passages_of([other.row], kinds)
        matrix = self._passages.matrix
        every = KINDS  # a draft may have statements of none of these kinds
        ours, theirs = ours or self.store.passages_of([stored.row], every), theirs or self.store.passages_of([other.row], every)
        ours_rows, theirs_rows = list(ours), list(theirs)
        cosines = matrix[ours_rows] @ matrix[theirs_rows].T
        a, b = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
        mine, its = ours[ours_rows[a]], theirs[theirs_rows[b]]
        shared = tuple(category for category in stored.case.meta.categories if category in other.case.meta.categories)
        return SimilarCase(
            id=other.case.id,
            title=other.case.meta.title,
            corpus=other.corpus,
            status=other.case.meta.status,
            shared_categories=shared,
            ours=mine.lead or mine.text,
            theirs=its.lead or its.text,
            line=its.line,
        )


def open_searcher(
    index: Path,
    *,
    model: str = "",
    backend: str = "openvino",
    known_encoder: Encoder | None = None,
    calibration: Calibration | None = None,
) -> Searcher:
    """Open the current generation of an index with the encoder that made it.

    Args:
        index: the index folder.
        model: the model setting; must be the one the index was built with.
        backend: see `indexer.encoder.open_encoder`.
        known_encoder: used again when it fits, since loading one takes most of the time.
        calibration: used in place of the one that fits the index.

    Raises:
        IndexUnavailableError: there is no index that can answer.
        EncoderError: the model is not the one of the index.
    """
    folder, manifest = current_generation(index)
    fits = known_encoder is not None and known_encoder.fingerprint == manifest.encoder
    encoder = known_encoder if fits and known_encoder else _encoder_of(index, manifest, model, backend)
    return Searcher(folder, manifest, encoder, calibration or find_calibration(index, manifest.encoder.model))


def _encoder_of(index: Path, manifest: Manifest, model: str, backend: str) -> Encoder:
    """Open the encoder of an index; its weights were checked when it was built, so they are not hashed again."""
    if (model or DEFAULT_MODEL) != manifest.model:
        raise EncoderError(
            f"the index was built with model {manifest.model or BASE!r}, the setting names {model or DEFAULT_MODEL!r}",
            next_step="run `premortem index`, or set PREMORTEM_MODEL back",
        )
    if backend == "openvino":
        from indexer.openvino_encoder import OpenVinoEncoder, read_export

        return OpenVinoEncoder(read_export(index / "exports" / manifest.encoder.model[:16], manifest.encoder.model))
    from indexer.reference_encoder import ReferenceEncoder

    return ReferenceEncoder(find_model(model))
