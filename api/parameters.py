"""Query parameters that several routes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from api.problems import problem_of
from kb.records import Filters
from kb.taxonomy import did_you_mean

Values = Annotated[list[str] | None, QueryParameter(description="May be given more than once; any of the values will do.")]
Year = Annotated[int | None, QueryParameter(ge=1000, le=3000)]
Drafts = Annotated[bool, QueryParameter(description="Whether cases that nobody has reviewed yet are among them.")]
PageNumber = Annotated[int, QueryParameter(ge=1, description="1-based page.")]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]
_LONGEST_NAME = 60
"""Most characters told of an unknown parameter: a whole description may stand where a name should."""
_LONGEST_VALUE = 300
"""Characters read of a filter's value; no term is so long, and no name of a corpus, which is that of a folder."""
_LONGEST_PART = 300
"""Most characters of an address between two slashes; no file is named so long."""


def chosen(values: Iterable[str] | None) -> tuple[str, ...]:
    """Return the values of a facet that are not empty, see `each_once`."""
    return each_once(value for value in values or () if value)


def each_once(values: Iterable[str]) -> tuple[str, ...]:
    """Return each value once, none longer than any term is.

    So the vocabularies bound what is made of them, however often they are repeated, and looking for the nearest of an unknown one is
    quick: of a million characters it would take half a minute.
    """
    return tuple(dict.fromkeys(value[:_LONGEST_VALUE] for value in values))


def bounded(filters: Filters) -> Filters:
    """Return the filters of a body with the values of each facet as `each_once` has them."""
    values = {name: getattr(filters, name) for name in Filters.__struct_fields__}
    return msgspec.structs.replace(filters, **{name: each_once(its) for name, its in values.items() if isinstance(its, tuple)})


def provide_filters(
    industry: Values = None,
    undertaking: Values = None,
    category: Values = None,
    phase: Values = None,
    outcome: Values = None,
    system: Values = None,
    evidence: Values = None,
    decade: Values = None,
    status: Values = None,
    corpus: Values = None,
    from_year: Year = None,
    to_year: Year = None,
    drafts: Drafts = True,
) -> Filters:
    """Gather the facets of a request; empty values, as an untouched form sends them, count as not given."""
    return Filters(
        industry=chosen(industry),
        undertaking=chosen(undertaking),
        category=chosen(category),
        phase=chosen(phase),
        outcome=chosen(outcome),
        system=chosen(system),
        evidence=chosen(evidence),
        decade=chosen(decade),
        status=chosen(status),
        corpus=chosen(corpus),
        from_year=from_year,
        to_year=to_year,
        drafts=drafts,
    )


async def refuse_long_names(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse an address with a name so long that nothing has it, before the nearest is looked for: that takes time by the character.

    Raises:
        NotFoundException: there is one.
    """
    if any(len(part) > _LONGEST_PART for part in connection.scope["path"].split("/")):
        raise NotFoundException


async def refuse_unknown_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a query parameter that an address of the API does not take: a mistyped filter would give an answer to another question.

    Raises:
        ProblemDetailsException: there is one (400); names the nearest of those that the OpenAPI description tells.
    """
    asked = list(connection.query_params)
    known = _told_parameters(connection.app, getattr(handler, "operation_id", None)) if asked else None
    unknown = [name for name in asked if known is not None and name not in known]
    if unknown:
        name = unknown[0][:_LONGEST_NAME]
        next_step = did_you_mean(name, known) if known else "leave it out: this address takes none"
        raise problem_of(400, "unknown-parameter", f"unknown query parameter {name!r}", next_step)


def _told_parameters(app: Litestar, operation_id: object) -> list[str] | None:
    """Return the query parameters that the OpenAPI description tells of an operation, None of one that it does not tell of."""
    for item in (app.openapi_schema.paths or {}).values():
        for operation in (item.get, item.post):
            if operation and operation.operation_id == operation_id:
                return [each.name for each in operation.parameters or () if each.param_in == "query"]  # type: ignore[union-attr]
    return None
