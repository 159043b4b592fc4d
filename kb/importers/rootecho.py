"""Histories of rootecho: one JSON object a line, or an array of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.importers.aliases import Place
from kb.importers.data import attempt, read_json, records_in
from kb.importers.fields import fill_fields, first_text
from kb.importers.filling import fill_value
from kb.importers.record import Record, content_of, leaves
from kb.importers.source import SourceFile, UnreadableError

_CAUSES = ("root_cause", "root_causes", "rootCause", "root_cause_tags")


class RootechoImporter:
    name = "rootecho"

    def recognises(self, file: SourceFile) -> bool:
        if "root" not in file.text or file.text.lstrip()[:1] not in ("{", "["):
            return False
        value = attempt(read_json, file)
        records = records_in(value) if isinstance(value, dict | list) else []
        good = [each for each in records if isinstance(each, dict) and "id" in each and any(name in each for name in _CAUSES)]
        return bool(good) and any("action_items" in each or "root_cause_tags" in each for each in good)

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        for number, value in enumerate(records_in(read_json(file.text)), 1):
            if isinstance(value, UnreadableError):
                yield value
            elif not isinstance(value, dict):
                yield UnreadableError(f"record {number} is no object")
            else:
                record = self._record(value, f"{file.name}#{number}")
                yield UnreadableError(f"record {number} has no text") if record.is_empty else record

    def _record(self, value: dict[str, Any], name: str) -> Record:
        record = Record(self.name, name, content_of(value), evidence="company-postmortem")
        record.original = " ".join(leaves(value))
        record.id = first_text(value, "id")
        record.title = first_text(value, "title") or f"Incident {record.id or name}"
        if isinstance(tags := value.get("root_cause_tags"), list):
            record.categories = [str(tag) for tag in tags]
        others = {key: each for key, each in value.items() if key not in {"id", "title", "root_cause_tags"}}
        if not value.get("root_cause") and isinstance(tags, list) and tags:
            fill_value(record, Place("factors"), "root cause tags", tags)
        record.keep("fields", "root_cause_tags", tags)
        fill_fields(record, others)
        return record
