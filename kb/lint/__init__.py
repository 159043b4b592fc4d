"""What `premortem lint` finds: every problem of every file, with its place and with what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from kb.corpus import Corpora, read_text
from kb.errors import Problem
from kb.lint import links, privacy, structure, wording
from kb.lint.fix import fix
from kb.lint.known import Known, known_of
from kb.lint.page import Page
from kb.lint.rules import RULES, Rule, explain

__all__ = ["RULES", "Rule", "explain", "fix", "graded", "lint", "lint_text"]


def lint(corpora: Corpora, *, form: bool = True, only: Collection[str] | None = None) -> list[Problem]:
    """Return every problem of every file, by file, line and rule; empty when all is well.

    Args:
        corpora: as read.
        form: whether to apply all rules; else only what keeps a file from being searched is told.
        only: paths of the files to be told of; the others are what they are compared with.
    """
    told = {str(file.path) for file in corpora.files} if only is None else set(only)
    # Known before told: of two files that are alike, the one that is asked about is told.
    files = sorted((file for file in corpora.files if not file.is_plain), key=lambda file: str(file.path) in told)
    known = known_of(Corpora(corpora.taxonomy, files))
    problems = [problem for problem in corpora.problems if only is None or problem.source in told]
    misformed: dict[str, list[Problem]] = {}
    for problem in problems:
        misformed.setdefault(problem.source, []).append(problem)
    drafts = set()
    for file in files:
        if str(file.path) in told:
            page = Page(file)
            problems.extend(_of_page(page, known, misformed.get(page.source, []), form=form))
            drafts |= {page.source} if page.is_draft else set()
    found = (graded(problem, in_draft=problem.source in drafts) for problem in set(problems))
    return sorted(problem for problem in found if form or (problem.severity == "error" and RULES[problem.rule].keeps_out))


def lint_text(text: str, *, name: str, among: Corpora) -> tuple[Corpora, list[Problem]]:
    """Return one file that is not on disk, read, and its problems; it is compared with the corpora that it would join.

    Args:
        text: the whole file.
        name: its file name; in a folder `strategies`, or with the sections of one, it is a strategy.
        among: corpora as read; a file of the same path is taken to be an earlier state of this one.
    """
    path = Path(name)
    file, problems = read_text(text, path)
    others = [each for each in among.files if each.path != path]
    corpora = Corpora(among.taxonomy, [*others, *([file] if file else [])], problems)
    return corpora, lint(corpora, only={str(path)})


def _of_page(page: Page, known: Known, misformed: list[Problem], *, form: bool) -> Iterator[Problem]:
    duplicate = list(structure.duplicates(page, known))
    yield from duplicate
    yield from structure.structure(page, known)
    yield from wording.gaps(page, told={problem.line for problem in misformed})
    yield from links.links(page, known)
    yield from links.html_in_text(page, told={problem.line for problem in misformed if problem.rule in {"raw-html", "block"}})
    if not form:
        return
    if not duplicate:
        yield from structure.shared_sources(page, known)
    yield from structure.dates(page)
    yield from structure.order(page)
    yield from structure.evidence(page, known.taxonomy)
    yield from privacy.secrets(page)
    yield from privacy.personal_data(page)
    yield from wording.blame(page)
    yield from wording.figures(page)
    yield from wording.advice(page)
    if not misformed:
        yield from structure.form(page)


def graded(problem: Problem, *, in_draft: bool) -> Problem:
    """Return a problem with the severity that its rule has in a draft or in another file."""
    rule = RULES[problem.rule]
    return msgspec.structs.replace(problem, severity=rule.in_drafts if in_draft else rule.severity)
