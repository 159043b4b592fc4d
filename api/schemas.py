"""What the API returns beside `indexer.answer`: one Struct a reply."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

from kb.case import Case, Event, Item, Source
from kb.records import Filters, Link, StoredCase, StoredStrategy
from kb.taxonomy import Term
from kb.text import plain

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    items: list[T]
    total: int
    page: int
    """1-based."""
    page_size: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error, as RFC 9457 problem details."""

    type: str
    """E.g. `urn:premortem:bad-filter`."""
    title: str
    status: int
    detail: str
    """What is wrong."""
    next_step: str
    """What to do about it."""


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    description: str
    """Project description, plain text, at most 50,000 characters. It is neither stored nor logged."""
    filters: Filters = Filters()
    limit: int = 10
    """Most cases returned, 1 to 100."""


class ExplainRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    description: str
    """Project description, plain text, at most 50,000 characters. It is neither stored nor logged."""
    case: Annotated[str, msgspec.Meta(max_length=300)]
    """Id of the case whose score is explained."""


class CaseSummary(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    corpus: str
    organisation: str | None
    industry: str
    country: str | None
    years: str | None
    undertaking: str
    categories: tuple[str, ...]
    phase: str
    outcome: str
    systems: tuple[str, ...]
    evidence: str
    status: str
    superseded_by: str | None

    @classmethod
    def of(cls, stored: StoredCase) -> CaseSummary:
        meta = msgspec.structs.asdict(stored.case.meta)
        del meta["x_import"]
        return cls(id=stored.case.id, corpus=stored.corpus, **meta)


class CaseDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A whole case; texts are inline Markdown with footnote references to `sources`."""

    summary: CaseSummary
    undertaking: list[str]
    likenesses: tuple[Item, ...]
    story: list[str]
    timeline: tuple[Event, ...]
    impact: tuple[Item, ...]
    symptoms: tuple[Item, ...]
    factors: tuple[Item, ...]
    lessons: tuple[Item, ...]
    prevention: tuple[Item, ...]
    disputed: tuple[Item, ...]
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, stored: StoredCase) -> CaseDetail:
        case: Case = stored.case
        names = ("likenesses", "timeline", "impact", "symptoms", "factors", "lessons", "prevention", "disputed", "sources")
        return cls(
            summary=CaseSummary.of(stored),
            undertaking=[each.text for each in case.undertaking],
            story=[each.text for each in case.story],
            **{name: getattr(case, name) for name in names},
        )


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson, symptom or other item of a case, out of its page."""

    case: str
    case_title: str
    corpus: str
    status: str
    """Of the case: what a draft states, nobody has reviewed yet."""
    lead: str
    text: str
    tag: str | None
    line: int

    @classmethod
    def of(cls, stored: StoredCase, item: Item) -> Statement:
        return cls(
            case=stored.case.id,
            case_title=stored.case.meta.title,
            corpus=stored.corpus,
            status=stored.case.meta.status,
            lead=plain(item.lead),
            text=plain(item.text),
            tag=item.tag,
            line=item.line,
        )


class StrategySummary(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    phase: str
    roles: tuple[str, ...]
    effort: str
    addresses: tuple[str, ...]
    tools: tuple[str, ...]
    n_cases: int
    """Cases that point at it."""

    @classmethod
    def of(cls, stored: StoredStrategy, n_cases: int) -> StrategySummary:
        meta = stored.strategy.meta
        return cls(
            id=stored.strategy.id,
            title=meta.title,
            phase=meta.phase,
            roles=meta.roles,
            effort=meta.effort,
            addresses=meta.addresses,
            tools=meta.tools,
            n_cases=n_cases,
        )


class StrategyDetail(msgspec.Struct, frozen=True, kw_only=True):
    summary: StrategySummary
    steps: tuple[Item, ...]
    missing_signs: list[str]
    done_when: list[str]
    limits: list[str]
    sources: tuple[str, ...]
    cases: list[Link]
    """Every prevention item that points at it."""

    @classmethod
    def of(cls, stored: StoredStrategy, links: list[Link], unsearchable: frozenset[str]) -> StrategyDetail:
        strategy = stored.strategy
        return cls(
            summary=StrategySummary.of(stored, len({link.case_id for link in links} - unsearchable)),
            steps=strategy.steps,
            missing_signs=[item.text for item in strategy.missing_signs],
            done_when=[item.text for item in strategy.done_when],
            limits=[each.text for each in strategy.limits],
            sources=strategy.meta.sources,
            cases=links,
        )


class CategorySummary(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    definition: str
    examples: tuple[str, ...]
    n_cases: int

    @classmethod
    def of(cls, term: Term, n_cases: int) -> CategorySummary:
        return cls(id=term.id, name=term.name, definition=term.definition, examples=term.examples, n_cases=n_cases)


class CategoryDetail(msgspec.Struct, frozen=True, kw_only=True):
    summary: CategorySummary
    cases: list[CaseSummary]
    factors: list[Statement]
    lessons: list[Statement]
    strategies: list[StrategySummary]
    """Those that address the category, most linked first."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    generation: str | None = None
    n_cases: int | None = None
