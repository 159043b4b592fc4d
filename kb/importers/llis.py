"""Lessons of NASA's Lessons Learned Information System: hits of its index as JSON, or the table of nasa/mika."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.importers.aliases import Place
from kb.importers.data import attempt, read_json, read_table, records_in
from kb.importers.fields import first_text, words_of
from kb.importers.filling import as_markdown, fill_value
from kb.importers.record import Record, Reference, content_of, is_blank, keys_of, leaves
from kb.importers.source import SourceFile, UnreadableError

_MARKS = ("lessonAbstract", "lesson_abstract", "drivingEvent", "description_event", "lesson_learned", "recommendation")
_TABLE_MARKS = ("Lesson ID", "Lesson(s) Learned", "Driving Event")
_PLACES = {
    "lessonAbstract": Place("story"),
    "lesson_abstract": Place("story"),
    "abstract": Place("story"),
    "drivingEvent": Place("story", label=True),
    "description_event": Place("story", label=True),
    "lesson": Place("lessons"),
    "lesson_learned": Place("lessons"),
    "recommendation": Place("prevention"),
    "evidence": Place("story", label=True),
    "Abstract": Place("story"),
    "Driving Event": Place("story", label=True),
    "Lesson(s) Learned": Place("lessons"),
    "Recommendation(s)": Place("prevention"),
    "Evidence of Recurrence Control Effectiveness": Place("story", label=True),
}
_NAMES = {
    "drivingEvent": "Driving event",
    "description_event": "Driving event",
    "evidence": "Evidence of recurrence control effectiveness",
}


class LlisImporter:
    name = "llis"

    def recognises(self, file: SourceFile) -> bool:
        head = file.text[:50_000]
        if any(mark in head for mark in _MARKS) and head.lstrip()[:1] in ("{", "["):
            return any(_is_lesson(_source(each)) for each in self._records(file))
        return all(mark in head.split("\n", 1)[0] for mark in _TABLE_MARKS) and bool(attempt(read_table, file))

    @staticmethod
    def _records(file: SourceFile) -> list[Any]:
        value = attempt(read_json, file)
        if value is None:
            value = attempt(read_table, file)
        return records_in(value) if value else []

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        values = self._records(file)
        if not any(_is_lesson(_source(each)) for each in values):
            raise UnreadableError("no lessons of LLIS")
        for number, each in enumerate(values, 1):
            value = _source(each)
            if not _is_lesson(value):
                yield UnreadableError(f"record {number} is no lesson")
                continue
            record = self._record(value, file.name, number)
            yield UnreadableError(f"lesson {record.id or number} has no text") if record.is_empty else record

    def _record(self, value: dict[str, Any], name: str, number: int) -> Record:
        lesson = first_text(value, "lesson_number", "lessonNumber", "Lesson ID", "_id")
        record = Record(self.name, f"{name}#{lesson or number}", content_of(value), id=lesson)
        record.title = first_text(value, "title", "Subject", "subject", "Title") or f"Lesson {lesson or number}"
        record.dates = [day for day in [first_text(value, "lesson_date", "lessonDate", "Lesson Date")[:10]] if day]
        record.references = [
            Reference(
                title=record.title,
                publisher="NASA LLIS",
                date=record.dates[0] if record.dates else "",
                kind="company-postmortem",
            )
        ]
        record.organisation = first_text(value, "organization")
        placed = {"organization", "title", "Subject", "subject", "Title", "lesson_number", "lessonNumber", "Lesson ID", "_id"}
        for key, its in value.items():
            # The columns without "Raw" are word lists of the same texts; both are kept, the raw ones are read.
            name_of = key.removeprefix("Raw ")
            place = None if key != name_of or f"Raw {key}" not in value else Place("kept")
            place = place or _PLACES.get(name_of)
            blank = isinstance(its, str) and is_blank(its)
            if place and place.target != "kept" and not blank and fill_value(record, place, _NAMES.get(name_of, name_of), its):
                placed.add(key)
            elif key in {"categories", "Topic(s)", "topics"}:
                record.categories = words_of(its)
        record.original = "\n".join(as_markdown(each) for each in leaves(value))
        for key, its in value.items():
            if key not in placed and not (isinstance(its, str) and is_blank(its)):
                record.keep("fields", key, its)
        record.consumed.append(" ".join((*keys_of(value), "None N/A null")))
        return record


def _source(value: Any) -> dict[str, Any]:
    """Return the fields of a hit."""
    if isinstance(value, dict) and isinstance(value.get("_source"), dict):
        return {**({"_id": value["_id"]} if "_id" in value and "lesson_number" not in value["_source"] else {}), **value["_source"]}
    return value if isinstance(value, dict) else {}


def _is_lesson(value: dict[str, Any]) -> bool:
    return any(name in value for name in (*_MARKS, "Lesson(s) Learned"))
