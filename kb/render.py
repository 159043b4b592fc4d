"""Case or Strategy → canonical Markdown: `render(parse(text)) == text` for canonical files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

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
        if item.name == "x_import":
            lines += [f"x_import:{line}" if not at else line for at, line in enumerate(_nested(value))] if value else []
        elif item.required or value not in (None, ()) or item.name in {"organisation", "country", "years", "systems"}:
            lines.append(f"{item.name}: {_scalar(value, item.name)}")
    return "\n".join([*lines, "---"]) + "\n"


def _scalar(value: str | tuple[str, ...] | None, name: str) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml(each) for each in value)}]"
    if name == "years" and isinstance(value, str) and value.isdigit():
        return value
    return _yaml(value)


_INDENT = 4
"""A line of dashes indented by less would end the front matter."""
# What may stand in a literal block: the line breaks of Unicode and control characters must be escaped.
_LITERAL = re.compile(r"[\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")


def _nested(value: Any, depth: int = 0) -> list[str]:
    """Return what stands after `key:` or `-` for any value: one line, or an empty or `|` one and indented ones.

    Texts of several lines are literal blocks, so that they can be read and found word for word.
    """
    pad = " " * _INDENT * (depth + 1)
    if isinstance(value, dict) and value:
        parts = [(f"{pad}{_dumped(str(key))}:", _nested(each, depth + 1)) for key, each in value.items()]
        return ["", *(line for key, (first, *rest) in parts for line in (f"{key}{first}", *rest))]
    if isinstance(value, list | tuple) and value:
        items = [_nested(each, depth + 1) for each in value]
        return ["", *(line for first, *rest in items for line in (f"{pad}-{first}", *rest))]
    if isinstance(value, str) and "\n" in value and value.strip("\n") and _LITERAL.fullmatch(value):
        indicator = str(_INDENT) if value[0] in " \n\t" else ""
        chomping = "" if value.endswith("\n") else "-"
        if value.endswith("\n\n"):
            chomping = "+"
        return [f" |{indicator}{chomping}", *(f"{pad}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))]
    return [f" {_dumped(value)}"]


@cache
def _yaml(value: str | None) -> str:
    """Return a scalar as YAML; cached, since the same few terms stand in every file."""
    return _dumped(value)


def _dumped(value: object) -> str:
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
