"""`premortem lint`: read what was named, find and mend, compare with the index, and say it in the form asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from api.findings import FORMATS, severities
from api.settings import Settings
from kb.case import without_gaps
from kb.corpus import CaseFile
from kb.errors import Problem, QueryError
from kb.lint import RULES, fix, graded, lint
from kb.lint.fix import mended_text
from kb.lint.page import Page
from kb.selection import read_selection


def run(paths: Sequence[Path], settings: Settings, *, output: str, mend: bool, strict: bool, near_duplicates: bool) -> bool:
    """Print every finding, and return whether all is well: no error, and where it is strict no warning either.

    Raises:
        PremortemError: a path cannot be read or rewritten, or there is no index to compare with.
    """
    corpora, told = read_selection(paths or settings.cases)
    if mend:
        rewritten = fix(corpora, only=told)
        for path in rewritten:
            click.echo(f"mended {path}", err=True)
        if rewritten:
            corpora, told = read_selection(paths or settings.cases)
    problems = lint(corpora, only=told)
    if near_duplicates:
        asked = set(told)
        cases = [file for file in corpora.files if file.case and str(file.path) in asked]
        problems = sorted([*problems, *near(cases, settings)])
    suspect = {problem.source for problem in problems if RULES[problem.rule].fixable}
    mendable = [file for file in corpora.files if str(file.path) in suspect and mended_text(file, corpora.taxonomy) != file.text]
    click.echo(FORMATS[output](problems, n_files=len(told), n_mendable=len(mendable)), nl=False)
    counts = severities(problems)
    return not counts["error"] and not (strict and counts["warning"])


def near(files: Sequence[CaseFile], settings: Settings) -> Iterator[Problem]:
    """Yield the cases that tell the same as one of the index, or as one before them.

    Raises:
        PremortemError: there is no index that can answer.
    """
    from indexer.neighbours import neighbours, tell_the_same
    from indexer.passages import case_text
    from indexer.searcher import open_searcher

    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder)
    cases = [without_gaps(file.case) for file in files if file.case]
    indexed = set(searcher.store.case_ids)
    whole = searcher.encoder.encode_passages([case_text(case) for case in cases])
    for at, (file, case) in enumerate(zip(files, cases, strict=True)):
        try:
            alike = {each.id: each.title for each in neighbours(searcher, case) if each.near_duplicate}
        except QueryError:  # there is too little in it to compare
            continue
        alike |= {
            other.id: other.meta.title
            for other, cosine in zip(cases[:at], whole[:at] @ whole[at], strict=True)
            if other.id not in indexed and other.id != case.id and tell_the_same(case, other, float(cosine))
        }
        page = Page(file)
        for other_id, title in alike.items():
            message = f"this tells nearly the same as {other_id} ({title})"
            advice = "if it is the same failure, add to that case; if not, say in title and undertaking what sets it apart"
            problem = page.problem(page.front_line("title"), "near-duplicate", message, advice, at=case.meta.title)
            yield graded(problem, in_draft=page.is_draft)
