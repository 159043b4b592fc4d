"""The map page, and the user's project on it."""

from __future__ import annotations

import math
from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter
from litestar.response import Template
from litestar.status_codes import HTTP_200_OK

from api.landscape import landscape, place
from api.pages import SearchForm, read_search_form
from api.problems import STATUS
from api.routes import logged_search
from api.showing import page
from indexer.answer import Answer
from indexer.searcher import DEFAULT_LIMIT, Searcher
from kb.errors import QueryError
from kb.records import Filters


class MapController(Controller):
    include_in_schema = False
    path = "/map"

    @get(sync_to_thread=True)
    def show(
        self,
        searcher: NamedDependency[Searcher],
        facets: NamedDependency[Filters],
        q: Annotated[str, QueryParameter(max_length=2000)] = "",
    ) -> Template:
        return _map(searcher, q, facets) if q.strip() else _page(searcher)

    @post(status_code=HTTP_200_OK, sync_to_thread=True, dependencies={"form": Provide(read_search_form)})
    def show_project(self, form: NamedDependency[SearchForm], searcher: NamedDependency[Searcher]) -> Template:
        return _map(searcher, form.description, form.filters())


def _map(searcher: Searcher, description: str, filters: Filters) -> Template:
    problem: QueryError | None = None
    answer: Answer | None = None
    status_code = HTTP_200_OK
    try:
        answer = logged_search(searcher, description, filters, DEFAULT_LIMIT)
    except QueryError as error:  # shown beside the form, so that the text is not lost
        problem, status_code = error, STATUS[type(error)]
    return _page(
        searcher,
        status_code=status_code,
        description=description,
        answer=answer,
        problem=problem,
        placed=place(searcher, answer.cases) if answer else None,
    )


def _page(searcher: Searcher, *, status_code: int = HTTP_200_OK, **context: object) -> Template:
    shown = landscape(searcher)
    most = max((count for counts in shown.heat.values() for count in counts.values()), default=1)

    def level(count: int) -> int:
        """Return 1 to 5; by the root, since a few fields hold most of the cases."""
        return math.ceil(5 * math.sqrt(count / most))

    return page("map.html", searcher, status_code=status_code, map=shown, level=level, **context)
