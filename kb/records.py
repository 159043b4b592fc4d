"""What a store holds: records of cases, passages, strategies and links, and the facets by which cases are found."""

from __future__ import annotations

from typing import Annotated

import msgspec

from kb.case import Case, Strategy


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """The unit that is embedded: one statement of a case, or a whole case."""

    case_id: str
    kind: str
    """`undertaking`, `likeness`, `symptom`, `factor`, `lesson`, `prevention`; `story` of a draft without undertaking."""
    line: int
    """1-based line in the case's file."""
    lead: str = ""
    text: str
    """Verbatim inline Markdown of the statement, footnotes and lead left out; the lead where there is nothing else."""
    tag: str | None = None
    """Phase of a symptom, category of a factor, strategy of a prevention item."""
    embedded: str
    """The text that was embedded."""


class StoredCase(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    """Row of the case among the case vectors."""
    corpus: str
    path: str
    """Address of the file inside its corpus."""
    markdown: str
    sha256: str
    """Of the file."""
    updated: str
    """When this index first held the file as it is; ISO 8601, UTC."""
    case: Case


class StoredStrategy(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    corpus: str
    markdown: str
    strategy: Strategy


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A prevention item of a case that points at a strategy."""

    case_id: str
    strategy_id: str
    line: int
    text: str
    inferred: bool
    """True when the item is advice of this knowledge base rather than of a source."""


FIRST_YEAR, LAST_YEAR = 1000, 3000
"""What a filter by year may ask for."""
Year = Annotated[int, msgspec.Meta(ge=FIRST_YEAR, le=LAST_YEAR)]


class Filters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facets a case must have; within one facet any of the values will do."""

    industry: tuple[str, ...] = ()
    undertaking: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    decade: tuple[str, ...] = ()
    """Such as 2010s: cases that lie in it at least in part."""
    status: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    from_year: Year | None = None
    """Cases that ended in this year or later."""
    to_year: Year | None = None
    """Cases that began in this year or earlier."""
    drafts: bool = True
    """Whether cases that nobody has reviewed yet are among them."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) not in ((), None) for name in self.__struct_fields__ if name != "drafts") or not self.drafts


def case_facets(stored: StoredCase) -> dict[str, tuple[str, ...]]:
    """Return the facet values a case can be filtered by."""
    meta = stored.case.meta
    facets = {
        "industry": (meta.industry,),
        "undertaking": (meta.undertaking,),
        "category": meta.categories,
        "phase": (meta.phase,),
        "outcome": (meta.outcome,),
        "system": meta.systems,
        "evidence": (meta.evidence,),
        "decade": _decades(stored.case.years_span()),
        "status": (meta.status,),
        "corpus": (stored.corpus,),
    }
    return {facet: tuple(value for value in values if value) for facet, values in facets.items()}


def _decades(span: tuple[int, int] | None) -> tuple[str, ...]:
    return tuple(f"{year}s" for year in range(span[0] // 10 * 10, span[1] + 1, 10)) if span else ()
