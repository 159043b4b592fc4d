"""The calibration fitted on judged descriptions and pairs.

Needs scikit-learn (extra `dev`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from indexer.arrays import FloatArray
from indexer.calibration import ENGINE, Calibration, case_features
from indexer.description import read_description
from indexer.evaluation import score_description
from indexer.judged import STRONGLY_USEFUL, Judged, JudgedPair
from indexer.reasons import commonness
from indexer.scoring import PARTS
from indexer.searcher import Searcher

_STRONG, _RELATED, _FLOOR = 0.5, 0.35, 0.1


def fit_calibration(
    searcher: Searcher,
    judged: Sequence[Judged],
    *,
    unseen: tuple[Searcher, Sequence[Judged]],
    pairs: Sequence[JudgedPair],
    fitted_on: str,
    progress: Callable[[Iterable[Judged]], Iterable[Judged]] = iter,
) -> Calibration:
    """Fit a calibration.

    Args:
        searcher: over the index whose calibration it will be.
        judged: descriptions of which some have nothing relevant.
        unseen: an index and graded descriptions that its encoder was not trained on. An encoder finds more in what it was trained on,
            so a trained one is represented here by a sister that was trained without these; an untrained one by itself.
        pairs: judged pairs; those of the unseen descriptions are used.
        fitted_on: what stands in the calibration.
        progress: wraps the descriptions to show how far it is.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    wholes = [searcher.encode(read_description(query.text))[0].astype(np.float64) for query in progress(judged)]
    table, is_project = np.array(wholes), [bool(query.grades) for query in judged]
    project = LogisticRegression(C=3.0, class_weight="balanced", max_iter=2000)
    # A strongly regularised regression is too timid; Platt scaling on held-out folds says by how much.
    held_back = cross_val_predict(project, table, is_project, cv=10, method="decision_function")
    platt = LogisticRegression(C=1e6, class_weight="balanced").fit(held_back[:, None], is_project)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    project.fit(table, is_project)
    features, useful = [], []
    values: dict[str, list[FloatArray]] = {name: [] for name in PARTS if name != "lexical"}
    sister, held_out = unseen
    for query in progress([query for query in held_out if query.grades]):
        scored, _ = score_description(sister, query.text)
        ids = [sister.store.case_ids[int(row)] for row in scored.rows]
        for name, its in values.items():
            its.append(scored.parts[name])
        features.append(case_features(scored.fused, scored.parts))
        useful.append(np.array([query.grades.get(case_id, 0.0) >= STRONGLY_USEFUL for case_id in ids]))
    names = list(features[0])
    table = np.column_stack([np.concatenate([each[name] for each in features]) for name in names])
    case = LogisticRegression(C=10.0, max_iter=2000).fit(table, np.concatenate(useful))
    return Calibration(
        engine=ENGINE,
        model=searcher.manifest.encoder.model,
        project=[round(slope * float(each), 4) for each in project.coef_[0]],
        project_intercept=round(slope * float(project.intercept_[0]) + shift, 4),
        case={name: round(float(weight), 4) for name, weight in zip(names, case.coef_[0], strict=True)},
        case_intercept=round(float(case.intercept_[0]), 4),
        reason=_fit_reasons(sister, progress(held_out), pairs),
        usual={
            name: (round(float(np.mean(its)), 4), round(float(np.mean([each.var() for each in its]) ** 0.5), 4))
            for name, its in values.items()
        },
        strong=_STRONG,
        related=_RELATED,
        floor=_FLOOR,
        fitted_on=fitted_on,
    )


def _fit_reasons(searcher: Searcher, judged: Iterable[Judged], pairs: Sequence[JudgedPair]) -> dict[str, float]:
    """Return the coefficients of a logistic regression that tells pairs that make sense from those that make none."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    of_description: dict[str, list[JudgedPair]] = {}
    for pair in pairs:
        of_description.setdefault(pair.description, []).append(pair)
    rows, labels = [], []
    for query in judged:
        if its := of_description.get(query.id):
            for features, pair in _known_pairs(searcher, query.text, its):
                rows.append(features)
                labels.append(pair.verdict > 0)
    names = list(rows[0])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))
    model.fit(np.array([[row[name] for name in names] for row in rows]), labels)
    weights = model[-1].coef_[0] / model[0].scale_
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}


def _known_pairs(searcher: Searcher, text: str, pairs: Iterable[JudgedPair]) -> Iterator[tuple[dict[str, float], JudgedPair]]:
    """Yield what is known of each judged pair whose sentence and passage still stand in the description and the case."""
    read = read_description(text)
    embeddings = searcher.encode(read)
    scored = searcher.score(read, embeddings[:1], embeddings[1:])
    common = commonness(scored.cosines, scored.offsets)
    sentences = {sentence.text: number for number, sentence in enumerate(read.sentences)}
    at_of = {searcher.store.case_ids[int(row)]: at for at, row in enumerate(scored.rows)}
    for pair in pairs:
        at, sentence = at_of.get(pair.case), sentences.get(pair.sentence)
        if at is None or sentence is None:
            continue
        rows = scored.passage_rows[scored.segment(at)].tolist()
        texts = [f"{passage.lead} {passage.text}".strip() for passage in searcher.store.passages(rows).values()]
        if pair.passage in texts:
            features = searcher.pair_features(read, embeddings, scored, at, common)
            shape = features["cosine"].shape
            place = sentence, texts.index(pair.passage)
            yield {name: float(np.broadcast_to(values, shape)[place]) for name, values in features.items()}, pair
