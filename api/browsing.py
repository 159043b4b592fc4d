"""The browse page: cases by facets that combine, with counts, and by keywords. Everything chosen stands in the address."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template

from api import catalogue
from api.parameters import PageNumber
from api.showing import page as show
from indexer.searcher import Searcher
from kb.records import Filters
from kb.store import Store

BY_COUNT = ("category", "industry", "undertaking", "system")
"""Facets with many values: the most frequent come first. The others have an order of their own."""
FACETS = ("category", "industry", "undertaking", "phase", "outcome", "decade", "evidence", "system", "corpus", "status")
PAGE_SIZE = 30

Pairs = list[tuple[str, str]]


class Value(NamedTuple):
    """One value of a facet, as a link that switches it on or off."""

    id: str
    name: str
    n_cases: int
    """Cases that have it, among those that satisfy the choices in all other facets."""
    on: bool
    address: str


class Facet(NamedTuple):
    id: str
    values: list[Value]
    chosen: bool


class BrowseController(Controller):
    include_in_schema = False

    @get("/cases", sync_to_thread=True)
    def browse(
        self,
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        page: PageNumber = 1,
    ) -> Template:
        store = searcher.store
        rows = catalogue.case_rows(store, facets, q)
        pairs = chosen(facets)
        return show(
            "cases.html",
            searcher,
            cases=store.cases(rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]),
            total=len(rows),
            page=page,
            n_pages=-(-len(rows) // PAGE_SIZE),
            facets=offered(store, facets, q),
            q=q,
            chosen=[(facet, value, name_of(store, facet, value), address(without(pairs, (facet, value)), q)) for facet, value in pairs],
            without_q=address(pairs, ""),
            at_page=lambda number: address(pairs, q, number),
            hidden=pairs,
        )


def offered(store: Store, filters: Filters, q: str) -> list[Facet]:
    """Return the facets that can tell cases apart, each value with its count; values that no case has are left out."""
    everything = store.facet_counts()
    among = catalogue.case_rows(store, Filters(), q) if q.strip() else None
    remaining = store.facet_counts(filters, rows=among)
    pairs = chosen(filters)
    found = []
    for facet in FACETS:
        known = everything.get(facet, {})
        mine: tuple[str, ...] = getattr(filters, facet)
        if facet in {"corpus", "status"} and len(known) < 2 and not mine:
            continue
        # A facet's own choice is left out of its counts, since another value would join it.
        others = msgspec.structs.replace(filters, **{facet: ()})
        counts = (store.facet_counts(others, rows=among) if mine else remaining).get(facet, {})
        values = [
            Value(
                value,
                name_of(store, facet, value),
                counts.get(value, 0),
                value in mine,
                address(without(pairs, (facet, value)) if value in mine else [*pairs, (facet, value)], q),
            )
            for value in _ordered(store, facet, {*known, *mine})
        ]
        if facet in BY_COUNT:
            values.sort(key=lambda value: (not value.on, -value.n_cases))
        found.append(Facet(facet, values, bool(mine)))
    return found


def _ordered(store: Store, facet: str, values: set[str]) -> list[str]:
    if facet == "decade":
        return sorted(values, reverse=True)
    if facet == "corpus":
        return sorted(values)
    return sorted(values, key=lambda value: store.taxonomy.order(facet, value))


def name_of(store: Store, facet: str, value: str) -> str:
    """Return how people call a facet's value."""
    if facet == "drafts":
        return "left out"
    return value if facet not in store.taxonomy.__struct_fields__ else store.taxonomy.name(facet, value)


def chosen(filters: Filters) -> Pairs:
    """Return (facet, value) for everything that is filtered by."""
    values = {facet: getattr(filters, facet) for facet in Filters.__struct_fields__}
    return [
        (facet, "false" if each is False else str(each))
        for facet, its in values.items()
        if its not in (None, True)
        for each in (its if isinstance(its, tuple) else (its,))
    ]


def without(pairs: Pairs, pair: tuple[str, str]) -> Pairs:
    return [each for each in pairs if each != pair]


def address(pairs: Pairs, q: str = "", page: int = 1) -> str:
    """Return the address of the browse page with these filters and keywords."""
    query = urlencode([("q", q)] * bool(q) + pairs + [("page", str(page))] * (page > 1))
    return f"/cases?{query}" if query else "/cases"
