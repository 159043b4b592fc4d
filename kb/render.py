"""Case or Strategy → canonical Markdown: `render(parse(text)) == text` for canonical files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import yaml

from kb.case import FRONT_MATTER, INFERRED, Case, CaseMeta, Event, Item, Prose, Source, Strategy, StrategyMeta


def render_case(case: Case) -> str:
    """Return the canonical file of a case."""
    parts = [
        _front(case.meta),
        _section("Undertaking", _prose(case.undertaking)),
        _section("Is this you?", _items(case.likenesses)),
        _section("What happened", [*_prose(case.story), *_timeline(case.timeline)]),
        _section("Impact", _items(case.impact)),
        _section("Symptoms", _items(case.symptoms)),
        _section("What went wrong", _items(case.factors)),
        _section("Lessons", _items(case.lessons)),
        _section("Prevention", _items(case.prevention)),
        _section("Disputed", _items(case.disputed)),
        "".join(f"{_source(source)}\n" for source in case.sources),
    ]
    return "\n".join(part for part in parts if part)


def render_strategy(strategy: Strategy) -> str:
    """Return the canonical file of a strategy."""
    steps = [f"{number}. {_item(item)}" for number, item in enumerate(strategy.steps, 1)]
    parts = [
        _front(strategy.meta),
        _section("What to do", ["\n".join(steps)] if steps else []),
        _section("Signs it is missing", _items(strategy.missing_signs)),
        _section("Done when", _items(strategy.done_when)),
        _section("Limits", _prose(strategy.limits)),
    ]
    return "\n".join(part for part in parts if part)


def _front(meta: CaseMeta | StrategyMeta) -> str:
    lines = ["---"]
    for item in FRONT_MATTER[type(meta)].values():
        value = getattr(meta, item.name)
        if item.required or value not in (None, ()) or item.name in {"organisation", "country", "years", "systems"}:
            lines.append(f"{item.name}: {_scalar(value, item.name)}")
    return "\n".join([*lines, "---"]) + "\n"


def _scalar(value: str | tuple[str, ...] | None, name: str) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml(each) for each in value)}]"
    if name == "years" and isinstance(value, str) and value.isdigit():
        return value
    return _yaml(value)


@cache
def _yaml(value: str | None) -> str:
    """Return a scalar as YAML; cached, since the same few terms stand in every file."""
    # In a flow list even a plain scalar must be quoted when it holds , [ ] { }: dumping it inside a list decides that.
    dumped = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=float("inf"))
    return dumped.strip()[1:-1]


def _section(name: str, blocks: list[str]) -> str:
    return f"## {name}\n\n" + "\n\n".join(blocks) + "\n" if blocks else ""


def _prose(paragraphs: Iterable[Prose]) -> list[str]:
    return [paragraph.text for paragraph in paragraphs]


def _items(items: Iterable[Item]) -> list[str]:
    lines = [f"- {_item(item)}" for item in items]
    return ["\n".join(lines)] if lines else []


def _item(item: Item) -> str:
    if item.strategy:
        lead = f"[{item.lead}](../strategies/{item.strategy}.md)" + (":" if item.text else "")
    else:
        lead = f"**{item.lead}**" if item.lead else ""
    return " ".join(part for part in (lead, item.text, f"`{item.tag}`" if item.tag else "", _refs(item.sources)) if part)


def _timeline(events: Iterable[Event]) -> Iterator[str]:
    lines = [f"- {event.when}: {event.text}{' ' * bool(event.sources)}{_refs(event.sources)}" for event in events]
    if lines:
        yield "\n".join(lines)


def _refs(sources: Iterable[str]) -> str:
    return "".join(f"[^{source}]" for source in sources)


def _source(source: Source) -> str:
    if source.id == INFERRED:
        return f"[^{source.id}]: {source.title}"
    title = re.sub(r"([\[\]\\])", r"\\\1", source.title)
    url = f"<{source.url}>" if re.search(r"[()\s]", source.url) else source.url
    details = "".join(f", {part}" for part in (source.publisher, source.date) if part)
    return f"[^{source.id}]: [{title}]({url}){details}. {source.kind}"
