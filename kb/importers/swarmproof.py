"""Incidents of swarmproof/agent-postmortems: YAML with a schema of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.importers.aliases import Place
from kb.importers.data import attempt, read_yaml, records_in
from kb.importers.fields import first_text
from kb.importers.filling import fill_value
from kb.importers.record import Record, Reference, content_of, is_blank, keys_of, leaves
from kb.importers.source import SourceFile, UnreadableError

_KINDS = {"vendor-disclosure": "company-postmortem", "news": "news", "academic": "academic"}
"""Their types of source that are ours under another name; of the others a person decides."""
_PLACES = {
    "summary": Place("story"),
    "trigger": Place("factors", label=True),
    "root_cause": Place("factors"),
    "contributing_factors": Place("factors"),
    "detection": Place("story", label=True),
    "recovery": Place("story", label=True),
    "timeline": Place("timeline"),
    "blast_radius": Place("impact"),
    "prevention": Place("prevention"),
}
_MARKS = {"incident_id", "incident_type", "primary_failure_class", "failure_classes", "blast_radius", "root_cause"}


class SwarmproofImporter:
    name = "swarmproof"

    def recognises(self, file: SourceFile) -> bool:
        if not all(mark in file.text for mark in ("incident_id", "failure_class")):
            return False
        value = attempt(read_yaml, file)  # of which JSON is a part
        return isinstance(value, dict | list) and any(isinstance(each, dict) and len(_MARKS & set(each)) >= 3 for each in records_in(value))

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        values = records_in(read_yaml(file.text))
        for number, value in enumerate(values, 1):
            if not isinstance(value, dict) or len(_MARKS & set(value)) < 3:
                raise UnreadableError("not an incident of swarmproof")
            record = self._record(value, file.name if len(values) == 1 else f"{file.name}#{number}")
            yield UnreadableError("a template" if not record.title else "no text") if not record.title or record.is_empty else record

    def _record(self, value: dict[str, Any], name: str) -> Record:
        record = Record(self.name, name, content_of(value))
        record.original = " ".join(leaves(value))
        record.id, record.title = first_text(value, "incident_id"), first_text(value, "title")
        record.dates = [day for day in [first_text(value, "date")] if day]
        system = value.get("system")
        record.organisation = first_text(system, "vendor") if isinstance(system, dict) else ""
        record.references = list(_references(value.get("sources")))
        placed = {"incident_id", "title", "sources"}
        for key, place in _PLACES.items():
            its = value.get(key)
            if key == "blast_radius" and isinstance(its, dict):
                its = {name: told for name, told in its.items() if not (isinstance(told, str) and is_blank(told))}
            if its and fill_value(record, place, key.replace("_", " ").capitalize(), its):
                placed.add(key)
        for key, its in value.items():
            if key not in placed:
                record.keep("fields", key, its)
        if isinstance(value.get("sources"), list):
            record.keep("fields", "sources", value["sources"])
        record.consumed.append(" ".join(keys_of(value)))
        return record


def _references(sources: Any) -> Iterator[Reference]:
    for source in sources if isinstance(sources, list) else []:
        if isinstance(source, dict):
            yield Reference(
                title=first_text(source, "title", "url"),
                url=first_text(source, "url"),
                publisher=first_text(source, "publisher"),
                date=first_text(source, "date_published", "date"),
                kind=_KINDS.get(first_text(source, "type"), ""),
            )
