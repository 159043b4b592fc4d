"""Two to four cases side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Template
from litestar.status_codes import HTTP_200_OK, HTTP_404_NOT_FOUND, HTTP_422_UNPROCESSABLE_ENTITY

from api.catalogue import Entry, nearest_entries
from api.parameters import Values
from api.showing import page
from indexer.answer import SimilarCase
from indexer.searcher import Searcher
from kb.case import Item
from kb.records import StoredCase
from kb.store import Store

LEAST, MOST = 2, 4
MOST_ASKED = 12
"""Ids read of an address: each unknown one is looked up among all cases for what may have been meant."""


class Shared(NamedTuple):
    """A category or strategy that more than one of the cases has."""

    id: str
    name: str
    case_ids: tuple[str, ...]


class CompareController(Controller):
    include_in_schema = False

    @get("/compare", sync_to_thread=True)
    def compare(self, searcher: NamedDependency[Searcher], ids: Values = None) -> Template:
        store = searcher.store
        asked = list(dict.fromkeys(each.strip() for value in ids or () for each in value.split(",") if each.strip()))
        found, unknown = _read(store, asked[:MOST_ASKED])
        extra, cases = found[MOST:], found[:MOST]
        return page(
            "compare.html",
            searcher,
            status_code=HTTP_404_NOT_FOUND if unknown else HTTP_422_UNPROCESSABLE_ENTITY if extra else HTTP_200_OK,
            cases=cases if len(cases) >= LEAST else [],
            asked=found,
            extra=extra,
            unknown=unknown,
            unread=len(asked[MOST_ASKED:]),
            categories=shared_categories(store, cases),
            strategies=shared_strategies(store, cases),
            same=same_facts(cases),
            by_phase=lambda items: in_order_of_phase(store, items),
            more=_more(searcher, cases),
            address=lambda chosen: f"/compare?ids={','.join(chosen)}",
        )


def _read(store: Store, asked: list[str]) -> tuple[list[StoredCase], list[tuple[str, list[Entry]]]]:
    """Return the cases there are, and the ids there are not with those that may have been meant."""
    known = set(store.case_ids)
    found = [store.case(case_id) for case_id in asked if case_id in known]
    return found, [(case_id, nearest_entries(store, "cases", case_id, limit=1)) for case_id in asked if case_id not in known]


def shared_categories(store: Store, cases: list[StoredCase]) -> list[Shared]:
    """Return the categories that at least two of the cases have, those of most cases first."""
    terms = {term.id: term.name for term in store.taxonomy.terms("category")}
    return _shared({stored.case.id: stored.case.meta.categories for stored in cases}, terms)


def shared_strategies(store: Store, cases: list[StoredCase]) -> list[Shared]:
    """Return the strategies that at least two of the cases point at, those of most cases first."""
    used = {stored.case.id: tuple(item.strategy for item in stored.case.prevention if item.strategy) for stored in cases}
    both = {strategy for strategy, count in Counter(each for its in used.values() for each in set(its)).items() if count > 1}
    return _shared(used, {strategy: store.strategy(strategy).strategy.meta.title for strategy in sorted(both)})


def _shared(used: dict[str, tuple[str, ...]], names: dict[str, str]) -> list[Shared]:
    found = [Shared(value, name, tuple(case_id for case_id, its in used.items() if value in its)) for value, name in names.items()]
    return sorted((each for each in found if len(each.case_ids) > 1), key=lambda each: -len(each.case_ids))


def same_facts(cases: list[StoredCase]) -> frozenset[str]:
    """Return the facets in which all cases agree; what a draft leaves open is nothing they agree in."""
    facets = ("industry", "undertaking", "phase", "outcome", "evidence", "country")
    values = {facet: {getattr(stored.case.meta, facet) for stored in cases} for facet in facets}
    return frozenset(facet for facet, its in values.items() if len(its) == 1 and all(its))


def in_order_of_phase(store: Store, items: Sequence[Item]) -> list[Item]:
    """Return items by the phase they are tagged with, those of one phase as they stand; those without one come last."""
    return sorted(items, key=lambda item: store.taxonomy.order("phase", item.tag or ""))


def _more(searcher: Searcher, cases: list[StoredCase]) -> list[SimilarCase]:
    """Return cases to add: those most like the ones there are, each of them in turn."""
    if not cases or len(cases) >= MOST:
        return []
    ids = [stored.case.id for stored in cases]
    ranked = zip(*(searcher.similar(case_id, limit=6) for case_id in ids), strict=False)
    found = {other.id: other for turn in ranked for other in turn if other.id not in ids}
    return list(found.values())[:3]
