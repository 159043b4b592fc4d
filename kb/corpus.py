"""A corpus: a folder of case studies and strategies, read file by file without losing any problem."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kb.case import Case, Strategy
from kb.errors import CorpusError, Problem
from kb.parse import SLUG, STRATEGY_SECTIONS, read_case, read_strategy
from kb.taxonomy import Taxonomy, read_taxonomy

TAXONOMY = "taxonomy.yaml"
FILE_LIMIT = 10_000_000
"""Most characters of a file; the longest shipped case has some 15,000."""
PARTS = {"studies": "case", "strategies": "strategy"}
"""Folder of a corpus → kind of its files."""
_OTHER_FILES = {"readme.md", "contributing.md"}


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of a corpus with what it holds."""

    path: Path
    corpus: str
    kind: str
    """`case` or `strategy`."""
    text: str
    sha256: str
    sound: bool
    """Whether its form is right; of a file that is not, some parts are empty."""
    case: Case | None = None
    strategy: Strategy | None = None
    is_plain: bool = False
    """Whether this is a post-mortem in a form of its own, of which `case` is what could be found in it."""


@dataclass(slots=True)
class Corpora:
    """One or more corpora read together."""

    taxonomy: Taxonomy
    files: list[CaseFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """Of form; what depends on other files or the vocabulary is found by `kb.lint`."""
    unusable: list[tuple[Path, str]] = field(default_factory=list)
    """Plain files, read leniently, that hold no post-mortem, each with the reason."""

    @property
    def cases(self) -> dict[str, CaseFile]:
        return {file.case.id: file for file in self.files if file.case and file.sound}

    @property
    def strategies(self) -> dict[str, CaseFile]:
        return {file.strategy.id: file for file in self.files if file.strategy and file.sound}


def shipped(name: str) -> Path:
    """Return the folder `cases` or `web` that came with this installation: beside the packages in a checkout,
    inside this package in a wheel.
    """
    inside = Path(__file__).parent / "shipped" / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


def corpus_files(folder: Path, *, lenient: bool = False) -> list[tuple[Path, str]]:
    """Return (path, kind) of every Markdown file of a corpus, sorted, so that nothing depends on the file system.

    A corpus has `studies/` and `strategies/`; a folder without them is taken as studies alone; leniently with all the texts in the
    folders inside it.

    Raises:
        CorpusError: the folder does not exist or holds no Markdown file.
    """
    if not folder.is_dir():
        raise CorpusError(f"no folder {folder}", next_step="give --cases a folder of case studies")
    parts = [(folder / name, kind) for name, kind in PARTS.items()]
    if not any(part.is_dir() for part, _ in parts):
        if lenient and (texts := _texts_in(folder)):
            return [(path, "case") for path in texts]
        parts = [(folder, "case")]
    found = [(path, kind) for part, kind in parts for path in sorted(part.glob("*.md")) if path.name.lower() not in _OTHER_FILES]
    if not found:
        raise CorpusError(f"{folder} holds no case studies", next_step="expected *.md files in it or in its studies/ folder")
    return found


def _texts_in(folder: Path) -> list[Path]:
    from kb.plain import plain_files  # not above: it brings the importers with it, which few need

    return plain_files(folder)


def read_corpora(
    folders: Sequence[Path],
    *,
    lenient: bool = False,
    progress: Callable[[Iterable[tuple[Path, str, str]]], Iterable[tuple[Path, str, str]]] = iter,
) -> Corpora:
    """Read every file of every folder; what cannot be used becomes a problem, never an exception.

    Args:
        folders: corpora; the name of a folder is the name of its corpus.
        lenient: read post-mortems that are no cases of ours, too: their sections are found by the names that post-mortems use, they are
            drafts, and what cannot be read as one is left out and named in `unusable`.
        progress: wraps the list of files, to show that something happens.

    Raises:
        CorpusError: a folder is missing or empty, or its taxonomy cannot be read.
    """
    taxonomy = read_taxonomy(shipped("cases") / TAXONOMY)
    work: list[tuple[Path, str, str]] = []
    for name, folder in zip(corpus_names(folders), folders, strict=True):
        if (folder / TAXONOMY).is_file():
            taxonomy = taxonomy.extended(read_taxonomy(folder / TAXONOMY))
        work.extend((path, kind, name) for path, kind in corpus_files(folder, lenient=lenient))
    corpora = Corpora(taxonomy)
    plain: list[CaseFile] = []
    for path, kind, corpus in progress(work):
        if lenient and kind == "case" and _took_plain(path, corpus, corpora, plain):
            continue
        file, problems = read_file(path, kind, corpus)
        corpora.problems.extend(problems)
        if file:
            corpora.files.append(file)
    if plain:
        _add_plain(corpora, plain)
    _add_linked_strategies(corpora)
    return corpora


def _took_plain(path: Path, corpus: str, corpora: Corpora, plain: list[CaseFile]) -> bool:
    """Read a file that is no case of ours; return False when it is one."""
    from kb.plain import UnreadableError, read_plain

    try:
        read = read_plain(path, corpora.taxonomy)
    except UnreadableError as error:
        corpora.unusable.append((path, str(error)))
        return True
    if read is not None:
        case, source = read
        plain.append(CaseFile(path, corpus, "case", source.text, source.sha256, sound=True, case=case, is_plain=True))
    return read is not None


def _add_plain(corpora: Corpora, plain: list[CaseFile]) -> None:
    from kb.plain import with_own_ids

    taken = [file.case.id for file in corpora.files if file.case]
    cases = with_own_ids([(file.case, file.path) for file in plain if file.case], taken)
    corpora.files.extend(replace(file, case=case) for file, case in zip(plain, cases, strict=True))


def _add_linked_strategies(corpora: Corpora) -> None:
    """Add the shipped strategies that cases point at and no corpus holds: a private corpus may use the public catalogue."""
    known = {file.strategy.id for file in corpora.files if file.strategy}
    linked = {item.strategy for file in corpora.files if file.case for item in file.case.prevention if item.strategy}
    for strategy_id in sorted(linked - known):
        path = shipped("cases") / "strategies" / f"{strategy_id}.md"
        file = read_file(path, "strategy", "premortem")[0] if SLUG.fullmatch(strategy_id) and path.is_file() else None
        if file:
            corpora.files.append(file)


def read_file(path: Path, kind: str | None, corpus: str = "") -> tuple[CaseFile | None, list[Problem]]:
    """Read one file; None and a problem when it cannot be read or decoded."""

    def unusable(line: int, message: str, advice: str) -> tuple[None, list[Problem]]:
        return None, [Problem(source=str(path), line=line, rule="file", message=message, advice=advice)]

    try:
        data = path.read_bytes()
    except OSError as error:
        return unusable(1, f"cannot be read: {error.strerror}", "check that it is a file and its permissions")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return unusable(line, f"byte {data[error.start]:#04x} is not UTF-8", "save the file as UTF-8")
    return read_text(text, path, kind=kind, corpus=corpus, sha256=hashlib.sha256(data).hexdigest())


def read_text(
    text: str, path: Path, *, kind: str | None = None, corpus: str = "", sha256: str = ""
) -> tuple[CaseFile | None, list[Problem]]:
    """Read the text of a file; `path` names it in messages, and tells its kind where none is given. None when it is too long to be read."""
    source = str(path)
    if len(text) > FILE_LIMIT:
        problem = Problem(
            source=source, line=1, rule="file", message=f"is longer than {FILE_LIMIT:,} characters", advice="shorten or split it"
        )
        return None, [problem]
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")  # each ends a line in Markdown
    kind = kind or kind_of(path, text)
    sha256 = sha256 or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    if kind == "case":
        case, problems = read_case(text, source=source)
        return CaseFile(path, corpus, kind, text, sha256, not problems, case=case), problems
    strategy, problems = read_strategy(text, source=source)
    return CaseFile(path, corpus, kind, text, sha256, not problems, strategy=strategy), problems


def kind_of(path: Path, text: str) -> str:
    """Return `case` or `strategy`: by the folder of a corpus that a file is in, else by its first section."""
    if path.parent.name in PARTS:
        return PARTS[path.parent.name]
    first = re.search(r"^## +(.+?)[ \t]*$", text, re.MULTILINE)
    return "strategy" if first and first[1] in STRATEGY_SECTIONS else "case"


def corpus_names(folders: Sequence[Path]) -> list[str]:
    """Return one name per folder: its last part, numbered where two are alike."""
    names: list[str] = []
    for folder in folders:
        base = name = folder.resolve().name or "corpus"
        number = 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names
