"""A snapshot of the AI Incident Database: `incidents.csv` with its neighbours, or incidents as GraphQL gives them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb.importers.data import attempt, read_json, read_table, records_in
from kb.importers.fields import first_text
from kb.importers.record import Record, Reference, content_of, is_blank, keys_of, leaves
from kb.importers.source import SourceFile, UnreadableError

_DEPLOYER = ("Alleged deployer of AI system", "AllegedDeployerOfAISystem", "alleged_deployer_of_ai_system")
_HARMED = ("Alleged harmed or nearly harmed parties", "AllegedHarmedOrNearlyHarmedParties", "alleged_harmed_or_nearly_harmed_parties")
_REPORT_FIELDS = ("report_number", "title", "url", "source_domain", "authors", "date_published", "language", "tags")
_NEIGHBOURS = {"reports.csv", "duplicates.csv", "submissions.csv", "quickadd.csv"}
_CAUSES = ("Known AI Technical Failure", "Potential AI Technical Failure")


class AiidImporter:
    name = "aiid"

    def recognises(self, file: SourceFile) -> bool:
        if self._is_neighbour(file):
            return True
        head = file.text[:20_000]
        if "incident_id" not in head or not any(name in head for name in _DEPLOYER):
            return False
        return any(self._is_incident(each) for each in self._records(file))

    def _is_neighbour(self, file: SourceFile) -> bool:
        """Return whether a file only adds to the incidents beside it."""
        name = file.path.name.lower()
        return (
            (name in _NEIGHBOURS or name.startswith("classifications_"))
            and name.endswith(".csv")
            and (file.path.parent / "incidents.csv").is_file()
        )

    @staticmethod
    def _is_incident(value: Any) -> bool:
        return isinstance(value, dict) and "incident_id" in value and any(name in value for name in _DEPLOYER)

    @staticmethod
    def _records(file: SourceFile) -> list[Any]:
        value = attempt(read_json, file) or attempt(read_table, file)
        return records_in(value) if value else []

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        if self._is_neighbour(file):
            raise UnreadableError("read together with incidents.csv")
        folder = file.path.parent
        reports = {first_text(row, "report_number"): row for row in _table(folder / "reports.csv")}
        duplicates = {
            first_text(row, "duplicate_incident_number"): first_text(row, "true_incident_number")
            for row in _table(folder / "duplicates.csv")
        }
        classified: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in sorted(folder.glob("classifications_*.csv")):
            for row in _table(path):
                classified[first_text(row, "Incident ID", "incident_id")].append(row)
        found = False
        for number, value in enumerate(self._records(file), 1):
            if not self._is_incident(value):
                yield UnreadableError(f"record {number} is no incident")
                continue
            found = True
            incident = first_text(value, "incident_id")
            if other := duplicates.get(incident):
                yield UnreadableError(f"incident {incident} is a duplicate of {other}")
                continue
            record = self._record(value, f"{file.name}#{incident}", reports, classified[incident])
            yield UnreadableError(f"incident {incident} has no text") if record.is_empty else record
        if not found:
            raise UnreadableError("no incidents of the AI Incident Database")

    def _record(self, value: dict[str, Any], name: str, reports: dict[str, dict[str, Any]], classified: list[dict[str, Any]]) -> Record:
        incident = first_text(value, "incident_id")
        record = Record(self.name, name, content_of([value, classified]), id=incident)
        record.original = " ".join(leaves(value))
        record.title = first_text(value, "title") or f"AI incident {incident}"
        record.dates = [day for day in [first_text(value, "date")] if day]
        record.organisation = ", ".join(_names(_first(value, _DEPLOYER)))
        if text := first_text(value, "description"):
            record.story.append(text)
        record.impact = [("Alleged harmed or nearly harmed parties", ", ".join(names))] if (names := _names(_first(value, _HARMED))) else []
        for row in [*classified, *_classifications(value)]:
            for field in _CAUSES:
                record.factors += [("", each) for each in _names(row.get(field)) if not is_blank(each)]
            record.keep(
                "classifications", first_text(row, "Namespace", "namespace") or "classification", {k: v for k, v in row.items() if v}
            )
        for report in self._reports(value, reports):
            kept = {field: report[field] for field in _REPORT_FIELDS if report.get(field)}
            record.keep("reports", first_text(report, "report_number") or first_text(report, "url"), kept)
            record.references.append(
                Reference(
                    title=first_text(report, "title") or first_text(report, "url"),
                    url=first_text(report, "url"),
                    publisher=first_text(report, "source_domain"),
                    date=first_text(report, "date_published")[:10],
                )
            )
        taken = {"incident_id", "title", "description", "classifications"}
        for key, its in value.items():
            if key not in taken:
                record.keep("fields", key, its)
        record.consumed.append(" ".join(keys_of(value)))
        return record

    @staticmethod
    def _reports(value: dict[str, Any], reports: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        listed = _decoded(value.get("reports"))
        found = []
        for each in listed if isinstance(listed, list) else []:
            row = each if isinstance(each, dict) else reports.get(str(each).strip())
            if row:
                found.append(row)
        return found


def _table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table beside the incidents; none when it is missing or no table."""
    return (attempt(read_table, SourceFile(path, path.name)) or []) if path.is_file() else []


def _first(value: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name)), None)


def _decoded(value: Any) -> Any:
    """Return what a text holds that is JSON; any other value as it is."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _names(value: Any) -> list[str]:
    value = _decoded(value)
    if isinstance(value, list):
        return [first_text(each, "name", "entity_id") if isinstance(each, dict) else str(each) for each in value]
    return [part.strip() for part in str(value).split(",") if part.strip()] if value else []


def _classifications(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the classifications inside an incident of GraphQL as rows of a table."""
    for each in value.get("classifications") or []:
        if isinstance(each, dict):
            attributes = each.get("attributes") or []
            named = {str(one.get("short_name")): _decoded(one.get("value_json")) for one in attributes if isinstance(one, dict)}
            yield {"Namespace": each.get("namespace"), **named}
