"""The HTTP API under /api/v1: handlers translate, nothing more."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from api import catalogue
from api.feed import atom_feed
from api.library import Library
from api.parameters import PageNumber, PageSize, bounded, chosen
from api.schemas import (
    CaseDetail,
    CaseSummary,
    CategoryDetail,
    CategorySummary,
    ExplainRequest,
    Health,
    Page,
    Problem,
    SearchRequest,
    Statement,
    StrategyDetail,
    StrategySummary,
)
from api.showing import told_of
from indexer.answer import Answer, SimilarCase
from indexer.explanation import Explanation
from indexer.searcher import Searcher
from kb.errors import PremortemError
from kb.records import Filters
from kb.taxonomy import Taxonomy

T = TypeVar("T")
_log = logging.getLogger("premortem")


PROBLEMS = {
    status: ResponseSpec(Problem, generate_examples=False, description=description, media_type="application/problem+json")
    for status, description in {
        400: "The request cannot be used; the answer names a parameter that is wrong, and the nearest of one that is unknown.",
        404: "No such case, strategy or category.",
        422: "A filter or parameter value cannot be used; the answer names the nearest.",
        503: "There is no index that can answer.",
    }.items()
}
LIST_PROBLEMS = {status: PROBLEMS[status] for status in (400, 422, 503)}
SEARCH_PROBLEMS = {
    **LIST_PROBLEMS,
    413: ResponseSpec(Problem, generate_examples=False, description="The description is too long.", media_type="application/problem+json"),
}


def logged_search(searcher: Searcher, description: str, filters: Filters, limit: int) -> Answer:
    """Search, and log length and timing of it, never its text."""
    started = time.perf_counter()
    answer = searcher.search(description, filters=bounded(filters), limit=limit)
    took_ms = (time.perf_counter() - started) * 1000
    _log.info("search: %d characters, %s, %d cases, %.1f ms", len(description), answer.verdict, len(answer.cases), took_ms)
    return answer


def paged(items: Sequence[T], page: int, page_size: int) -> Page[T]:
    start = (page - 1) * page_size
    return Page(items=list(items[start : start + page_size]), total=len(items), page=page, page_size=page_size)


class SearchController(Controller):
    path = "/search"
    tags = ["search"]

    @post("/", operation_id="Search", responses=SEARCH_PROBLEMS, status_code=HTTP_200_OK, sync_to_thread=True)
    def search(self, data: JSONBody[SearchRequest], searcher: NamedDependency[Searcher]) -> Answer:
        """Answer a project description with precedents, reasons, strategies and signs. Nothing of it is stored."""
        return logged_search(searcher, data.description, data.filters, data.limit)

    @get("/", operation_id="SearchShort", responses=SEARCH_PROBLEMS, sync_to_thread=True)
    def search_short(
        self,
        q: Annotated[str, QueryParameter(max_length=2000, description="A short description; POST longer or confidential ones.")],
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 10,
    ) -> Answer:
        """Answer a short description given in the address."""
        return logged_search(searcher, q, facets, limit)

    @post(
        "/explain",
        operation_id="ExplainSearch",
        responses={**SEARCH_PROBLEMS, 404: PROBLEMS[404]},
        status_code=HTTP_200_OK,
        sync_to_thread=True,
    )
    def explain(self, data: JSONBody[ExplainRequest], searcher: NamedDependency[Searcher]) -> Explanation:
        """Tell how the score of one case came about: parts, fusion, calibration, words and sentences that met."""
        return searcher.explain(data.description, data.case)


class CaseController(Controller):
    path = "/cases"
    tags = ["cases"]

    @get("/", operation_id="ListCases", responses=LIST_PROBLEMS, sync_to_thread=True)
    def list_cases(
        self,
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        q: Annotated[str, QueryParameter(max_length=200, description="Keywords, any of which must occur.")] = "",
        page: PageNumber = 1,
        page_size: PageSize = 50,
    ) -> Page[CaseSummary]:
        """List the cases that satisfy the filters, by title, or best first when keywords are given."""
        found = paged(catalogue.case_rows(searcher.store, facets, q), page, page_size)
        cases = [CaseSummary.of(stored) for stored in searcher.store.cases(found.items)]
        return Page(items=cases, total=found.total, page=page, page_size=page_size)

    @get("/{case_id:str}", operation_id="GetCase", responses=PROBLEMS, sync_to_thread=True)
    def get_case(self, case_id: FromPath[str], searcher: NamedDependency[Searcher]) -> CaseDetail | Response[str]:
        """Return one case; as its Markdown file when the id ends in `.md`."""
        if case_id.endswith(".md"):
            markdown = searcher.store.case(case_id.removesuffix(".md")).markdown
            return Response(markdown, media_type="text/markdown")
        return CaseDetail.of(searcher.store.case(case_id))

    @get("/{case_id:str}/similar", operation_id="SimilarCases", responses=PROBLEMS, sync_to_thread=True)
    def similar_cases(
        self,
        case_id: FromPath[str],
        searcher: NamedDependency[Searcher],
        limit: Annotated[int, QueryParameter(ge=1, le=50)] = 5,
    ) -> list[SimilarCase]:
        """Return the cases most like one, with the statements of both that are most alike."""
        return list(searcher.similar(case_id, limit=limit))


class CategoryController(Controller):
    path = "/categories"
    tags = ["categories"]

    @get("/", operation_id="ListCategories", responses=PROBLEMS, sync_to_thread=True)
    def list_categories(self, searcher: NamedDependency[Searcher]) -> list[CategorySummary]:
        """List the categories of contributing factors with the number of their cases."""
        return catalogue.list_categories(searcher.store)

    @get("/{category_id:str}", operation_id="GetCategory", responses=PROBLEMS, sync_to_thread=True)
    def get_category(self, category_id: FromPath[str], searcher: NamedDependency[Searcher]) -> CategoryDetail:
        """Return a category with its cases, factors, lessons and strategies."""
        return catalogue.category_detail(searcher.store, category_id)


class StrategyController(Controller):
    path = "/strategies"
    tags = ["strategies"]

    @get("/", operation_id="ListStrategies", responses=LIST_PROBLEMS, sync_to_thread=True)
    def list_strategies(
        self,
        searcher: NamedDependency[Searcher],
        phase: Annotated[str, QueryParameter(description="When to act.")] = "",
        category: Annotated[str, QueryParameter(description="A category it addresses.")] = "",
    ) -> list[StrategySummary]:
        """List prevention strategies in order of phase, the most linked first within one."""
        # Refuses a value that there is none of, as every other list does.
        searcher.store.filter_rows(Filters(phase=chosen([phase]), category=chosen([category])))
        return catalogue.list_strategies(searcher.store, phase=phase or None, category=category or None)

    @get("/{strategy_id:str}", operation_id="GetStrategy", responses=PROBLEMS, sync_to_thread=True)
    def get_strategy(self, strategy_id: FromPath[str], searcher: NamedDependency[Searcher]) -> StrategyDetail | Response[str]:
        """Return one strategy with every case that points at it; as its Markdown file when the id ends in `.md`."""
        store = searcher.store
        if strategy_id.endswith(".md"):
            return Response(store.strategy(strategy_id.removesuffix(".md")).markdown, media_type="text/markdown")
        return StrategyDetail.of(store.strategy(strategy_id), store.links(strategy_id=strategy_id), store.unsearchable)


class StatementController(Controller):
    tags = ["statements"]

    @get("/lessons", operation_id="ListLessons", responses=LIST_PROBLEMS, sync_to_thread=True)
    def list_lessons(
        self, searcher: NamedDependency[Searcher], facets: NamedDependency[Filters], page: PageNumber = 1, page_size: PageSize = 50
    ) -> Page[Statement]:
        """List the lessons of the cases that satisfy the filters; withdrawn and superseded cases have none to tell."""
        return paged(catalogue.statements(searcher.store, "lessons", facets), page, page_size)

    @get("/symptoms", operation_id="ListSymptoms", responses=LIST_PROBLEMS, sync_to_thread=True)
    def list_symptoms(
        self, searcher: NamedDependency[Searcher], facets: NamedDependency[Filters], page: PageNumber = 1, page_size: PageSize = 50
    ) -> Page[Statement]:
        """List the early-warning signs of the cases that satisfy the filters; `phase` is the one in which the sign shows.

        Withdrawn and superseded cases have none to tell.
        """
        return paged(catalogue.symptoms(searcher.store, facets), page, page_size)

    @get("/terms", operation_id="ListTerms", responses=PROBLEMS, sync_to_thread=True)
    def list_terms(self, searcher: NamedDependency[Searcher]) -> Taxonomy:
        """Return every vocabulary with its terms."""
        return searcher.store.taxonomy


class FeedController(Controller):
    path = "/feed.atom"
    tags = ["feeds"]

    @get("/", operation_id="Feed", responses=LIST_PROBLEMS, media_type="application/atom+xml", sync_to_thread=True)
    def feed(
        self,
        request: Request,  # type: ignore[type-arg]
        searcher: NamedDependency[Searcher],
        category: Annotated[str, QueryParameter(description="Only cases with this category of contributing factors.")] = "",
    ) -> bytes:
        """Return the cases changed last as an Atom feed, of all or of one category."""
        store = searcher.store
        cases = catalogue.list_cases(store, Filters(category=chosen([category])))
        name = f": {store.taxonomy.name('category', category)}" if category else ""
        return atom_feed(
            cases,
            title=f"Premortem{name}",
            address=str(request.url),
            site=str(request.base_url).rstrip("/"),
            built_at=searcher.manifest.built_at,
            told_of=lambda stored: told_of(stored.case.meta.status, stored.corpus, searcher),
        )


class HealthController(Controller):
    path = "/health"
    tags = ["health"]

    @get("/live", operation_id="Live", sync_to_thread=False)
    def live(self) -> Health:
        """Tell that the process runs."""
        return Health(status="ok")

    @get("/ready", operation_id="Ready", sync_to_thread=True)
    def ready(self, library: NamedDependency[Library]) -> Response[Health]:
        """Tell whether searches can be answered: 200 with the generation, or 503 with the reason."""
        try:
            manifest = library.searcher().manifest
        except PremortemError as error:
            return Response(Health(status=f"{error}; {error.next_step}"), status_code=HTTP_503_SERVICE_UNAVAILABLE)
        return Response(Health(status="ok", generation=manifest.generation, n_cases=manifest.counts["cases"]))


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_document(request: Request) -> dict[str, Any]:  # type: ignore[type-arg]
    """Return the OpenAPI 3.1 description of this API."""
    return request.app.openapi_schema.to_schema()
