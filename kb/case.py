"""What a case study and a prevention strategy are, once read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

INFERRED = "inferred"
"""The footnote that marks advice of this knowledge base, as opposed to a statement of a source."""
TODO = "TODO"
"""Begins whatever is still to be written: a facet, a tag, a date, a lead, a text."""
DRAFT = "draft"
UNSEARCHABLE = frozenset({"withdrawn", "superseded"})
"""Statuses of cases that stay readable but are no evidence."""


class Prose(msgspec.Struct, frozen=True):
    """One paragraph."""

    text: str
    """Inline Markdown on one line, footnote references included."""
    line: int = 0


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One list item: a lead that states the point alone, then a few sentences."""

    lead: str = ""
    """Inline Markdown without the bold marks or the link around it."""
    text: str = ""
    """Inline Markdown after the lead, without tag and trailing footnotes."""
    tag: str | None = None
    """The phase of a symptom or the category of a contributing factor."""
    strategy: str | None = None
    """Id of the strategy a prevention item points at."""
    sources: tuple[str, ...] = ()
    """Ids of the trailing footnotes."""
    line: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One dated entry of the timeline."""

    when: str
    text: str
    sources: tuple[str, ...] = ()
    line: int = 0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One footnote: where a statement comes from."""

    id: str
    title: str
    url: str = ""
    publisher: str = ""
    date: str = ""
    """YYYY, YYYY-MM or YYYY-MM-DD; empty when unknown."""
    kind: str = ""
    """A term of the vocabulary `evidence`; empty only for `inferred`."""
    line: int = 0


class CaseMeta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Front matter of a case: facets only, in the order in which they are written."""

    title: str
    organisation: str | None = None
    """None: anonymous in the source."""
    industry: str
    country: str | None = None
    years: str | None = None
    """One year or a span such as 2011-2018."""
    undertaking: str
    categories: tuple[str, ...]
    """Categories of the contributing factors, the main one first."""
    phase: str
    """Where it broke."""
    outcome: str
    systems: tuple[str, ...] = ()
    evidence: str
    """The best kind of source the case rests on."""
    status: str
    superseded_by: str | None = None
    x_import: dict[str, Any] | None = None
    """Where an imported draft comes from, and all of it that has no place in a case, word for word."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One documented failure (or, as a counter-example, success)."""

    id: str
    meta: CaseMeta
    undertaking: tuple[Prose, ...]
    """What was attempted."""
    likenesses: tuple[Item, ...] = ()
    """"Is this you?": plans in a planner's own words that this case should meet."""
    story: tuple[Prose, ...] = ()
    timeline: tuple[Event, ...] = ()
    impact: tuple[Item, ...] = ()
    symptoms: tuple[Item, ...] = ()
    factors: tuple[Item, ...] = ()
    lessons: tuple[Item, ...] = ()
    prevention: tuple[Item, ...] = ()
    disputed: tuple[Item, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def is_searchable(self) -> bool:
        """False for a withdrawn or superseded case."""
        return self.meta.status not in UNSEARCHABLE

    def years_span(self) -> tuple[int, int] | None:
        """First and last year of the case, or None when unknown."""
        if not self.meta.years:
            return None
        first, _, last = self.meta.years.partition("-")
        return int(first), int(last or first)


class StrategyMeta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Front matter of a strategy."""

    title: str
    phase: str
    """When to act."""
    roles: tuple[str, ...]
    """Who acts."""
    effort: str
    addresses: tuple[str, ...]
    """Categories of contributing factors that it works against."""
    tools: tuple[str, ...] = ()
    """Named products; naming is not endorsement."""
    sources: tuple[str, ...] = ()
    """Where the advice was first found: title and publisher."""


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """One way to prevent failures, shared by all cases that point at it."""

    id: str
    meta: StrategyMeta
    steps: tuple[Item, ...]
    missing_signs: tuple[Item, ...]
    done_when: tuple[Item, ...]
    limits: tuple[Prose, ...]


def items_of(case: Case) -> Iterator[tuple[str, Item]]:
    """Yield (kind, item) for every list item of a case, in file order."""
    for kind in ITEM_KINDS:
        for item in getattr(case, ITEM_KINDS[kind]):
            yield kind, item


def is_gap(text: str) -> bool:
    """Return whether something is still to be written here."""
    return text.startswith(TODO)


def without_gaps(case: Case) -> Case:
    """Return a draft as readers and the index see it: nothing where TODO stands, and no `x_import`. Other cases stay as they are."""
    if case.meta.status != DRAFT:
        return case
    facets = {
        name: _known(getattr(case.meta, name)) for name, item in FRONT_MATTER[CaseMeta].items() if item.type in (str, tuple[str, ...])
    }
    meta = msgspec.structs.replace(case.meta, **facets | {"title": case.meta.title}, x_import=None)
    return msgspec.structs.replace(
        case,
        meta=meta,
        undertaking=tuple(each for each in case.undertaking if not is_gap(each.text)),
        story=tuple(each for each in case.story if not is_gap(each.text)),
        timeline=tuple(
            msgspec.structs.replace(event, when=event.when.removeprefix(TODO).strip()) for event in case.timeline if not is_gap(event.text)
        ),
        **{field: tuple(_known_items(getattr(case, field))) for field in ITEM_KINDS.values()},
    )


_Facet = TypeVar("_Facet", str, tuple[str, ...])


def _known(value: _Facet) -> _Facet:
    if isinstance(value, tuple):
        return tuple(each for each in value if not is_gap(each))
    return "" if is_gap(value) else value


def _known_items(items: Iterable[Item]) -> Iterator[Item]:
    for item in items:
        lead, text = _known(item.lead), _known(item.text)
        if lead or text:
            yield msgspec.structs.replace(item, lead=lead, text=text, tag=_known(item.tag or "") or None)


FRONT_MATTER = {struct: {field.name: field for field in msgspec.structs.fields(struct)} for struct in (CaseMeta, StrategyMeta)}
"""Fields of each front matter, in the order in which they are written."""
ITEM_KINDS = {
    "likeness": "likenesses",
    "impact": "impact",
    "symptom": "symptoms",
    "factor": "factors",
    "lesson": "lessons",
    "prevention": "prevention",
    "disputed": "disputed",
}
"""Kind of an item → field of Case that holds it."""
