"""The pages people see; every one works without JavaScript."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from litestar.status_codes import HTTP_200_OK

from api import catalogue
from api.browsing import chosen, name_of
from api.checklist import signs_markdown
from api.parameters import each_once
from api.problems import STATUS
from api.routes import logged_search
from api.schemas import CaseSummary
from api.showing import page as show
from api.timeline import timeline
from indexer.answer import Answer
from indexer.description import MAX_CHARACTERS
from indexer.searcher import DEFAULT_LIMIT, Searcher
from kb.errors import QueryError, QueryTooLongError
from kb.records import Filters
from kb.store import Store

EXAMPLES = (
    "We will connect our 20-year-old warehouse management system to a new analytics tool in eight weeks. The tool reads stock in real "
    "time. The people who wrote the old system have left and there is little documentation.",
    "Our council replaces its payroll for 12,000 staff with a hosted suite. All departments switch at the end of March, before the new "
    "pay agreement starts. Training is a half-day online course and the old mainframe is switched off the same weekend.",
)
FACETS = ("industry", "undertaking", "category", "phase", "outcome", "evidence")
"""Facets that the search form offers as filters."""
SHARED_CHARACTERS = 1_000
"""Longest description that is offered as a link to share; mail programs break longer addresses."""
ADDRESS_CHARACTERS = 2_000
"""Longest description that is read from an address; servers and proxies log addresses, so long ones are posted."""


MOST_FIELDS = 1_000
"""Fields read of a form; each filter that its address brought along is one."""


class SearchForm(msgspec.Struct, frozen=True, kw_only=True):
    """The search form as browsers send it."""

    description: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    """Facet and value of each filter; `drafts` is `no` where they are left out."""
    is_widened: bool = False
    """Whether it was sent by a button that takes a filter off, which none of the pairs is any more."""

    @classmethod
    def of(cls, fields: list[tuple[str, str]]) -> SearchForm:
        """Read the fields; an untouched choice is empty, and what is no filter is passed over."""
        sent = dict(fields)
        off = tuple(sent.get("without", "").split("=", 1))
        pairs = [(name, value) for name, value in fields if value and name in Filters.__struct_fields__]
        # Browsers send each line break as two characters, which would make a text of the allowed length too long.
        description = sent.get("description", "").replace("\r\n", "\n")
        return cls(description=description, pairs=tuple(pair for pair in pairs if pair != off), is_widened="without" in sent)

    def filters(self) -> Filters:
        """Return the filters.

        Raises:
            ClientException: a year is none.
        """
        last = dict(self.pairs)
        facets = {name: each_once(value for its, value in self.pairs if its == name) for name in last if name not in _SINGLE}
        years: dict[str, object] = {name: last[name] for name in ("from_year", "to_year") if name in last}
        try:
            return msgspec.convert(years | facets | {"drafts": last.get("drafts") != "no"}, Filters, strict=False)
        except msgspec.ValidationError as error:
            raise ClientException("this is no form that the search page sends") from error


_SINGLE = ("from_year", "to_year", "drafts")
"""Filters of one value; all others are facets, of which any of several will do."""


def unshown(store: Store, filters: Filters) -> list[tuple[str, str, str]]:
    """Return (facet, value, name) for each filter that the search form has no field for, or which is one of several of a facet."""
    pairs = [(facet, value) for facet, value in chosen(filters) if facet != "drafts"]
    several = Counter(facet for facet, _ in pairs)
    return [(facet, value, name_of(store, facet, value)) for facet, value in pairs if facet not in FACETS or several[facet] > 1]


async def read_search_form(request: Request) -> SearchForm:  # type: ignore[type-arg]
    """Return what a browser sent; not by the framework's own reading of forms, which keeps the last thousand bodies in memory.

    Raises:
        ClientException: it is no search form.
    """
    try:
        return SearchForm.of(parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:  # of bytes or of fields
        raise ClientException("this is no form that the search page sends") from error


def _page(name: str, searcher: Searcher, *, status_code: int = HTTP_200_OK, **context: object) -> Template:
    shared = {"examples": EXAMPLES, "facets": FACETS, "most": MAX_CHARACTERS}
    return show(name, searcher, status_code=status_code, **{**shared, **context})


class PageController(Controller):
    include_in_schema = False

    @get("/", sync_to_thread=True)
    def home(self, searcher: NamedDependency[Searcher]) -> Template:
        return _home(searcher, Filters())

    @post("/search", status_code=HTTP_200_OK, sync_to_thread=True, dependencies={"form": Provide(read_search_form)})
    def search(
        self,
        request: Request,  # type: ignore[type-arg]
        form: NamedDependency[SearchForm],
        searcher: NamedDependency[Searcher],
    ) -> Template:
        if form.is_widened and not form.description.strip():
            return _home(searcher, form.filters())
        return _results(searcher, form.description, form.filters(), site=_site(request))

    @get("/search", sync_to_thread=True)
    def search_short(
        self,
        request: Request,  # type: ignore[type-arg]
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        q: Annotated[str, QueryParameter()] = "",
    ) -> Template:
        if not q.strip():
            return _home(searcher, facets)
        return _results(searcher, q, facets, site=_site(request), by_address=True)

    @get("/cases/{case_id:str}", sync_to_thread=True)
    def case(
        self,
        request: Request,  # type: ignore[type-arg]
        case_id: FromPath[str],
        searcher: NamedDependency[Searcher],
    ) -> Template | Response[str]:
        """Show a case; as its Markdown file when the id ends in `.md`."""
        stored = searcher.store.case(case_id.removesuffix(".md"))
        if case_id.endswith(".md"):
            return Response(stored.markdown, media_type="text/markdown")
        return _page(
            "case.html",
            searcher,
            stored=stored,
            case=stored.case,
            events=timeline(stored.case.timeline),
            strategies={each.strategy.id: each.strategy.meta for each in searcher.store.strategies()},
            similar=searcher.similar(case_id),
            site=_site(request),
        )

    @get("/categories", sync_to_thread=True)
    def categories(self, searcher: NamedDependency[Searcher]) -> Template:
        return _page("categories.html", searcher, categories=catalogue.list_categories(searcher.store))

    @get("/categories/{category_id:str}", sync_to_thread=True)
    def category(self, category_id: FromPath[str], searcher: NamedDependency[Searcher]) -> Template:
        category = catalogue.category_detail(searcher.store, category_id)
        by_phase: defaultdict[str, list[CaseSummary]] = defaultdict(list)
        for each in category.cases:
            by_phase[each.phase].append(each)
        supported = catalogue.supported_strategies(searcher.store, category_id)
        lessons = [(title, list(its)) for (_, title), its in groupby(category.lessons, key=lambda each: (each.case, each.case_title))]
        return _page(
            "category.html",
            searcher,
            category=category,
            by_phase=by_phase,
            supported=supported,
            lessons=lessons,
            weighed_most=catalogue.weighs_most(searcher.store, category_id),
        )

    @get("/strategies", sync_to_thread=True)
    def strategies(self, searcher: NamedDependency[Searcher]) -> Template:
        return _page("strategies.html", searcher, strategies=catalogue.list_strategies(searcher.store))

    @get("/strategies/{strategy_id:str}", sync_to_thread=True)
    def strategy(self, strategy_id: FromPath[str], searcher: NamedDependency[Searcher]) -> Template | Response[str]:
        """Show a strategy; as its Markdown file when the id ends in `.md`."""
        store = searcher.store
        stored = store.strategy(strategy_id.removesuffix(".md"))
        if strategy_id.endswith(".md"):
            return Response(stored.markdown, media_type="text/markdown")
        # What a source says before what is inferred.
        links = sorted(store.links(strategy_id=strategy_id), key=lambda link: link.inferred)
        cases = {link.case_id: store.case(link.case_id) for link in links}
        return _page("strategy.html", searcher, strategy=stored.strategy, links=links, cases=cases)


def share_address(description: str, filters: Filters) -> str:
    """Return the address that repeats a search; empty when the description is too long to stand in one."""
    if len(description) > SHARED_CHARACTERS:
        return ""
    return f"/search?{urlencode([('q', description.strip()), *chosen(filters)])}"


def _site(request: Request) -> str:  # type: ignore[type-arg]
    return str(request.base_url).rstrip("/")


def _home(searcher: Searcher, filters: Filters) -> Template:
    return _page("home.html", searcher, description="", filters=filters, unshown=unshown(searcher.store, filters))


def _results(searcher: Searcher, description: str, filters: Filters, *, site: str, by_address: bool = False) -> Template:
    problem: QueryError | None = None
    answer: Answer | None = None
    status_code = HTTP_200_OK
    try:
        if by_address and len(description) > ADDRESS_CHARACTERS:
            raise QueryTooLongError(
                f"the description has {len(description):,} characters, and an address may hold {ADDRESS_CHARACTERS:,}",
                next_step="send it with the button below: then it stands in no address and no log",
            )
        answer = logged_search(searcher, description, filters, DEFAULT_LIMIT)
    except QueryError as error:  # shown beside the form, so that the text is not lost
        problem, status_code = error, STATUS[type(error)]
    return _page(
        "results.html",
        searcher,
        status_code=status_code,
        description=description,
        filters=filters,
        unshown=unshown(searcher.store, filters),
        answer=answer,
        problem=problem,
        signs=signs_markdown(answer, searcher.store.taxonomy, site=site) if answer and answer.signs else "",
        share=share_address(description, filters) if answer else "",
        site=site,
    )
