"""Which cases of the index a new case is like, and whether it tells one of them again."""

from __future__ import annotations

import msgspec
import numpy as np

from indexer.description import read_description
from indexer.passages import case_text
from indexer.searcher import Searcher
from kb.case import Case

NEAR_DUPLICATE = 0.85
"""Cosine of two whole cases from which on they are taken for one event told twice. Among the published cases, which are all of
different events, the highest is 0.81 (by the untrained model 0.74), and the median of each case's highest 0.67 (0.61)."""
_ALIKE = 0.65
"""Cosine from which on two cases are whose facts agree, too; no two published cases have the same."""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """A case of the index that a new one is like."""

    id: str
    title: str
    near_duplicate: bool
    """Whether the two may well be one event told twice."""


def neighbours(searcher: Searcher, case: Case, *, limit: int = 3) -> tuple[Neighbour, ...]:
    """Return the cases most like one that need not be in the index, the likest first; itself, by its id, is left out.

    Raises:
        QueryError: the case is too long to be searched for.
    """
    read = read_description(case_text(case))
    whole = searcher.encoder.encode_passages([read.text])
    scored = searcher.score(read, whole, whole, searcher.searchable)
    cosines = scored.parts["whole"]
    ids = searcher.store.case_ids
    order = [int(at) for at in np.argsort(-cosines, kind="stable") if ids[int(scored.rows[at])] != case.id][:limit]
    stored = searcher.store.cases([int(scored.rows[at]) for at in order])
    return tuple(
        Neighbour(id=other.case.id, title=other.case.meta.title, near_duplicate=tell_the_same(case, other.case, float(cosines[at])))
        for at, other in zip(order, stored, strict=True)
    )


def tell_the_same(one: Case, other: Case, cosine: float) -> bool:
    """Return whether two cases may well be one event told twice, from how alike their texts are and whether their facts agree."""
    return cosine >= NEAR_DUPLICATE or (cosine >= _ALIKE and _facts_agree(one, other))


def _facts_agree(one: Case, other: Case) -> bool:
    a, b = one.meta, other.meta
    years = one.years_span(), other.years_span()
    if years[0] and years[1] and (years[0][1] < years[1][0] or years[1][1] < years[0][0]):
        return False
    if a.organisation and b.organisation:
        return a.organisation.casefold() == b.organisation.casefold()
    facts = (a.industry, a.undertaking, a.outcome)
    return all(facts) and facts == (b.industry, b.undertaking, b.outcome)  # what two drafts leave open does not agree
