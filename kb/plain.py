"""Post-mortems read as they are, without being written anew: what `--lenient` adds to a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from kb.case import Case
from kb.importers.draft import draft_text
from kb.importers.markdown import PROSE, is_own, read_document, split_front
from kb.importers.source import SourceFile, UnreadableError, files_of, is_no_postmortem, whatever_is_wrong
from kb.parse import parse_case
from kb.taxonomy import Taxonomy
from kb.template import slug_of

_LONGEST_STEM = 20
__all__ = ["UnreadableError", "plain_files", "read_plain", "with_own_ids"]


def plain_files(folder: Path) -> list[Path]:
    """Return every file of a folder and the folders in it that may be a post-mortem, sorted."""
    return [file.path for file in files_of(folder) if file.suffix in PROSE and not is_no_postmortem(file)]


def read_plain(path: Path, taxonomy: Taxonomy) -> tuple[Case, SourceFile] | None:
    """Return the case that a plain post-mortem makes, sections found by the alias table, with its file; None when it is a case already.

    The case has no id yet. The title is that of the first heading, else the file's name.

    Raises:
        UnreadableError: it holds no post-mortem, or cannot be read.
    """
    file = SourceFile(path, path.name)
    with whatever_is_wrong():
        if is_own(split_front(file.text)[0]):
            return None
        case = parse_case(draft_text(read_document("markdown", file), taxonomy, imported=""), source="plain.md")
    return case, file


def with_own_ids(cases: Iterable[tuple[Case, Path]], taken: Iterable[str]) -> Iterator[Case]:
    """Give each case an id that no other has: of its title, with its file's name where two are alike."""
    used = set(taken)
    for case, path in cases:
        years = (case.meta.years or "").rpartition("-")[2]
        base = slug_of(case.meta.title, years) or slug_of(path.stem) or "case"
        stem = re.sub(r"[^a-z0-9]+", "-", path.stem.lower())[:_LONGEST_STEM].strip("-")
        case_id = base if base not in used else f"{base}-{stem}".rstrip("-")
        number, free = 2, case_id
        while free in used:
            free, number = f"{case_id}-{number}", number + 1
        used.add(free)
        yield msgspec.structs.replace(case, id=free)
