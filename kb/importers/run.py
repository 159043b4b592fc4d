"""A run of the importer: every file read by whoever knows it, every loss counted, nothing ever stopping the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from kb.errors import CorpusError
from kb.importers import TEMPLATES
from kb.importers.aiid import AiidImporter
from kb.importers.graphrca import GraphRcaImporter
from kb.importers.icco import IccoImporter
from kb.importers.links import LinksImporter
from kb.importers.llis import LlisImporter
from kb.importers.markdown import MarkdownImporter
from kb.importers.record import Record
from kb.importers.rootecho import RootechoImporter
from kb.importers.source import SourceFile, UnreadableError, files_of, is_no_postmortem, whatever_is_wrong
from kb.importers.swarmproof import SwarmproofImporter
from kb.importers.tables import Mapping, TableImporter
from kb.importers.writing import Drafts
from kb.taxonomy import Taxonomy


class Importer(Protocol):
    """Knows one family of formats."""

    name: str

    def recognises(self, file: SourceFile) -> bool:
        """Return whether the file holds what this importer reads. May raise UnreadableError."""
        ...

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        """Yield the post-mortems of a file, and for each that cannot be used the reason. Raises UnreadableError for the whole file."""
        ...


_IMPORTERS: dict[str, Callable[[], Importer]] = {
    "graphrca": GraphRcaImporter,
    "icco": IccoImporter,
    "swarmproof": SwarmproofImporter,
    "rootecho": RootechoImporter,
    "llis": LlisImporter,
    "aiid": AiidImporter,
    "json": lambda: TableImporter("json", guessing=True),
    "yaml": lambda: TableImporter("yaml", guessing=True),
    "csv": lambda: TableImporter("csv"),
    "links": LinksImporter,
    "markdown": MarkdownImporter,
}
"""Format → importer, those that know their files best first: in this order `auto` asks."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    reason: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    file: str
    """Where it comes from."""
    format: str
    did: str
    """`drafted`, `updated`, `unchanged` or `edited`: by hand, and so left as it is."""


class Report(msgspec.Struct, kw_only=True):
    """What a run did: every file and record is in exactly one of the counts."""

    files: int = 0
    read: int = 0
    """Records that were found in them."""
    drafts: list[Draft] = msgspec.field(default_factory=list)
    skipped: list[Skipped] = msgspec.field(default_factory=list)
    unmapped: dict[str, int] = msgspec.field(default_factory=dict)
    """Field or section kept under `x_import` → in how many records, most first."""
    notes: list[str] = msgspec.field(default_factory=list)

    def count(self, did: str) -> int:
        return sum(draft.did == did for draft in self.drafts)


Progress = Callable[[Sequence[SourceFile]], Iterable[SourceFile]]


def import_path(
    format_name: str,
    path: Path,
    out: Path,
    taxonomy: Taxonomy,
    *,
    mapping: Mapping | None = None,
    today: str | None = None,
    progress: Progress = iter,
) -> Report:
    """Write a draft for every post-mortem in a file or folder that is not drafted yet.

    Args:
        format_name: one of `FORMATS`.
        path: a file or a folder; never written to.
        out: folder of the drafts; what is there stays as it is, but for drafts of this command that nobody has edited.
        taxonomy: which terms there are.
        mapping: says where the fields of a table go.
        today: date of the import, ISO; of today when not given.
        progress: wraps the list of files, to show that something happens.

    Raises:
        CorpusError: the path does not exist.
        FolderNotWritableError: no drafts can be written to `out`.
    """
    if not path.exists():
        raise CorpusError(f"nothing at {path}", next_step="give a file or a folder of post-mortems")
    importers = _importers(format_name, mapping)
    drafts = Drafts(out)
    report = Report()
    unmapped: Counter[str] = Counter()
    day = today or datetime.now(UTC).date().isoformat()
    seen: dict[str, str] = {}
    for file in progress(list(files_of(path, leave_out=out if out.resolve() != path.resolve() else None))):
        report.files += 1
        for found in _read(file, importers):
            if isinstance(found, UnreadableError):
                report.skipped.append(Skipped(file=file.name, reason=str(found)))
                continue
            report.read += 1
            same = seen.setdefault(found.sha256, found.file)
            if same != found.file:
                report.skipped.append(Skipped(file=found.file, reason=f"the same as {same}"))
                continue
            try:
                did, where = drafts.write(found, taxonomy, imported=day)
            except UnreadableError as error:
                report.skipped.append(Skipped(file=found.file, reason=str(error)))
                continue
            report.drafts.append(Draft(path=str(where), file=found.file, format=found.format, did=did))
            unmapped.update(set(found.unmapped))
        report.notes += file.notes
    report.unmapped = dict(sorted(unmapped.items(), key=lambda pair: (-pair[1], pair[0])))
    return report


def _importers(format_name: str, mapping: Mapping | None) -> list[Importer]:
    """Return who is asked, in order. A mapping speaks for the files that it fits, whatever they seem to be."""
    if mapping:
        return [TableImporter(format_name if format_name in {"csv", "json", "yaml"} else "table", mapping)]
    if format_name == "auto":
        return [make() for make in _IMPORTERS.values()]
    if format_name in {"json", "yaml"}:
        return [TableImporter(format_name)]
    return [MarkdownImporter(format_name) if format_name in TEMPLATES else _IMPORTERS[format_name]()]


def _read(file: SourceFile, importers: Sequence[Importer]) -> Iterator[Record | UnreadableError]:
    """Yield what one file holds. Whatever is wrong with it becomes a reason, so that the others are still read."""
    try:
        with whatever_is_wrong():
            importer = importers[0]
            if len(importers) > 1:
                known = next((each for each in importers if each.recognises(file)), None)
                if known is None:
                    raise UnreadableError("no post-mortem, as far as can be told")
                importer = known
            if is_no_postmortem(file) and importer.name != "links":
                raise UnreadableError("not a post-mortem, by its name")
            yield from importer.read(file)
    except UnreadableError as error:
        yield error
