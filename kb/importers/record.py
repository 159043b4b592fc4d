"""What an importer finds in one post-mortem, before it becomes a draft."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kb.importers.source import UnreadableError
from kb.taxonomy import Taxonomy

STATEMENTS = ("impact", "symptoms", "factors", "lessons", "prevention")
_DEEPEST = 40
_MOST_VALUES = 200_000
_LONGEST_KEY = 150
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x84\x86-\x9f\ufeff]")


@dataclass(slots=True)
class Reference:
    """Where a post-mortem can be read."""

    title: str = ""
    url: str = ""
    publisher: str = ""
    date: str = ""
    kind: str = ""
    """A term of the vocabulary `evidence`; empty when nothing says."""


@dataclass(slots=True)
class Record:
    """One post-mortem. Texts are inline Markdown, one line each; what is not known stays empty."""

    format: str
    file: str
    content: str
    """What the hash of the original is made of."""
    id: str = ""
    """Of the source, if it has any."""
    url: str = ""
    archive_url: str = ""
    title: str = ""
    organisation: str = ""
    country: str = ""
    industry: str = ""
    undertaking_kind: str = ""
    phase: str = ""
    outcome: str = ""
    evidence: str = ""
    categories: list[str] = field(default_factory=list)
    systems: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    """Days on which something of it happened, as written."""
    undertaking: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    timeline: list[tuple[str, str]] = field(default_factory=list)
    """(when, what), `when` as `dates.when` gives it."""
    impact: list[tuple[str, str]] = field(default_factory=list)
    """(lead, text), here and below; the lead may be empty."""
    symptoms: list[tuple[str, str]] = field(default_factory=list)
    factors: list[tuple[str, str]] = field(default_factory=list)
    lessons: list[tuple[str, str]] = field(default_factory=list)
    prevention: list[tuple[str, str]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    rest: dict[str, Any] = field(default_factory=dict)
    """What has no place in a case, word for word."""
    consumed: list[str] = field(default_factory=list)
    """Words that stand in the draft in another form: headings of what was placed, dates. They need not be found again."""
    original: str | None = None
    """All the words of the source, if it is not `content`."""

    @property
    def is_empty(self) -> bool:
        """Whether no section of a case would have any text."""
        return not (self.story or self.undertaking or any(getattr(self, name) for name in STATEMENTS) or len(self.timeline) > 1)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content.encode("utf-8", "replace")).hexdigest()

    def keep(self, group: str, name: str, value: Any) -> None:
        """Keep a value under `x_import`; an earlier one of the same name stays."""
        if value in (None, [], {}) or (value == "" and group != "headings"):
            return
        into = self.rest.setdefault(group, {})
        key, number = name or "(no heading)", 2
        while key in into:
            key, number = f"{name} ({number})", number + 1
        into[key] = value

    @property
    def unmapped(self) -> list[str]:
        """Names of what is kept without a place, for the closing report."""
        return [name for group, values in self.rest.items() for name in (values if isinstance(values, dict) else [group])]


def plain_data(value: Any) -> Any:
    """Return data of a file as what YAML can hold and give back: texts without control characters, keys that are texts.

    Raises:
        UnreadableError: nested too deep, or too many values (references in YAML can multiply them without end).
    """
    budget = [_MOST_VALUES]

    def walk(each: Any, depth: int) -> Any:
        budget[0] -= 1
        if depth > _DEEPEST or budget[0] < 0:
            raise UnreadableError("nested too deep" if depth > _DEEPEST else "holds too many values")
        if isinstance(each, dict):
            result: dict[str, Any] = {}
            for key, its in each.items():
                name = " ".join(plain_text(str(key)).split())
                if len(name) > _LONGEST_KEY:
                    its, name = {"name": name, "value": its}, name[:_LONGEST_KEY]
                number, free = 2, name
                while free in result:
                    free, number = f"{name} ({number})", number + 1
                result[free] = walk(its, depth + 1)
            return result
        if isinstance(each, list | tuple | set | frozenset):
            return [walk(one, depth + 1) for one in each]
        if each is None or isinstance(each, bool | int):
            return each
        if isinstance(each, float):
            return each if each == each and abs(each) != float("inf") else str(each)
        return plain_text(each if isinstance(each, str) else each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each))

    return walk(value, 0)


def plain_text(text: str) -> str:
    return _CONTROL.sub("", _LINE_END.sub("\n", _SURROGATE.sub("\ufffd", text)))


def content_of(value: Any) -> str:
    """Return the canonical JSON of a record: equal records give equal texts, whatever the order of their fields."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


_EMPTY = {
    "",
    "-",
    "--",
    "–",
    "—",
    "n/a",
    "na",
    "none",
    "null",
    "nil",
    "tbd",
    "tba",
    "todo",
    "?",
    "??",
    "???",
    "unknown",
    "...",
    "…",
    "xxx",
    "not applicable",
}


def is_blank(text: str) -> bool:
    """Return whether a text says only that there is nothing."""
    return text.strip().strip(".*_ ").casefold() in _EMPTY


def known_term(taxonomy: Taxonomy, vocabulary: str, word: str) -> str:
    """Return the term a word is the id, an earlier id or the name of; nothing when it is none."""
    slug = re.sub(r"[^a-z0-9]+", "-", word.casefold()).strip("-")
    for term in taxonomy.terms(vocabulary):
        if slug == term.id or slug in term.aliases or word.strip().casefold() == term.name.casefold():
            return term.id
    return ""


def leaves(value: Any) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def keys_of(value: Any) -> Iterator[str]:
    """Yield the name of every field in a value."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key).replace("_", " ")
            yield from keys_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from keys_of(each)
