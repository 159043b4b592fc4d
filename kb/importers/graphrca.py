"""Folders of GraphRCA: `postmortem.md` with `metadata.json` and `ground_truth.json` beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb.importers.aliases import Place
from kb.importers.data import attempt, read_json
from kb.importers.fields import first_text
from kb.importers.filling import fill_value
from kb.importers.markdown import read_document
from kb.importers.record import Record, keys_of, leaves
from kb.importers.source import SourceFile, UnreadableError

_BESIDE = ("metadata.json", "ground_truth.json")


class GraphRcaImporter:
    name = "graphrca"

    def recognises(self, file: SourceFile) -> bool:
        return self._is_document(file) or (file.path.name in _BESIDE and (file.path.parent / "postmortem.md").is_file())

    @staticmethod
    def _is_document(file: SourceFile) -> bool:
        return file.path.name == "postmortem.md" and any((file.path.parent / name).is_file() for name in _BESIDE)

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        if not self._is_document(file):
            raise UnreadableError("read together with postmortem.md" if file.path.name in _BESIDE else "no folder of GraphRCA")
        record = read_document(self.name, file)
        record.evidence = ""
        beside = {name: _object(file.path.parent / name) for name in _BESIDE}
        metadata, truth = beside["metadata.json"], beside["ground_truth.json"]
        record.content += "".join(str(sorted(value.items())) for value in beside.values())
        record.organisation = record.organisation or first_text(metadata, "company")
        if not record.dates and (day := first_text(metadata, "date")):
            record.dates.append(day)
        record.id = first_text(truth, "incident_id") or record.id or file.path.parent.name
        source = first_text(truth, "source")
        record.url = record.url or (source if source.startswith("http") else "")
        if not record.factors and (cause := first_text(truth, "root_cause")):
            fill_value(record, Place("factors"), "root cause", cause)
        record.categories += [word for value in beside.values() if (word := first_text(value, "category"))]
        for name, value in beside.items():
            record.keep("beside", name, value)
        record.original = f"{record.original or ''} {' '.join(leaves(list(beside.values())))}"
        record.consumed.append(" ".join(keys_of(list(beside.values()))))
        yield record


def _object(path: Path) -> dict[str, Any]:
    value = attempt(read_json, SourceFile(path, path.name)) if path.is_file() else None
    return value if isinstance(value, dict) else {}
