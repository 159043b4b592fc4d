"""`premortem review-cases`: what contributed cases will answer, by the real engine over the judged descriptions."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import track

from api.evaluating import JUDGED, TRAINING
from api.review import MOST_ANSWERS, MOST_CASES, Alike, Answered, Review, ReviewedCase, review_markdown
from api.settings import Settings
from indexer.build import build_index
from indexer.judged import Judged, read_judged
from indexer.neighbours import neighbours
from indexer.searcher import DEFAULT_LIMIT, Searcher, open_searcher
from kb.case import without_gaps
from kb.corpus import CaseFile
from kb.errors import CorpusError, Problem, QueryError
from kb.lint import lint
from kb.selection import read_selection

_SHOWN = 240
"""Characters shown of a description."""


def review(paths: Sequence[Path], settings: Settings, *, base: str | None, folders: Sequence[Path], as_json: bool) -> None:
    """Print the review of the files named, else of those changed since `base`; the index is brought up to date first.

    Raises:
        CorpusError: nothing is named and git cannot tell what has changed, or there are no judged descriptions.
        PremortemError: a corpus, the model or the index cannot be used.
    """
    described = judged(folders or (JUDGED, TRAINING))
    changed = [path.resolve() for path in paths or changed_files(settings.cases, base)]
    found = reviewed(changed, settings, described) if changed else ()
    result = Review(n_descriptions=len(described), n_files=len(changed), cases=found)
    click.echo(msgspec.json.format(msgspec.json.encode(result), indent=1) if as_json else review_markdown(result), nl=as_json)


def judged(folders: Sequence[Path]) -> list[Judged]:
    """Return every description for which judges said what is useful; those for which nothing is are no measure of a case.

    Raises:
        CorpusError: there is none.
    """
    files = [path for folder in folders for name in ("briefs-*.yaml", "cases-*.yaml") for path in sorted(folder.glob(name))]
    if not files:
        raise CorpusError(
            f"no judged descriptions in {', '.join(map(str, folders))}", next_step="run it in a checkout, or give --judged a folder of them"
        )
    return [each for file in files for each in read_judged(file) if each.grades]


def changed_files(folders: Sequence[Path], base: str | None) -> list[Path]:
    """Return the case files that differ from a commit, committed or not.

    Args:
        folders: corpora; each in a git repository.
        base: what to compare with; None: the branch `main` of the remote `origin`, or the local one.

    Raises:
        CorpusError: git cannot tell.
    """
    found: list[Path] = []
    for folder in folders:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
        commit = _commit(folder, base)
        since = _git(folder, "merge-base", commit, "HEAD").strip()
        where = ["--", "studies/*.md"]
        names = _git(folder, "diff", "--name-only", "--no-relative", "--diff-filter=d", "-z", since, *where).split("\0")
        names += _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", *where).split("\0")
        found += [root / name for name in names if name]
    return sorted(set(found))


def _commit(folder: Path, base: str | None) -> str:
    for name in [base] if base else ["origin/main", "main"]:
        try:
            return _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
        except CorpusError:
            continue
    raise CorpusError(f"git knows no commit {base or 'origin/main'!r}", next_step="name one with --base, or name the case files")


def _git(folder: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise CorpusError("git is not installed", next_step="name the case files to review")
    ran = subprocess.run([git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False, errors="surrogateescape")
    if ran.returncode:
        raise CorpusError(
            f"git cannot tell what has changed in {folder}: {ran.stderr.strip() or 'no such commit'}",
            next_step="name the case files to review",
        )
    return ran.stdout


def reviewed(paths: Sequence[Path], settings: Settings, described: Sequence[Judged]) -> tuple[ReviewedCase, ...]:
    """Return what is to say of each case, the first of many; strategies and files that are gone are left out."""
    build_index(settings.index, settings.cases, model=settings.model, backend=settings.encoder, skip_invalid=True, lenient=settings.lenient)
    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder)
    corpora, told = read_selection(paths)
    problems = lint(corpora, only=told)
    files = [file for file in corpora.files if file.case and str(file.path) in set(told)][:MOST_CASES]
    wanted = {file.case.id for file in files if file.case} & set(searcher.store.case_ids)
    answers = _answers(searcher, described, wanted) if wanted else {}
    return tuple(_reviewed(file, problems, searcher, answers) for file in files)


def _answers(searcher: Searcher, described: Sequence[Judged], wanted: set[str]) -> dict[str, list[Answered]]:
    """Return case → the descriptions that have it among their first ten, those first that have it highest."""
    answers: dict[str, list[Answered]] = {case_id: [] for case_id in wanted}
    console = Console(stderr=True)
    for each in track(described, description="Searching with judged descriptions", console=console, disable=not console.is_terminal):
        for position, case in enumerate(searcher.search(each.text, limit=DEFAULT_LIMIT).cases, 1):
            if case.id in wanted:
                text = " ".join(each.text.split())
                shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN].rsplit(' ', 1)[0]} …"
                answers[case.id].append(Answered(id=each.id, text=shown, position=position, band=case.band))
    return {case_id: sorted(its, key=lambda answer: (answer.position, answer.id)) for case_id, its in answers.items()}


def _reviewed(file: CaseFile, problems: Sequence[Problem], searcher: Searcher, answers: dict[str, list[Answered]]) -> ReviewedCase:
    assert file.case is not None
    case = without_gaps(file.case)
    own = [problem.severity for problem in problems if problem.source == str(file.path)]
    its = answers.get(case.id, [])
    try:
        alike = neighbours(searcher, case)
    except QueryError:  # there is too little in it to compare
        alike = ()
    return ReviewedCase(
        id=_name(case.id),
        title=case.meta.title[:400],
        status=_name(case.meta.status),
        n_errors=own.count("error"),
        n_warnings=own.count("warning"),
        is_searched=case.id in answers,
        n_answers=len(its),
        answers=tuple(its[:MOST_ANSWERS]),
        neighbours=tuple(Alike(id=each.id, title=each.title[:400], near_duplicate=each.near_duplicate) for each in alike),
    )


def _name(text: str) -> str:
    """Return an id as a review may hold it; a contributed file may be named, or give as its status, anything."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in text)[:120] or "-"
