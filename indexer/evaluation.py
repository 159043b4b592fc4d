"""Search quality on judged descriptions.

Needs ir-measures (extra `dev`): metrics come from the field's own tools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.answer import Band
from indexer.arrays import FloatArray
from indexer.collection import TestCollection, index_collection
from indexer.description import read_description
from indexer.encoder import Progress
from indexer.judged import MUST_READ, STRONGLY_USEFUL, Judged
from indexer.scoring import Scored
from indexer.searcher import Searcher
from kb.errors import CorpusError

_N_BOOTSTRAP = 2000
_DEPTH = 100
"""Documents of a public collection that are kept for each query."""
SYSTEMS = ("premortem", "bm25", "dense", "hybrid")


def score_description(searcher: Searcher, text: str) -> tuple[Scored, FloatArray]:
    """Return the scores of all cases and the embedding of the whole description."""
    read = read_description(text)
    embeddings = searcher.encode(read)
    scored = searcher.score(read, embeddings[:1], embeddings[1:])
    return scored, embeddings[0].astype(np.float64)


def rankings(ids: Sequence[str], scored: Scored) -> dict[str, dict[str, float]]:
    """Return system → id → score: the engine, its lexical and its dense part alone, and their plain 0.5/0.5 hybrid.

    Args:
        ids: of all cases or documents, by row.
        scored: of the candidates.
    """
    ids = [ids[int(row)] for row in scored.rows]
    dense, lexical = scored.parts["whole"], scored.parts["lexical"]
    systems = {"premortem": scored.fused, "bm25": lexical, "dense": dense, "hybrid": 0.5 * _min_max(dense) + 0.5 * _min_max(lexical)}
    return {name: dict(zip(ids, (float(value) for value in values), strict=True)) for name, values in systems.items()}


def _min_max(values: FloatArray) -> FloatArray:
    spread = values.max() - values.min()
    scaled: FloatArray = (values - values.min()) / spread if spread > 0 else np.zeros_like(values)
    return scaled


def measure(
    judged: Sequence[Judged],
    runs: dict[str, dict[str, float]],
    known: Iterable[str],
    *,
    relevant: float = STRONGLY_USEFUL,
    exponential: bool = True,
) -> dict[str, dict[str, float]]:
    """Return measure → query id → value, for one system.

    Args:
        judged: descriptions; those without a known relevant case are left out.
        runs: query id → case id → score.
        known: ids of the cases that exist; grades of others are dropped.
        relevant: lowest grade that counts as relevant where a measure knows only yes and no.
        exponential: whether the gain of a grade is 2^grade − 1, or the grade itself as in BEIR.
    """
    import ir_measures
    from ir_measures import RR, R, Success, nDCG

    exists = set(known)
    known_grades = [(query.id, case_id, grade) for query in judged for case_id, grade in query.grades.items() if case_id in exists]

    def qrels(gain: Callable[[float], int]) -> list[ir_measures.Qrel]:
        return [ir_measures.Qrel(query, case_id, gain(grade)) for query, case_id, grade in known_grades]

    # Linear nDCG over integer gains of 100 × (2^grade − 1) is nDCG with that exponential gain, half grades kept.
    levels = [("", [nDCG @ 10], qrels(lambda grade: round(100 * (2**grade - 1)) if exponential else int(grade)))]
    levels.append(("", [R @ 5, R @ 10, RR @ 10, Success @ 3], qrels(lambda grade: int(grade >= relevant))))
    if exponential:
        levels.append((" of 3", [R @ 10], qrels(lambda grade: int(grade >= MUST_READ))))
    run = [ir_measures.ScoredDoc(query, case_id, score) for query, scores in runs.items() for case_id, score in scores.items()]
    values: dict[str, dict[str, float]] = {}
    for suffix, metrics, judgements in levels:
        have_relevant = {qrel.query_id for qrel in judgements if qrel.relevance}
        for metric in ir_measures.iter_calc(metrics, judgements, run):
            if metric.query_id in have_relevant:
                values.setdefault(f"{metric.measure}{suffix}", {})[metric.query_id] = float(metric.value)
    return values


def bootstrap_difference(ours: Sequence[float], theirs: Sequence[float], *, seed: int = 0) -> tuple[float, float, float]:
    """Return (mean, 2.5 %, 97.5 %) of the paired difference over resampled queries."""
    differences = np.asarray(ours) - np.asarray(theirs)
    picks = np.random.default_rng(seed).integers(0, len(differences), (_N_BOOTSTRAP, len(differences)))
    means = differences[picks].mean(axis=1)
    return float(differences.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


class SetReport(msgspec.Struct, frozen=True, kw_only=True):
    """Quality on one judged set."""

    name: str
    n_queries: int
    systems: dict[str, dict[str, float]]
    """System → measure → mean."""
    by_group: dict[str, dict[str, float]]
    """Kind or length → system → mean nDCG@10."""
    gain: dict[str, tuple[float, float, float]]
    """Other system → (mean, low, high) of what we have above it in nDCG@10, 95 % interval."""


class PreventionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Ranking of strategies: those that a description's strongly useful cases point at are relevant, by the best grade of these cases."""

    n_queries: int
    systems: dict[str, dict[str, float]]
    """System → measure → mean; R@10 is the share of the relevant strategies among the first ten: their coverage."""
    gain: dict[str, tuple[float, float, float]]
    """Other system → (mean, low, high) of what we have above it in nDCG@10, 95 % interval."""


class BandReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the judges said of the cases that were shown in one band."""

    n_cases: int
    strongly_useful: float
    """Share with grade 2 or 3."""
    some_use: float
    """Share with any grade."""


class HonestyReport(msgspec.Struct, frozen=True, kw_only=True):
    n_queries: int
    false_confident: float
    """Share of the negatives that get a strong or related case."""
    false_silent: float
    """Share of the descriptions with a must-read case that are answered `nothing close`."""
    calibration_error: float
    """Expected calibration error of the probabilities, ten bins."""
    bands: dict[Band, BandReport]


def evaluate_set(searcher: Searcher, name: str, judged: Sequence[Judged]) -> SetReport:
    """Rank every case for every description and report quality against the simple systems.

    Raises:
        CorpusError: the index holds none of the judged cases.
    """
    known = searcher.store.case_ids
    usable = [query for query in judged if any(case_id in set(known) for case_id in query.grades)]
    if not usable:
        raise CorpusError(
            f"{name}: the index holds none of the cases that were judged",
            next_step="run `premortem index` over the corpus that the grades are for, or give --judged sets of your own",
        )
    runs: dict[str, dict[str, dict[str, float]]] = {system: {} for system in SYSTEMS}
    for query in usable:
        for system, scores in rankings(known, score_description(searcher, query.text)[0]).items():
            runs[system][query.id] = scores
    return _report(name, usable, runs, known)


def evaluate_collection(searcher: Searcher, collection: TestCollection, *, progress: Progress | None = None) -> SetReport:
    """Rank the documents of a public test collection for its queries with the engine of an index and report quality."""
    ranker = index_collection(collection, searcher.encoder, progress=progress)
    ids = [document.id for document in collection.documents]
    runs: dict[str, dict[str, dict[str, float]]] = {system: {} for system in SYSTEMS}
    for query in collection.queries:
        read = read_description(query.text)
        embeddings = ranker.encode(read)
        scored = ranker.score(read, embeddings[:1], embeddings[1:], searcher.calibration)
        for system, scores in rankings(ids, scored).items():
            ranked = sorted(scores, key=lambda document: (-scores[document], document))[:_DEPTH]
            runs[system][query.id] = {document: scores[document] for document in ranked if document != query.id}
    judged = [Judged(id=query.id, text=query.text, kind="", grades=dict(collection.grades[query.id])) for query in collection.queries]
    return _report(collection.name, judged, runs, ids, relevant=1.0, exponential=False)


def _report(
    name: str,
    judged: Sequence[Judged],
    runs: dict[str, dict[str, dict[str, float]]],
    known: Sequence[str],
    *,
    relevant: float = STRONGLY_USEFUL,
    exponential: bool = True,
) -> SetReport:
    values = {system: measure(judged, runs[system], known, relevant=relevant, exponential=exponential) for system in SYSTEMS}
    ndcg = {system: values[system]["nDCG@10"] for system in SYSTEMS}
    groups: dict[str, list[str]] = {}
    for query in judged:
        for group in filter(None, (query.kind, query.length)):
            groups.setdefault(group, []).append(query.id)
    ids = [query.id for query in judged]
    return SetReport(
        name=name,
        n_queries=len(judged),
        systems={system: {metric: _mean(its.values()) for metric, its in values[system].items()} for system in SYSTEMS},
        by_group={
            group: {system: _mean(ndcg[system][each] for each in members) for system in SYSTEMS} for group, members in groups.items()
        },
        gain={
            system: bootstrap_difference([ndcg["premortem"][each] for each in ids], [ndcg[system][each] for each in ids])
            for system in SYSTEMS[1:]
        },
    )


PREVENTION_SYSTEMS = ("premortem", "most-linked", "first-case")


def evaluate_prevention(searcher: Searcher, judged: Sequence[Judged]) -> PreventionReport:
    """Report how well the strategies of an answer are ranked, against the most linked overall and those of the first case found."""
    links = searcher.store.links()
    by_case: dict[str, list[str]] = {}
    linking: dict[str, set[str]] = {}
    for link in links:
        by_case.setdefault(link.case_id, []).append(link.strategy_id)
        linking.setdefault(link.strategy_id, set()).add(link.case_id)
    most_linked = sorted(linking, key=lambda strategy_id: (-len(linking[strategy_id]), strategy_id))
    relevant = []
    runs: dict[str, dict[str, dict[str, float]]] = {system: {} for system in PREVENTION_SYSTEMS}
    for query in judged:
        grades: dict[str, float] = {}
        for case_id, grade in query.grades.items():
            if grade >= STRONGLY_USEFUL:
                for strategy_id in by_case.get(case_id, ()):
                    grades[strategy_id] = max(grade, grades.get(strategy_id, 0.0))
        if not grades:
            continue
        relevant.append(msgspec.structs.replace(query, grades=grades))
        answer = searcher.search(query.text)
        first = list(dict.fromkeys(by_case.get(answer.cases[0].id, ()))) if answer.cases else []
        ranked = {"premortem": [strategy.id for strategy in answer.strategies], "most-linked": most_linked, "first-case": first}
        for system, ids in ranked.items():
            runs[system][query.id] = {strategy_id: -float(place) for place, strategy_id in enumerate(ids)}
    values = {system: measure(relevant, runs[system], linking) for system in PREVENTION_SYSTEMS}
    ndcg = {system: [values[system]["nDCG@10"].get(query.id, 0.0) for query in relevant] for system in PREVENTION_SYSTEMS}
    return PreventionReport(
        n_queries=len(relevant),
        systems={
            system: {metric: _mean(values[system][metric].values()) for metric in ("nDCG@10", "R@10")} for system in PREVENTION_SYSTEMS
        },
        gain={system: bootstrap_difference(ndcg["premortem"], ndcg[system]) for system in PREVENTION_SYSTEMS[1:]},
    )


def evaluate_honesty(searcher: Searcher, judged: Sequence[Judged], negatives: Sequence[Judged]) -> HonestyReport:
    """Report how often the engine speaks when it should not, and is silent when it should speak."""
    calibration = searcher.calibration
    confident = [float(score_description(searcher, query.text)[0].probability.max()) >= calibration.related for query in negatives]
    probabilities, grades, silent = [], [], []
    for query in judged:
        scored = score_description(searcher, query.text)[0]
        ids = [searcher.store.case_ids[int(row)] for row in scored.rows]
        probabilities.append(scored.probability)
        grades.append(np.array([query.grades.get(case_id, 0.0) for case_id in ids]))
        if max(query.grades.values(), default=0.0) >= MUST_READ:
            silent.append(float(scored.probability.max()) < calibration.floor)
    probability, grade = np.concatenate(probabilities), np.concatenate(grades)
    band = np.array([calibration.band(each) for each in probability.tolist()])
    return HonestyReport(
        n_queries=len(judged),
        false_confident=_mean(confident),
        false_silent=_mean(silent),
        calibration_error=expected_calibration_error(probability, grade >= STRONGLY_USEFUL),
        bands={name: _band_report(grade[band == name]) for name in ("strong", "related")},
    )


def _band_report(grades: FloatArray) -> BandReport:
    return BandReport(n_cases=len(grades), strongly_useful=_mean(grades >= STRONGLY_USEFUL), some_use=_mean(grades > 0))


def expected_calibration_error(probabilities: FloatArray, labels: NDArray[np.bool_], *, n_bins: int = 10) -> float:
    """Return the mean distance between what was said and what was so, over bins of equal width weighted by size."""
    bins = np.clip((probabilities * n_bins).astype(int), 0, n_bins - 1)
    return float(
        sum(
            abs(probabilities[bins == each].mean() - labels[bins == each].mean()) * (bins == each).mean()
            for each in range(n_bins)
            if (bins == each).any()
        )
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return float(np.mean(listed)) if listed else 0.0
