"""Query parameters that several routes share."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from kb.store import Filters

Values = Annotated[list[str] | None, QueryParameter(description="May be given more than once; any of the values will do.")]
Year = Annotated[int | None, QueryParameter(ge=1000, le=3000)]
Drafts = Annotated[bool, QueryParameter(description="Whether cases that nobody has reviewed yet are among them.")]
PageNumber = Annotated[int, QueryParameter(ge=1, description="1-based page.")]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]


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

    def chosen(values: list[str] | None) -> tuple[str, ...]:
        return tuple(value for value in values or () if value)

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
