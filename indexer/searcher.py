"""From a description to an answer, over one index generation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.answer import Answer, AnswerNotice, FoundCase, RankedStrategy, Sign, SimilarCase
from indexer.arrays import Embeddings, IntArray
from indexer.calibration import Calibration, read_calibration
from indexer.description import Description, Sentence, lexical_expression, read_description
from indexer.encoder import Encoder, find_model
from indexer.generation import STORE, Manifest, current_generation
from indexer.prevention import rank_strategies, watch_signs
from indexer.reasons import KIND_WEIGHTS, best_pairs, commonness, reason
from indexer.scoring import Layout, Scored, score_cases
from indexer.vectors import Vectors
from kb.errors import EncoderError, IndexDamagedError, QueryError
from kb.store import Filters, Store, StoredCase
from kb.text import plain

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_ALL = 2_000
"""Up to this many cases all are scored exactly; above, the union of the candidate lists."""
_CANDIDATES = 200
_N_STRATEGIES = 12
_N_SIGNS = 12
_ADVISING = 3
"""Strategies and signs come from strong and related cases; where there are none, from this many of the best."""
_UNSEARCHABLE = {"withdrawn", "superseded"}


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
            self._headlines = Vectors.read(folder / "headlines.faiss")
            self._passages = Vectors.read(folder / "passages.faiss")
            self._strategies = Vectors.read(folder / "strategies.faiss")
            self._known_strategies = {stored.strategy.id: stored for stored in self.store.strategies()}
            layout = self.store.passage_layout()
        except Exception as error:  # FAISS raises RuntimeError, SQLite its own tree, msgspec another
            raise IndexDamagedError(f"{folder} cannot be read: {error}", next_step="run `premortem index --rebuild`") from error
        self._passage_cases = np.array([case_row for case_row, _, _ in layout], np.int64)
        self._passage_weights = np.array([KIND_WEIGHTS[kind] for _, kind, _ in layout])
        self._passage_lines = np.array([line for _, _, line in layout], np.int64)
        self._layout = Layout(np.searchsorted(self._passage_cases, np.arange(len(self.store.case_ids) + 1)).astype(np.int64))
        counts = {"cases": len(self._cases), "passages": len(self._passages), "strategies": len(self._strategies)}
        if any(manifest.counts[name] != count for name, count in counts.items()) or len(layout) != counts["passages"]:
            raise IndexDamagedError(f"the files of {folder} do not belong together", next_step="run `premortem index --rebuild`")
        unsearchable = {row for status in _UNSEARCHABLE for row in self._rows_with_status(status)}
        self.searchable = np.array([row for row in range(counts["cases"]) if row not in unsearchable], np.int64)

    def _rows_with_status(self, status: str) -> list[int]:
        return self.store.filter_rows(Filters(status=(status,)))

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
        started = time.perf_counter()
        if not 1 <= limit <= MAX_LIMIT:
            raise QueryError(f"limit is {limit}", next_step=f"give a limit from 1 to {MAX_LIMIT}")
        read = read_description(description)
        allowed = self._allowed(filters)
        answer = self._answer(read, allowed, limit) if len(allowed) else ((), (), ())
        notices = [AnswerNotice(code=n.code, message=n.message, next_step=n.next_step) for n in read.notices]
        if self.calibration.model != self.manifest.encoder.model:
            notices.append(
                AnswerNotice(
                    code="uncalibrated",
                    message=f"the bands are calibrated for another model than {self.manifest.model_name}",
                    next_step="trust the order more than the bands",
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
            took_ms=round((time.perf_counter() - started) * 1000, 1),
        )

    def _allowed(self, filters: Filters | None) -> IntArray:
        if not filters:
            return self.searchable
        return np.intersect1d(np.array(self.store.filter_rows(filters), np.int64), self.searchable)

    def _answer(self, read: Description, allowed: IntArray, limit: int) -> _Parts:
        embeddings = self.encoder.encode_queries([read.text, *(sentence.text for sentence in read.sentences)])
        whole, sentences = embeddings[:1], embeddings[1:]
        scored = self.score(read, whole, sentences, allowed)
        ids = self.store.case_ids
        order = sorted(range(len(scored.rows)), key=lambda at: (-round(float(scored.fused[at]), 6), ids[int(scored.rows[at])]))
        may_be_shown = set(allowed.tolist())
        visible = [at for at in order if int(scored.rows[at]) in may_be_shown][:limit]
        if not visible or scored.probability[visible[0]] < self.calibration.floor:
            return (), (), ()
        found = self._found(read, scored, visible)
        advising = [case for case in found if case.band != "weak"] or found[:_ADVISING]
        relevance = dict(zip(scored.passage_rows.tolist(), scored.cosines.max(axis=0).tolist(), strict=True))
        likeness = (self._strategies.matrix @ embeddings.T).max(axis=1, initial=0.0)
        similarity = {strategy_id: float(likeness[stored.row]) for strategy_id, stored in self._known_strategies.items()}
        rows = {ids[int(scored.rows[at])]: int(scored.rows[at]) for at in visible}
        symptoms = self.store.passages_of([rows[case.id] for case in advising], ["symptom"])
        links = self.store.links(case_ids=[case.id for case in advising])
        strategies = rank_strategies(advising, links, self._known_strategies, similarity, limit=_N_STRATEGIES)
        signs = watch_signs(advising, symptoms, self._passages.matrix, relevance, self.store.taxonomy, limit=_N_SIGNS)
        return found, strategies, signs

    def score(self, read: Description, whole: Embeddings, sentences: Embeddings, allowed: IntArray) -> Scored:
        """Score the candidates: every searchable case of a small corpus, else the best of each list among the allowed."""
        bm25 = dict(self.store.lexical(lexical_expression(read.terms), limit=_ALL))
        rows = self.searchable if len(self.searchable) <= _ALL else self._candidates(whole, sentences, allowed, bm25)
        return score_cases(
            rows,
            whole=whole,
            sentences=sentences,
            cases=self._cases.matrix,
            headlines=self._headlines.matrix,
            passages=self._passages.matrix,
            layout=self._layout,
            calibration=self.calibration,
            lexical=np.array([bm25.get(int(row), 0.0) for row in rows]),
        )

    def _candidates(self, whole: Embeddings, sentences: Embeddings, allowed: IntArray, bm25: dict[int, float]) -> IntArray:
        by_case = self._cases.search(whole, limit=_CANDIDATES, rows=allowed)[1].ravel()
        passage_rows, _ = self._layout.rows_of(allowed)
        hits = self._passages.search(sentences, limit=_CANDIDATES, rows=passage_rows)[1].ravel()
        lexical = np.array(list(bm25)[:_CANDIDATES], np.int64)
        union = np.concatenate([by_case[by_case >= 0], self._passage_cases[hits[hits >= 0]], lexical])
        return np.intersect1d(union, allowed)

    def _found(self, read: Description, scored: Scored, visible: Sequence[int]) -> tuple[FoundCase, ...]:
        common = commonness(scored.cosines, scored.offsets)
        pairs: list[list[tuple[Sentence, int]]] = []
        for at in visible:
            segment = scored.segment(at)
            rows = scored.passage_rows[segment]
            best = best_pairs(scored.cosines[:, segment], common, self._passage_weights[rows], self._passage_lines[rows])
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
        every = tuple(KIND_WEIGHTS)  # a draft may have statements of none of these kinds
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


def open_searcher(index: Path, *, model: str = "", backend: str = "openvino", known_encoder: Encoder | None = None) -> Searcher:
    """Open the current generation of an index with the encoder that made it.

    Args:
        index: the index folder.
        model: the model setting; must be the one the index was built with.
        backend: see `indexer.encoder.open_encoder`.
        known_encoder: used again when it fits, since loading one takes most of the time.

    Raises:
        IndexUnavailableError: there is no index that can answer.
        EncoderError: the model is not the one of the index.
    """
    folder, manifest = current_generation(index)
    fits = known_encoder is not None and known_encoder.fingerprint == manifest.encoder
    encoder = known_encoder if fits and known_encoder else _encoder_of(index, manifest, model, backend)
    return Searcher(folder, manifest, encoder, read_calibration())


def _encoder_of(index: Path, manifest: Manifest, model: str, backend: str) -> Encoder:
    """Open the encoder of an index; its weights were checked when it was built, so they are not hashed again."""
    if model != manifest.model:
        raise EncoderError(
            f"the index was built with model {manifest.model or '(packaged)'!r}, the setting names {model or '(packaged)'!r}",
            next_step="run `premortem index`, or set PREMORTEM_MODEL back",
        )
    if backend == "openvino":
        from indexer.openvino_encoder import OpenVinoEncoder, read_export

        return OpenVinoEncoder(read_export(index / "exports" / manifest.encoder.model[:16], manifest.encoder.model))
    from indexer.reference_encoder import ReferenceEncoder

    return ReferenceEncoder(find_model(model))
