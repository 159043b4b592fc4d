"""Entries of icco/postmortems: Markdown with a fixed front matter."""

from __future__ import annotations

from collections.abc import Iterator

from kb.importers.fields import first_text, words_of
from kb.importers.markdown import split_front
from kb.importers.prose import fill_prose
from kb.importers.record import Record, Reference
from kb.importers.source import SourceFile, UnreadableError

_MARKS = {"uuid", "url", "company", "product", "categories"}
_CATEGORIES = {"config-change": "unsafe-change", "security": "security-weakness"}
"""Their categories that are ours under another name; `cascading-failure` is the same, the others say less than ours."""


class IccoImporter:
    name = "icco"

    def recognises(self, file: SourceFile) -> bool:
        front, _ = split_front(file.text) if file.text.lstrip("\n").startswith("---") else (None, "")
        return front is not None and "uuid" in front and len(_MARKS & set(front)) >= 3

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        front, body = split_front(file.text)
        if front is None or not _MARKS & set(front):
            raise UnreadableError("no front matter of icco/postmortems")
        record = Record(self.name, file.name, file.sha256, original=file.text)
        record.id, record.url, record.archive_url = (first_text(front, name) for name in ("uuid", "url", "archive_url"))
        record.organisation = first_text(front, "company")
        named = " ".join(part for part in (record.organisation, first_text(front, "product")) if part)
        record.title = first_text(front, "title") or named or file.stem
        record.dates = [day for name in ("start_time", "end_time") if (day := first_text(front, name))]
        if summary := first_text(front, "summary"):
            record.story.append(summary)
        fill_prose(record, body)
        for word in words_of(front.get("categories") or []):
            record.categories.append(_CATEGORIES.get(word, word))
        record.systems = words_of(front.get("keywords") or [])
        record.references = [
            Reference(title=record.title, url=record.url, publisher=record.organisation, date=first_text(front, "source_published_at")[:10])
        ]
        taken = {"uuid", "url", "archive_url", "title", "company", "summary"}
        for name, value in front.items():
            if name not in taken or isinstance(value, dict | list):
                record.keep("fields", name, value)
        record.consumed += list(front)
        yield record
