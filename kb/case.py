"""What a case study and a prevention strategy are, once read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

INFERRED = "inferred"
"""The footnote that marks advice of this knowledge base, as opposed to a statement of a source."""


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
        """False for a withdrawn or superseded case: it stays readable but is no evidence."""
        return self.meta.status not in {"withdrawn", "superseded"}

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
