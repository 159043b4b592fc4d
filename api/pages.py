"""The pages people see; every one works without JavaScript."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_200_OK

from api import catalogue
from api.problems import STATUS
from api.routes import log_search
from indexer.answer import Answer
from indexer.searcher import Searcher
from kb.errors import QueryError
from kb.store import Filters, Store, case_facets

EXAMPLES = (
    "We will connect our 20-year-old warehouse management system to a new analytics tool in eight weeks. The tool reads stock in real "
    "time. The people who wrote the old system have left and there is little documentation.",
    "Our council replaces its payroll for 12,000 staff with a hosted suite. All departments switch at the end of March, before the new "
    "pay agreement starts. Training is a half-day online course and the old mainframe is switched off the same weekend.",
)
FACETS = ("industry", "undertaking", "category", "phase", "outcome", "evidence")
"""Facets that the search form offers as filters."""
BROWSED = (*FACETS, "system")
"""Facets that the browse page offers."""

_Pairs = list[tuple[str, str]]


class SearchForm(msgspec.Struct, frozen=True, kw_only=True):
    """The search form as browsers send it: an untouched choice is empty."""

    description: str = ""
    industry: str = ""
    undertaking: str = ""
    category: str = ""
    phase: str = ""
    outcome: str = ""
    evidence: str = ""
    drafts: str = ""
    """`no` leaves them out."""

    def filters(self) -> Filters:
        return msgspec.structs.replace(
            Filters(drafts=self.drafts != "no"), **{facet: (value,) for facet in FACETS if (value := getattr(self, facet))}
        )


def _page(name: str, searcher: Searcher, *, status_code: int = HTTP_200_OK, **context: object) -> Template:
    several = len(searcher.manifest.corpora) > 1
    shared = {
        "drafts": searcher.store.drafts,
        "several": several,
        "taxonomy": searcher.store.taxonomy,
        "manifest": searcher.manifest,
        "examples": EXAMPLES,
        "facets": FACETS,
    }
    return Template(name, context={**shared, **context}, status_code=status_code)


class PageController(Controller):
    include_in_schema = False

    @get("/", sync_to_thread=True)
    def home(self, searcher: NamedDependency[Searcher]) -> Template:
        return _page("home.html", searcher, description="", filters=Filters())

    @post("/search", status_code=HTTP_200_OK, sync_to_thread=True)
    def search(
        self, data: Annotated[SearchForm, Body(media_type=RequestEncodingType.URL_ENCODED)], searcher: NamedDependency[Searcher]
    ) -> Template:
        return _results(searcher, data.description, data.filters())

    @get("/search", sync_to_thread=True)
    def search_short(
        self,
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        q: Annotated[str, QueryParameter(max_length=2000)] = "",
    ) -> Template | Redirect:
        if not q.strip():
            return Redirect("/")
        return _results(searcher, q, facets)

    @get("/cases", sync_to_thread=True)
    def cases(
        self,
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        q: Annotated[str, QueryParameter(max_length=200)] = "",
    ) -> Template:
        chosen = _chosen(facets)
        return _page(
            "cases.html",
            searcher,
            cases=catalogue.list_cases(searcher.store, facets, q),
            counts=_counts(searcher.store, facets, q),
            filters=facets,
            q=q,
            browsed=BROWSED,
            chosen=chosen,
            toggled=_toggler(chosen, q),
            without_q=_address(chosen, ""),
        )

    @get("/cases/{case_id:str}", sync_to_thread=True)
    def case(self, case_id: FromPath[str], searcher: NamedDependency[Searcher]) -> Template:
        stored = searcher.store.case(case_id)
        return _page("case.html", searcher, stored=stored, case=stored.case, similar=searcher.similar(case_id))

    @get("/categories", sync_to_thread=True)
    def categories(self, searcher: NamedDependency[Searcher]) -> Template:
        return _page("categories.html", searcher, categories=catalogue.list_categories(searcher.store))

    @get("/categories/{category_id:str}", sync_to_thread=True)
    def category(self, category_id: FromPath[str], searcher: NamedDependency[Searcher]) -> Template:
        return _page("category.html", searcher, category=catalogue.category_detail(searcher.store, category_id))

    @get("/strategies", sync_to_thread=True)
    def strategies(self, searcher: NamedDependency[Searcher]) -> Template:
        return _page("strategies.html", searcher, strategies=catalogue.list_strategies(searcher.store))

    @get("/strategies/{strategy_id:str}", sync_to_thread=True)
    def strategy(self, strategy_id: FromPath[str], searcher: NamedDependency[Searcher]) -> Template:
        store = searcher.store
        stored = store.strategy(strategy_id)
        links = store.links(strategy_id=strategy_id)
        titles = {link.case_id: store.case(link.case_id).case.meta.title for link in links}
        return _page("strategy.html", searcher, strategy=stored.strategy, links=links, titles=titles)


def _results(searcher: Searcher, description: str, filters: Filters) -> Template:
    problem: QueryError | None = None
    answer: Answer | None = None
    status_code = HTTP_200_OK
    try:
        answer = searcher.search(description, filters=filters)
        log_search(answer, len(description))
    except QueryError as error:  # shown beside the form, so that the text is not lost
        problem, status_code = error, STATUS[type(error)]
    return _page(
        "results.html", searcher, status_code=status_code, description=description, filters=filters, answer=answer, problem=problem
    )


def _counts(store: Store, filters: Filters, q: str) -> dict[str, Counter[str]]:
    """Return facet → value → number of cases with the value. A facet's own choice is left out, since another value would join it."""
    every = catalogue.list_cases(store, filters, q)
    counts = {}
    for facet in BROWSED:
        narrowed = bool(getattr(filters, facet))
        cases = catalogue.list_cases(store, msgspec.structs.replace(filters, **{facet: ()}), q) if narrowed else every
        counts[facet] = Counter(value for stored in cases for value in case_facets(stored)[facet])
    return counts


def _chosen(filters: Filters) -> _Pairs:
    """Return (facet, value) for everything that is filtered by."""
    values = {facet: getattr(filters, facet) for facet in Filters.__struct_fields__}
    return [
        (facet, "false" if each is False else str(each))
        for facet, its in values.items()
        if its not in (None, True)
        for each in (its if isinstance(its, tuple) else (its,))
    ]


def _address(chosen: _Pairs, q: str) -> str:
    """Return the address of the browse page with these filters and keywords."""
    query = urlencode([("q", q)] * bool(q) + chosen)
    return f"/cases?{query}" if query else "/cases"


def _toggler(chosen: _Pairs, q: str) -> Callable[[str, str], str]:
    """Return a function (facet, value) → address of the browse page with that value switched on or off."""

    def toggled(facet: str, value: str) -> str:
        others = [pair for pair in chosen if pair != (facet, value)]
        return _address(others if len(others) < len(chosen) else [*chosen, (facet, value)], q)

    return toggled
