"""Which strategies would have helped, ranked by the cases that say so; and which signs those cases saw."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from indexer.answer import Evidence, FoundCase, RankedStrategy, Sign
from indexer.arrays import Embeddings
from kb.records import Link, Passage, StoredStrategy
from kb.taxonomy import Taxonomy

_SOURCED, _INFERRED = 1.0, 0.85
"""How much a link counts: advice that a source gives, advice that this knowledge base infers."""
_FACTORS = 0.3
_DIRECT = 0.3
"""Weights, beside the cases' own links, of the matched factors that a strategy addresses and of its likeness to the description."""
_LEAST_TELLING = 0.15
"""Signs that tell less than this share of the most telling one are left out."""
_SAME_SIGN = 0.72
"""Signs with at least this cosine say the same."""


def rank_strategies(
    found: Sequence[FoundCase],
    links: Iterable[Link],
    strategies: Mapping[str, StoredStrategy],
    similarity: Mapping[str, float],
    *,
    limit: int,
) -> tuple[RankedStrategy, ...]:
    """Rank the strategies that the found cases point at; each has at least one of them as evidence.

    Args:
        found: cases of the answer with their probability.
        links: of these cases.
        strategies: by id.
        similarity: strategy id → cosine with the description.
        limit: most strategies returned.
    """
    probability = {case.id: case.probability for case in found}
    cited = {case.id: case for case in found}
    factors: defaultdict[str, float] = defaultdict(float)
    for case in found:
        for category in case.categories:
            factors[category] += case.probability / len(found)
    by_strategy: defaultdict[str, list[Link]] = defaultdict(list)
    for link in links:
        if link.strategy_id in strategies and link.case_id in probability:
            by_strategy[link.strategy_id].append(link)
    ranked = []
    for strategy_id, its_links in by_strategy.items():
        meta = strategies[strategy_id].strategy.meta
        weight = {link.case_id: _INFERRED if link.inferred else _SOURCED for link in reversed(its_links)}
        cases = math.fsum(probability[case_id] * weight[case_id] for case_id in sorted(weight))
        addressed = math.fsum(factors[category] for category in meta.addresses)
        score = cases + _FACTORS * addressed + _DIRECT * max(0.0, similarity.get(strategy_id, 0.0))
        evidence = sorted(its_links, key=lambda link: (-probability[link.case_id], link.case_id, link.line))
        ranked.append(
            RankedStrategy(
                id=strategy_id,
                title=meta.title,
                phase=meta.phase,
                effort=meta.effort,
                roles=meta.roles,
                addresses=meta.addresses,
                score=round(score, 4),
                evidence=tuple(
                    Evidence(
                        case=link.case_id,
                        title=cited[link.case_id].title,
                        corpus=cited[link.case_id].corpus,
                        status=cited[link.case_id].status,
                        line=link.line,
                        text=link.text,
                        inferred=link.inferred,
                    )
                    for link in evidence
                ),
            )
        )
    ranked.sort(key=lambda strategy: (-strategy.score, strategy.id))
    return tuple(ranked[:limit])


def watch_signs(
    found: Sequence[FoundCase],
    symptoms: Mapping[int, Passage],
    vectors: Embeddings,
    relevance: Mapping[int, float],
    taxonomy: Taxonomy,
    *,
    limit: int,
) -> tuple[Sign, ...]:
    """Merge the symptoms of the found cases that say the same and return the most telling, in order of phase.

    Args:
        found: cases of the answer with their probability.
        symptoms: passages of kind symptom of these cases, by row.
        vectors: shape (n_passages, dim), by passage row.
        relevance: passage row → cosine with the whole description.
        taxonomy: gives the order of phases.
        limit: most signs returned.
    """
    probability = {case.id: case.probability for case in found}
    # Squared, so that a case does not pour in all it saw: what fits the description of another case comes first.
    telling = {row: probability[passage.case_id] * max(0.0, relevance[row]) ** 2 for row, passage in symptoms.items()}
    least = _LEAST_TELLING * max(telling.values(), default=0.0)
    ordered = sorted((row for row in symptoms if telling[row] >= least), key=lambda row: (-telling[row], row))
    kept: list[tuple[int, Sign]] = []
    for row in ordered:
        passage = symptoms[row]
        alike = [position for position, (other, _) in enumerate(kept) if float(np.dot(vectors[row], vectors[other])) >= _SAME_SIGN]
        if alike:
            other, sign = kept[alike[0]]
            if passage.case_id not in sign.cases:
                kept[alike[0]] = (other, msgspec.structs.replace(sign, cases=(*sign.cases, passage.case_id)))
        elif len(kept) < limit:
            detail = passage.text if passage.lead else ""
            sign = Sign(text=passage.lead or passage.text, detail=detail, phase=passage.tag or "operation", cases=(passage.case_id,))
            kept.append((row, sign))
    kept.sort(key=lambda pair: (taxonomy.order("phase", pair[1].phase), ordered.index(pair[0])))
    return tuple(sign for _, sign in kept)
