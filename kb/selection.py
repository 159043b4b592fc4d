"""Files and folders named on a command line, read together with the corpora that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kb.corpus import PARTS, TAXONOMY, Corpora, corpus_files, corpus_names, read_corpora, read_file, shipped
from kb.errors import CorpusError
from kb.taxonomy import read_taxonomy


def read_selection(paths: Sequence[Path]) -> tuple[Corpora, list[str]]:
    """Read files and folders, and return them among the files that they are compared with, and the paths that were asked for.

    What lies in a corpus (a folder with `studies` or `strategies`) is compared with the rest of that corpus; any other file, with the
    shipped cases. Files keep the paths by which they were named.

    Raises:
        CorpusError: a path leads to nothing, or to a folder without Markdown files, or a taxonomy cannot be read.
    """
    selected: dict[Path, tuple[Path, str | None]] = {}  # absolute path → path as named, kind
    corpora: dict[Path, Path] = {}  # absolute path of each corpus → as named
    for path in paths:
        for each, kind in _files_of(path):
            selected.setdefault(each.absolute(), (each, kind))
            folder = _corpus_of(each)
            corpora.setdefault(folder.absolute(), folder)
    around = read_corpora(list(corpora.values()))
    taxonomy = around.taxonomy
    for path in paths:
        if (path / TAXONOMY).is_file():
            taxonomy = taxonomy.extended(read_taxonomy(path / TAXONOMY))
    read = Corpora(
        taxonomy,
        [file for file in around.files if file.path.absolute() not in selected],
        [problem for problem in around.problems if Path(problem.source).absolute() not in selected],
    )
    names = dict(zip(corpora, corpus_names(list(corpora.values())), strict=True))
    known = {file.path.absolute(): file for file in around.files}
    for absolute, (path, kind) in selected.items():
        if absolute in known and str(known[absolute].path) == str(path):
            read.files.append(known[absolute])
            read.problems.extend(problem for problem in around.problems if problem.source == str(path))
            continue
        file, problems = read_file(path, kind, names.get(_corpus_of(path).absolute(), ""))
        read.problems.extend(problems)
        if file:
            read.files.append(file)
    return read, [str(path) for path, _ in selected.values()]


def _files_of(path: Path) -> Iterator[tuple[Path, str | None]]:
    if not path.is_dir():
        if not path.exists():
            raise CorpusError(f"no file or folder {path}", next_step="check the path; `premortem lint --help` shows examples")
        yield path, PARTS.get(path.absolute().parent.name)
    elif path.absolute().name in PARTS:
        kind = PARTS[path.absolute().name]
        yield from ((each, kind) for each, _ in corpus_files(path))
    elif any((path / part).is_dir() for part in PARTS):
        yield from corpus_files(path)
    else:
        yield from ((each, None) for each, _ in corpus_files(path))


def _corpus_of(path: Path) -> Path:
    """Return the corpus that a file is in, or the shipped one."""
    folder = path.absolute().parent
    if folder.name not in PARTS:
        return shipped("cases")
    return path.parent.parent if path.parent.name in PARTS else folder.parent
