"""Lists of links with a few sentences each: one paragraph an entry under a category, or one bullet with `involved` and `impact`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kb.importers.record import Record, Reference
from kb.importers.sections import split_sections
from kb.importers.source import SourceFile, UnreadableError

_ENTRY = re.compile(
    r"\[(?P<name>(?:[^\[\]]|\[[^\[\]]*\])+)\]\((?P<url>https?://[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)\s*[.:,–—-]*\s*(?P<text>.*)", re.DOTALL
)
_BULLET = re.compile(r"(\s*)[-*+]\s+(.*)")
_WAYBACK = re.compile(r"https?://web\.archive\.org/web/[^/]+/(.+)")
_LEAST = 3
_MOST_TITLE = 120


class _Entry(NamedTuple):
    heading: str
    text: str
    below: tuple[str, ...]
    is_bullet: bool


class LinksImporter:
    name = "links"

    def recognises(self, file: SourceFile) -> bool:
        if "](http" not in file.text:
            return False
        chunks = list(_chunks(file.text))
        entries = [chunk for chunk in chunks if _is_entry(chunk)]
        return len(entries) >= _LEAST and len(entries) * 2 > len(chunks)

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        number = others = 0
        for chunk in _chunks(file.text):
            if not _is_entry(chunk):
                others += 1
                continue
            number += 1
            record = self._record(file, chunk, number)
            yield UnreadableError(f"entry {number} ({record.title}) has no text beside its link") if record.is_empty else record
        if not number:
            raise UnreadableError("no list of links")
        if others:
            file.notes.append(f"{file.name}: {others} paragraph{'s' * (others != 1)} beside the entries left out")

    def _record(self, file: SourceFile, chunk: _Entry, number: int) -> Record:
        match = _ENTRY.match(chunk.text)
        assert match
        name, url, text = " ".join(match["name"].split()), match["url"], " ".join(match["text"].split())
        record = Record(self.name, f"{file.name}#{number}", "\n".join((chunk.heading, chunk.text, *chunk.below)), url=url)
        record.original = " ".join((match["name"], text, *chunk.below, chunk.heading))
        if archived := _WAYBACK.match(url):
            record.url, record.archive_url = archived[1], url
        parts = [part.strip() for part in name.split(" - ")]
        if chunk.is_bullet and len(parts) >= 3:  # title - organisation - kind and year
            record.title, record.organisation = " - ".join(parts[:-2]), parts[-2]
            record.keep("fields", "kind", parts[-1])
            record.dates = re.findall(r"\b(?:19|20)\d\d\b", parts[-1])
        elif chunk.is_bullet:
            record.title = name
        else:
            record.organisation = name
            first = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0].rstrip(".")
            first = re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", first)
            record.title = f"{name}: {first}" if first and len(first) <= _MOST_TITLE else name
        if text:
            record.story.append(text)
        for line in chunk.below:
            self._detail(record, line)
        record.references = [Reference(title=name, url=url, publisher=record.organisation)]
        record.keep("fields", "category", chunk.heading)
        record.consumed += ["impact", "involved"]
        return record

    @staticmethod
    def _detail(record: Record, line: str) -> None:
        name, _, value = line.partition(":")
        if name.strip().lower() == "impact" and value.strip():
            record.impact.append(("", value.strip()))
        elif name.strip().lower() == "involved" and value.strip():
            record.systems = [part.strip(" `") for part in value.split(",")]
            record.keep("fields", "involved", value.strip())
        else:
            record.story.append(line)


def _is_entry(chunk: _Entry) -> bool:
    return bool(_ENTRY.match(chunk.text))


def _chunks(text: str) -> Iterator[_Entry]:
    """Yield paragraphs, and top bullets with what stands under them."""
    for section in split_sections(text).sections:
        heading, kind = section.heading, ""
        lines: list[str] = []
        below: list[str] = []
        for line in [*section.lines, "", "\0"]:
            match = _BULLET.match(line)
            begins = line == "\0" or (match and (kind != "bullet" or len(match[1]) < 2)) or (not line.strip() and kind == "paragraph")
            if begins and lines:
                yield _Entry(heading, "\n".join(lines), tuple(below), is_bullet=kind == "bullet")
                lines, below, kind = [], [], ""
            if match and begins:
                kind, lines = "bullet", [match[2]]
            elif match:
                below.append(match[2].strip())
            elif line.strip() and line != "\0":
                kind = kind or "paragraph"
                if below:
                    below[-1] += f" {line.strip()}"
                else:
                    lines.append(line.strip())
