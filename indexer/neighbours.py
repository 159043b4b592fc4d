"""Which cases of the index a new case is like, and whether it tells one of them again."""

from __future__ import annotations

import msgspec
import numpy as np

from indexer.description import read_description
from indexer.passages import case_text
from indexer.searcher import Searcher
from kb.case import Case

NEAR_DUPLICATE = 0.8
"""Cosine of two whole cases from which on they are taken for one event told twice. Among the published cases, which are all of
different events, the highest is 0.74, and the median of each case's highest 0.61."""


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
        Neighbour(id=other.case.id, title=other.case.meta.title, near_duplicate=bool(cosines[at] >= NEAR_DUPLICATE))
        for at, other in zip(order, stored, strict=True)
    )
