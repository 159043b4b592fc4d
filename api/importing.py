"""`premortem import`: an archive of post-mortems → drafts, with an account of every loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.settings import Settings
from kb.corpus import TAXONOMY, shipped
from kb.errors import CorpusError
from kb.importers.run import Report, import_path
from kb.importers.source import SourceFile
from kb.importers.tables import read_mapping
from kb.taxonomy import Taxonomy, read_taxonomy

_MANY = 20
"""From this many files on there is a progress bar."""
_SHOWN = 20
"""Most lines of a kind in the report at a terminal; `--json` has them all."""


def run_import(format_name: str, path: Path, out: Path, *, mapping: Path | None, as_json: bool, settings: Settings) -> Report:
    """Import and print the report.

    Raises:
        CorpusError: path or mapping cannot be used.
        FolderNotWritableError: no drafts can be written to `out`.
    """
    if out.exists() and not out.is_dir():
        raise CorpusError(f"{out} is no folder", next_step="give --out a folder for the drafts")
    rules = read_mapping(mapping) if mapping else None
    report = import_path(format_name, path, out, _taxonomy(settings), mapping=rules, progress=_bar)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report, out)
    return report


def _taxonomy(settings: Settings) -> Taxonomy:
    """Return the vocabulary: that which came with premortem, and what the corpora add."""
    taxonomy = read_taxonomy(shipped("cases") / TAXONOMY)
    for folder in settings.cases:
        if (folder / TAXONOMY).is_file():
            taxonomy = taxonomy.extended(read_taxonomy(folder / TAXONOMY))
    return taxonomy


def _bar(files: Sequence[SourceFile]) -> Iterable[SourceFile]:
    return files if len(files) < _MANY else _shown(files)


def _shown(files: Sequence[SourceFile]) -> Iterator[SourceFile]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(files, description="Reading files")


def _print(report: Report, out: Path) -> None:
    for draft in report.drafts:
        if draft.did == "edited":
            click.echo(f"left as it is, since it was edited by hand: {draft.path} (from {draft.file})")
    for skipped in report.skipped[:_SHOWN]:
        click.echo(f"skipped {skipped.file}: {skipped.reason}")
    _more(len(report.skipped), "skipped")
    for note in report.notes[:_SHOWN]:
        click.echo(f"note: {note}")
    _more(len(report.notes), "notes")
    counts = Counter(draft.did for draft in report.drafts)
    told = {"drafted": "drafted", "updated": "updated", "unchanged": "unchanged", "edited": "edited by hand and left as they are"}
    parts = [f"{counts[did]} {words}" for did, words in told.items() if counts[did] or did == "drafted"]
    click.echo(f"{report.files} files and {report.read} post-mortems read: {', '.join(parts)}; {len(report.skipped)} skipped")
    if report.unmapped:
        total = sum(report.unmapped.values())
        names = [f"{name} {count}" for name, count in list(report.unmapped.items())[:_SHOWN]]
        more = f" and {len(report.unmapped) - _SHOWN} others" * (len(report.unmapped) > _SHOWN)
        click.echo(f"{total} fields unmapped, kept under x_import: {', '.join(names)}{more}")
    if counts["drafted"] or counts["updated"]:
        click.echo(f"The drafts are in {out}; what is still to be written is marked TODO. `premortem lint {out}` lists it.")


def _more(total: int, what: str) -> None:
    if total > _SHOWN:
        click.echo(f"… {total - _SHOWN} more {what}; --json lists all")
