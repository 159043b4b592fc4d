"""How the score of one case came about, from the parts to the band: for developers and sceptics."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from indexer.answer import Band
from indexer.arrays import FloatArray
from indexer.calibration import Calibration, case_features
from indexer.description import Sentence
from indexer.scoring import PARTS, Scored, standard_scores
from kb.records import Passage

MEANINGS = {
    "whole": "cosine of the whole description with the case as one text",
    "best": "mean cosine of the whole description with the five nearest passages of the case",
    "late": "mean over the five sentences that come nearest to a passage of the case, each above what is usual for that sentence",
    "headline": "cosine of the whole description with the case's title and undertaking",
    "lexical": "bm25 of the description's words in the case's text",
}
"""Part of the score → what it measures."""


class PartScore(msgspec.Struct, frozen=True, kw_only=True):
    part: str
    meaning: str
    value: float
    standard: float
    """`value` in standard deviations above its mean over all candidates."""
    weight: float
    contribution: float
    """`standard` × `weight`; the contributions add up to the fused score."""
    rank: int
    """Place of the case by this part alone, 1-based."""


class TermScore(msgspec.Struct, frozen=True, kw_only=True):
    term: str
    bm25: float


class SentenceScore(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence of the description and the passage of the case that it comes nearest to."""

    query: str
    query_start: int
    query_end: int
    cosine: float
    usual: float
    """Mean cosine of the sentence with all passages."""
    kind: str
    passage: str
    line: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    case: str
    title: str
    rank: int
    """Place among the candidates, 1-based."""
    n_candidates: int
    parts: tuple[PartScore, ...]
    terms: tuple[TermScore, ...]
    """Words of the description that the case's text holds, most telling first."""
    sentences: tuple[SentenceScore, ...]
    """Every sentence that was matched, in order."""
    fused: float
    features: dict[str, float]
    """What the probability of the case was computed from."""
    coefficients: dict[str, float]
    intercept: float
    useful: float
    """Probability that the case is strongly useful, given that the description is of a project."""
    describes_project: float
    """Probability that the description is of a project that this knowledge base could know anything about."""
    probability: float
    """`useful` × `describes_project`."""
    band: Band
    thresholds: dict[str, float]
    """Lowest probability of the bands strong and related; under `floor` for every case, nothing is close."""


def explain(
    at: int,
    scored: Scored,
    *,
    order: list[int],
    case: tuple[str, str],
    sentences: Iterable[Sentence],
    passages: dict[int, Passage],
    terms: Iterable[tuple[str, float]],
    whole: FloatArray,
    calibration: Calibration,
) -> Explanation:
    """Explain the candidate at a position.

    Args:
        at: position among the candidates.
        scored: of all candidates.
        order: positions, best first.
        case: id and title.
        sentences: of the description, one a row of `scored.cosines`.
        passages: of the case, by passage row.
        terms: (word, its bm25 in this case), those it holds.
        whole: shape (dim,), embedding of the description.
        calibration: in use.
    """
    standard = standard_scores(scored.parts, calibration.usual)
    segment = scored.segment(at)
    cosines = scored.cosines[:, segment]
    usual = scored.cosines.mean(axis=1)
    probability = round(float(scored.probability[at]), 4)
    met = []
    for number, sentence in enumerate(sentences):
        column = int(np.argmax(cosines[number]))
        passage = passages[int(scored.passage_rows[segment][column])]
        met.append(
            SentenceScore(
                query=sentence.text,
                query_start=sentence.start,
                query_end=sentence.end,
                cosine=round(float(cosines[number, column]), 4),
                usual=round(float(usual[number]), 4),
                kind=passage.kind,
                passage=f"{passage.lead} {passage.text}".strip(),
                line=passage.line,
            )
        )
    return Explanation(
        case=case[0],
        title=case[1],
        rank=order.index(at) + 1,
        n_candidates=len(scored.rows),
        parts=tuple(
            PartScore(
                part=name,
                meaning=MEANINGS[name],
                value=round(float(scored.parts[name][at]), 4),
                standard=round(float(standard[name][at]), 4),
                weight=weight,
                contribution=round(weight * float(standard[name][at]), 4),
                rank=int((scored.parts[name] > scored.parts[name][at]).sum()) + 1,
            )
            for name, weight in PARTS.items()
        ),
        terms=tuple(TermScore(term=term, bm25=round(score, 3)) for term, score in sorted(terms, key=lambda each: (-each[1], each[0]))),
        sentences=tuple(met),
        fused=round(float(scored.fused[at]), 4),
        features={name: round(float(values[at]), 4) for name, values in case_features(scored.fused, scored.parts).items()},
        coefficients=calibration.case,
        intercept=calibration.case_intercept,
        useful=round(float(calibration.useful(scored.fused, scored.parts)[at]), 4),
        describes_project=round(calibration.describes_project(whole), 4),
        probability=probability,
        band=calibration.band(probability),
        thresholds={"strong": calibration.strong, "related": calibration.related, "floor": calibration.floor},
    )
