"""Markdown → Case or Strategy. All rules of the format live here; `read_*` tells every problem, `parse_*` raises them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeVar

import msgspec

from kb._markdown import Block, Document, Section, read_document
from kb.case import FRONT_MATTER, INFERRED, Case, CaseMeta, Event, Item, Prose, Source, Strategy, StrategyMeta
from kb.errors import InvalidCasesError, Problem
from kb.taxonomy import did_you_mean, nearest

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_YEARS = re.compile(r"\d{4}(?:-\d{4})?")
# Bounded, and (?<!\s) before \s*: without these a long run of `[^`, or of blanks, takes quadratic time.
_MAX_LABEL = 200
_REF = re.compile(r"\[\^([^\]\s]{1,200})\]")
SOURCE_LABEL = re.compile(r"s([0-9]{1,4})")
"""Of a footnote that defines a source; pages show its number."""
_TAG = re.compile(r"(?<!\s)\s*`([^`]+)`$")
_LEAD = re.compile(r"\*\*(.+?)\*\*(?:\s+|$)")
_STRATEGY_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]\((?:\.\./)?(?:strategies/)?([^()\s]+)\.md\)(?::\s*|\s+|$)")
_EVENT = re.compile(r"((?:[^:]|:(?=\d))+):\s+(.+)", re.DOTALL)
_SOURCE = re.compile(
    r"\[(?P<title>(?:[^\[\]\\]|\\.)+)\]\((?:<(?P<angle>[^<>]*)>|(?P<url>[^()\s]*))\)"
    r"(?:, (?!\d{4}(?:-\d\d){0,2}\. (?:[a-z-]+|TODO)\Z)(?P<publisher>.+?))?"
    r"(?:, (?P<date>\d{4}(?:-\d\d(?:-\d\d)?)?))?\. (?P<kind>[a-z-]+|TODO)"
)

_Meta = TypeVar("_Meta", CaseMeta, StrategyMeta)

CASE_SECTIONS = {
    "Undertaking": "prose",
    "Is this you?": "items",
    "What happened": "story",
    "Impact": "items",
    "Symptoms": "items",
    "What went wrong": "items",
    "Lessons": "items",
    "Prevention": "items",
    "Disputed": "items",
}
"""Section of a case, in order → what it holds."""
OPTIONAL_SECTIONS = {"Is this you?", "Impact", "Disputed"}
STRATEGY_SECTIONS = {
    "What to do": "numbers",
    "Signs it is missing": "items",
    "Done when": "items",
    "Limits": "prose",
}
_BLOCKS = {"bullets": "a bullet list", "numbers": "a numbered list", "fence": "a code block", "html_block": "an HTML block"}


def place(lines: list[str], line: int, at: str) -> tuple[int, int]:
    """Return line and column of `at` in the paragraph or item that begins at `line`; without it, of the first character there."""
    if at:
        for number in range(line, len(lines) + 1):
            if (found := lines[number - 1].find(at)) >= 0:
                return number, found + 1
            if not lines[number - 1].strip():
                break
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return line, len(text) - len(text.lstrip()) + 1


class _Reader:
    """One file being read: its document and the problems found so far."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.lines = text.split("\n")
        self.problems: list[Problem] = []
        self.document: Document = read_document(text)
        for line in self.document.definitions:
            self.problem(line, "block", "a link definition does not belong here", "write the address in the link itself: [words](address)")

    def problem(self, line: int, rule: str, message: str, advice: str, *, at: str = "") -> None:
        """Note a problem in the place where `at` stands, in this line or those that continue it; else where the line begins."""
        line, column = place(self.lines, line, at)
        self.problems.append(Problem(source=self.source, line=line, column=column, rule=rule, message=message, advice=advice))

    def slug(self) -> str:
        name = PurePosixPath(self.source.replace("\\", "/")).name.removesuffix(".md")
        if not SLUG.fullmatch(name):
            self.problem(1, "file-name", f"{name!r} is not a slug", "name the file like example-company-2019.md")
        return name

    def meta(self, struct: type[_Meta]) -> _Meta:
        """Convert the front matter field by field, so that every wrong field is told at once; what cannot be used is left empty."""
        document = self.document
        fields = FRONT_MATTER[struct]
        values: dict[str, Any] = {name: () if item.type == tuple[str, ...] else "" for name, item in fields.items() if item.required}
        if document.front_error:
            line, message = document.front_error
            self.problem(line, "front-matter", message, "write one `key: value` a line between two lines of ---")
            return struct(**values)
        if not document.front:
            self.problem(1, "front-matter", "no front matter", "begin the file with ---, `title: …` and the other facets, ---")
            return struct(**values)
        for name, raw in document.front.items():
            line = document.front_lines.get(name, 1)
            if name not in fields:
                self.problem(line, "front-matter", f"unknown field `{name}`", did_you_mean(name, list(fields)))
                continue
            value = str(raw) if name == "years" and isinstance(raw, int) and 0 < raw < 10_000 else raw
            if isinstance(value, str) and len(value.strip().splitlines()) != 1:
                self.problem(line, "front-matter", f"`{name}` is empty or longer than one line", "write one line, or null if unknown")
                continue
            try:
                values[name] = msgspec.convert(value, fields[name].type)
            except msgspec.ValidationError as error:
                self.problem(line, "front-matter", f"`{name}`: {error}", "see cases/README.md for the form of each field")
        for name, item in fields.items():
            if item.required and name not in document.front:
                self.problem(1, "front-matter", f"`{name}` is missing", f"add `{name}: …`")
        return struct(**values)

    def sections(self, expected: dict[str, str], optional: set[str]) -> dict[str, Section]:
        """Return the sections by name; tell unknown, missing, empty, repeated and misordered ones."""
        found: dict[str, Section] = {}
        for block in self.document.before:
            self.problem(block.line, "section", "text before the first section", f"move it under `## {next(iter(expected))}`")
        order = list(expected)
        last = -1
        for section in self.document.sections:
            if section.name not in expected:
                self.problem(section.line, "section", f"unknown section `{section.name}`", did_you_mean(section.name, order))
                if (meant := nearest(section.name, order)) and meant not in {each.name for each in self.document.sections}:
                    found.setdefault(meant, section)  # or the section that is misspelt would be told as missing, too
                continue
            if section.name in found:
                self.problem(section.line, "section", f"`{section.name}` stands twice", "join the two")
                continue
            found[section.name] = section
            if order.index(section.name) < last:
                self.problem(section.line, "section", f"`{section.name}` is out of order", f"the order is: {', '.join(expected)}")
            last = max(last, order.index(section.name))
            if not section.blocks:
                self.problem(section.line, "section", f"`{section.name}` is empty", "fill it, or leave an optional section out")
        for at, name in enumerate(order):
            if name not in found and name not in optional:
                later = [found[each] for each in order[at + 1 :] if each in found]
                line = later[0].line if later else self._end()
                where = f" before `## {later[0].name}`" if later else ""
                self.problem(line, "section", f"section `{name}` is missing", f"add `## {name}`{where}")
        return found

    def _end(self) -> int:
        """Return the line after the last section: of the first footnote, or the last of the file."""
        footnotes = [line for _, line, _ in self.document.footnotes]
        return min(footnotes, default=max(1, len(self.lines) - 1))

    def prose(self, section: Section | None) -> tuple[Prose, ...]:
        return tuple(Prose(b.text, b.line) for b in self._blocks(section, "paragraph", "paragraphs"))

    def items(self, section: Section | None, make: Callable[[int, str], Item], *, kind: str = "bullets") -> tuple[Item, ...]:
        form = "a list of `- ` items" if kind == "bullets" else "a list of `1. ` steps"
        return tuple(make(line, text) for b in self._blocks(section, kind, form) for line, text in b.items)

    def story(self, section: Section | None) -> tuple[tuple[Prose, ...], tuple[Event, ...]]:
        """Paragraphs, then the timeline as one list."""
        paragraphs: list[Prose] = []
        events: list[Event] = []
        for block in section.blocks if section else ():
            if block.kind == "bullets":
                events.extend(self._event(line, text) for line, text in block.items)
            elif block.kind == "paragraph" and not events:
                paragraphs.append(Prose(block.text, block.line))
            else:
                self._unexpected(block, "paragraphs first, then one `- date: …` list as timeline")
        return tuple(paragraphs), tuple(events)

    def _event(self, line: int, text: str) -> Event:
        body, sources = _split_sources(text)
        match = _EVENT.fullmatch(body)
        if not match:
            self.problem(line, "timeline", "a timeline entry has no date", "write `- 2018-07: what happened [^s1]`")
            return Event(when="", text=body, sources=sources, line=line)
        return Event(when=match[1].strip(), text=match[2].strip(), sources=sources, line=line)

    def _blocks(self, section: Section | None, kind: str, form: str) -> list[Block]:
        blocks = section.blocks if section else []
        for block in blocks:
            if block.kind != kind:
                self._unexpected(block, form)
        return [block for block in blocks if block.kind == kind]

    def _unexpected(self, block: Block, form: str) -> None:
        name = _BLOCKS.get(block.kind, f"a {block.kind.replace('_', ' ')}")
        rule = "raw-html" if block.kind == "html_block" else "block"
        self.problem(block.line, rule, f"{name} does not belong here", f"write {form}")

    def footnotes(self) -> tuple[Source, ...]:
        sources: list[Source] = []
        for label, line, text in self.document.footnotes:
            if label != INFERRED and not SOURCE_LABEL.fullmatch(label):
                advice = "number the sources: write [^s1], [^s2] and so on, here and wherever it is cited"
                self.problem(line, "source-form", f"[^{label}] is not the label of a source", advice)
            if label in {source.id for source in sources}:
                self.problem(line, "source-form", f"[^{label}] is defined twice", "keep one definition")
            elif label == INFERRED:
                sources.append(Source(id=label, title=text, line=line))
            elif match := _SOURCE.fullmatch(text):
                if not _is_date(date := match["date"] or ""):
                    self.problem(line, "date", f"[^{label}]: there is no day {date}", "write 2019, 2019-05 or 2019-05-31", at=date)
                url = match["angle"] or match["url"] or ""
                if url and not url.startswith(("https://", "http://")):
                    rule = "unsafe-link" if _SCHEME.match(url) and not url.lower().startswith("http") else "source-form"
                    advice = "give one that begins with https://, or none"
                    self.problem(line, rule, f"[^{label}]: {url!r} is no web address", advice, at=url)
                    url = ""
                sources.append(
                    Source(
                        id=label,
                        title=re.sub(r"\\(.)", r"\1", match["title"]),
                        url=url,
                        publisher=match["publisher"] or "",
                        date=match["date"] or "",
                        kind=match["kind"],
                        line=line,
                    )
                )
            else:
                self.problem(
                    line,
                    "source-form",
                    f"[^{label}] is not in the form of a source",
                    "write `[^s1]: [Title](address), Publisher, 2019-05-01. news` (publisher and date where known)",
                )
        return tuple(sources)


def _is_date(text: str) -> bool:
    """Return whether a date, of which month and day may be missing, exists; an empty one does."""
    year, month, day = (*(int(part) for part in text.split("-") if part), 1, 1, 1)[:3]
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def _split_sources(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without the footnotes that end it, and their ids. Read from the end, since from the front it takes quadratic time."""
    labels: list[str] = []
    end = len(text.rstrip())
    while end and text[end - 1] == "]":
        start = text.rfind("[^", max(0, end - _MAX_LABEL - 3), end)
        match = _REF.fullmatch(text, start, end) if start >= 0 else None
        if not match:
            break
        labels.append(match[1])
        end = start
        while end and text[end - 1].isspace():
            end -= 1
    return (text[:end], tuple(reversed(labels))) if labels else (text, ())


def _item(line: int, text: str) -> Item:
    """Read `**Lead.** text `tag` [^s1]`."""
    body, sources = _split_sources(text)
    tag = None
    if match := _TAG.search(body):
        tag, body = match[1], body[: match.start()]
    lead = ""
    if match := _LEAD.match(body):
        lead, body = match[1], body[match.end() :]
    return Item(lead=lead, text=body.strip(), tag=tag, sources=sources, line=line)


def _prevention(line: int, text: str) -> Item:
    """Read `[Lead](../strategies/slug.md): text [^s1]`, or a plain item where no strategy covers it."""
    body, sources = _split_sources(text)
    if match := _STRATEGY_LINK.match(body):
        return Item(lead=match[1], text=body[match.end() :].strip(), strategy=match[2], sources=sources, line=line)
    return _item(line, text)


def _plain(line: int, text: str) -> Item:
    """Read an item that is a sentence of its own: no lead, no tag."""
    body, sources = _split_sources(text)
    return Item(text=body, sources=sources, line=line)


def references(text: str) -> list[str]:
    """Return the footnote ids that inline Markdown refers to, in order."""
    return _REF.findall(text)


def read_case(text: str, *, source: str) -> tuple[Case, list[Problem]]:
    """Read one case study and all that is wrong with its form; what cannot be used is left empty.

    Args:
        text: the whole file.
        source: its name, for messages; the last part without `.md` is the id.
    """
    reader = _Reader(text, source)
    case_id = reader.slug()
    meta = reader.meta(CaseMeta)
    if meta.years is not None and not _is_span(meta.years):
        reader.problem(
            reader.document.front_lines["years"],
            "front-matter",
            f"`years`: {meta.years!r} is not a year or a span",
            "write 2011 or 2011-2018",
        )
        meta = msgspec.structs.replace(meta, years=None)
    if reader.document.front.get("categories") == []:
        reader.problem(
            reader.document.front_lines["categories"], "front-matter", "`categories` is empty", "name one to four, the main one first"
        )
    optional = OPTIONAL_SECTIONS | ({"What went wrong"} if meta.outcome == "succeeded" else set())
    found = reader.sections(CASE_SECTIONS, optional)
    undertaking = reader.prose(found.get("Undertaking"))
    story, timeline = reader.story(found.get("What happened"))
    parts = {
        "likenesses": reader.items(found.get("Is this you?"), _plain),
        "impact": reader.items(found.get("Impact"), _item),
        "symptoms": reader.items(found.get("Symptoms"), _item),
        "factors": reader.items(found.get("What went wrong"), _item),
        "lessons": reader.items(found.get("Lessons"), _item),
        "prevention": reader.items(found.get("Prevention"), _prevention),
        "disputed": reader.items(found.get("Disputed"), _plain),
    }
    sources = reader.footnotes()
    case = Case(id=case_id, meta=meta, undertaking=undertaking, story=story, timeline=timeline, sources=sources, **parts)
    return case, sorted(reader.problems)


def _is_span(years: str) -> bool:
    """Return whether this is a year, or two of which the first is not the later one."""
    first, _, last = years.partition("-")
    return bool(_YEARS.fullmatch(years)) and first <= (last or first)


def read_strategy(text: str, *, source: str) -> tuple[Strategy, list[Problem]]:
    """Read one strategy and all that is wrong with its form; what cannot be used is left empty."""
    reader = _Reader(text, source)
    strategy_id = reader.slug()
    meta = reader.meta(StrategyMeta)
    found = reader.sections(STRATEGY_SECTIONS, set())
    steps = reader.items(found.get("What to do"), _item, kind="numbers")
    missing_signs = reader.items(found.get("Signs it is missing"), _plain)
    done_when = reader.items(found.get("Done when"), _plain)
    limits = reader.prose(found.get("Limits"))
    for label, line, _ in reader.document.footnotes:
        reader.problem(line, "source-form", f"[^{label}]: a strategy has no footnotes", "name sources in the front matter")
    strategy = Strategy(id=strategy_id, meta=meta, steps=steps, missing_signs=missing_signs, done_when=done_when, limits=limits)
    return strategy, sorted(reader.problems)


def parse_case(text: str, *, source: str) -> Case:
    """Return the case in `text`.

    Raises:
        InvalidCasesError: it breaks the format; carries every problem.
    """
    return _or_raise(*read_case(text, source=source))


def parse_strategy(text: str, *, source: str) -> Strategy:
    """Return the strategy in `text`.

    Raises:
        InvalidCasesError: it breaks the format; carries every problem.
    """
    return _or_raise(*read_strategy(text, source=source))


_Read = TypeVar("_Read", Case, Strategy)


def _or_raise(read: _Read, problems: list[Problem]) -> _Read:
    if problems:
        raise InvalidCasesError(problems, next_step="mend the lines listed; the form is told in cases/README.md")
    return read
