"""A file to start from: what is not known yet is marked TODO, and says what belongs there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from kb.case import INFERRED, TODO, Case, CaseMeta, Item, Prose, Source, Strategy, StrategyMeta

INFERRED_TEXT = "Advice of this knowledge base, inferred from the case."
_MAX_CATEGORIES = 4
_MAX_SLUG = 60
_NO_WORDS = frozenset({"a", "an", "and", "at", "by", "for", "in", "is", "it", "its", "of", "on", "the", "to", "with"})
_SLUG_WORDS = 5

_Meta = TypeVar("_Meta", CaseMeta, StrategyMeta)

_PROSE = {
    "undertaking": "TODO: what was attempted, how big, and what it replaced or connected, in two to five sentences.",
    "story": "TODO: what happened, in order, as your sources tell it.",
}
_ITEMS = {
    "likenesses": Item(text="TODO: the plan as somebody would have put it before it went wrong, in one sentence."),
    "impact": Item(lead="TODO: what it cost, in a few words.", text="TODO: figures as the source gives them."),
    "symptoms": Item(lead="TODO: a sign that could be seen, in a few words.", text="TODO: what there was to see.", tag=TODO),
    "factors": Item(lead="TODO: what made it fail, in a few words.", text="TODO: how it did.", tag=TODO),
    "lessons": Item(lead="TODO: what to do another time, in a few words.", text="TODO: how."),
    "prevention": Item(lead="TODO: what would have changed it, in a few words.", text="TODO: how, here."),
}
_SOURCE = Source(id="s1", title="TODO: title of the source", publisher="TODO: who published it", kind=TODO)


def gaps_of_meta(meta: type[_Meta], **known: Any) -> _Meta:
    """Return front matter in which every required field that is not known, or empty, is TODO."""
    values: dict[str, Any] = {name: value for name, value in known.items() if value not in ("", (), None)}
    for field in msgspec.structs.fields(meta):
        if field.required and field.name not in values:
            values[field.name] = (TODO,) if field.type == tuple[str, ...] else TODO
    return meta(**values)


def with_gaps_marked(case: Case) -> Case:
    """Return the case with a TODO in each section, item and source that lacks what the form asks for.

    Items without a source cite the only one there is; where there are several, nobody but the author knows which.
    Sections that a case may do without are asked for as long as it is a draft.
    """
    sources = case.sources or (_SOURCE,)
    told = [source.id for source in sources if source.id != INFERRED]
    only = (told[0],) if len(told) == 1 else ()
    parts: dict[str, object] = {
        "undertaking": case.undertaking or (Prose(_PROSE["undertaking"] + _refs(only)),),
        "story": case.story or (Prose(_PROSE["story"] + _refs(only)),),
    }
    for name, gap in _ITEMS.items():
        items = getattr(case, name)
        if not items and _may_be_left_out(name, case.meta):
            continue
        cited = () if name == "likenesses" else (INFERRED,) if name == "prevention" and not items else only
        parts[name] = tuple(_filled(item, gap, cited) for item in items or _gaps_for(name, gap, case.meta))
    case = msgspec.structs.replace(case, **parts, sources=tuple(_source(source) for source in sources))
    return _with_inferred(case)


def _may_be_left_out(name: str, meta: CaseMeta) -> bool:
    if name == "factors":
        return meta.outcome == "succeeded"
    return name in {"likenesses", "impact"} and meta.status != "draft"


def _gaps_for(name: str, gap: Item, meta: CaseMeta) -> Sequence[Item]:
    """Return the gaps of an empty section; what went wrong has one for each category that is known."""
    if name == "factors" and TODO not in meta.categories:
        return [msgspec.structs.replace(gap, tag=category) for category in meta.categories]
    return [gap]


def _filled(item: Item, gap: Item, cited: tuple[str, ...]) -> Item:
    return Item(
        lead=item.lead or gap.lead,
        text=item.text or (gap.text if not item.lead or item.strategy else ""),  # a lead may say it all
        tag=item.tag or gap.tag,
        strategy=item.strategy,
        sources=item.sources or cited,
    )


def _refs(sources: Sequence[str]) -> str:
    return "".join(f"[^{source}]" for source in sources)


def _source(source: Source) -> Source:
    if source.id == INFERRED:
        return source
    return msgspec.structs.replace(source, title=source.title or _SOURCE.title, kind=source.kind or _SOURCE.kind)


def _with_inferred(case: Case) -> Case:
    """Return the case with the footnote for advice of ours where an item cites it, and without where none does."""
    items = (*case.impact, *case.symptoms, *case.factors, *case.lessons, *case.prevention, *case.disputed)
    cites = any(INFERRED in item.sources for item in items)
    sources = tuple(source for source in case.sources if source.id != INFERRED)
    if cites:
        sources = (*sources, Source(id=INFERRED, title=INFERRED_TEXT))
    return msgspec.structs.replace(case, sources=sources)


def blank_strategy(strategy_id: str, meta: StrategyMeta) -> Strategy:
    """Return a strategy of which only the front matter is known."""
    return Strategy(
        id=strategy_id,
        meta=meta,
        steps=(Item(lead="TODO: the first step, in a few words.", text="TODO: how to do it."),),
        missing_signs=(Item(text="TODO: what can be seen where nobody does this."),),
        done_when=(Item(text="TODO: what is true when it is done."),),
        limits=(Prose("TODO: what it does not help against, and what it costs."),),
    )


def main_categories(case: Case) -> tuple[str, ...]:
    """Return the categories of the contributing factors, each once, the first four in their order."""
    return tuple(dict.fromkeys(item.tag for item in case.factors if item.tag))[:_MAX_CATEGORIES]


def slug_of(*parts: str | None) -> str:
    """Return a file name, without `.md`, made of the given words; empty when there is none in them.

    `slug_of("A multinational forces one ERP on its regions", "2011-2018")` is `multinational-forces-one-erp-regions-2018`.
    """
    words: list[str] = []
    for part in parts:
        plain = unicodedata.normalize("NFKD", part or "").encode("ascii", "ignore").decode().lower()
        found = [word for word in re.findall(r"[a-z0-9]+", plain.replace("'", "")) if word not in _NO_WORDS]
        words += found[-1:] if re.fullmatch(r"[\d -]+", plain) else found[:_SLUG_WORDS]
    slug = ""
    for word in words:
        if len(slug) + len(word) < _MAX_SLUG:
            slug = f"{slug}-{word}".lstrip("-")
    return slug
