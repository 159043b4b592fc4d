"""What is wrong with a contribution, and which cases it is like: the same for the API, the form and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

import msgspec

from indexer.neighbours import Neighbour, neighbours
from indexer.searcher import Searcher
from kb.case import Case, without_gaps
from kb.corpus import PARTS, CaseFile, Corpora
from kb.errors import Problem, QueryError, QueryTooLongError
from kb.lint import lint_text
from kb.store import Store

MAX_MARKDOWN = 100_000
"""Longest contribution that is checked, in characters; the longest published case has about 9,000."""
MAX_FINDINGS = 200
"""Most findings that are told; after them one tells how many more there are."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend, or still to write."""

    line: int
    """1-based."""
    column: int
    """1-based."""
    rule: str
    """Id of the rule, as `premortem lint` names it; `more` where the last finding tells how many others were left out."""
    severity: str
    """`error`, or `warning` where a draft may have it."""
    message: str
    """What is wrong."""
    advice: str
    """What to write instead."""

    @property
    def is_gap(self) -> bool:
        return self.rule == "todo"


class ContributionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the API answers to a contribution."""

    id: str
    """What the case would be called, from the file name."""
    title: str
    findings: tuple[Finding, ...]
    """By line, at most 201; none: it is fit to be proposed. Where there are more than 200, the last one tells how many were left out."""
    neighbours: tuple[Neighbour, ...]
    """The cases it is most like, the likest first; look at near-duplicates before you propose it."""
    preview: str
    """The case as HTML that is safe to show, without its gaps; empty for a strategy."""


class ContributionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    markdown: str
    """A case study or strategy as Markdown, at most 100,000 characters. It is neither stored nor logged."""
    name: str = "new-case.md"
    """Its file name, such as example-company-2019.md."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A contribution, read and compared."""

    id: str
    title: str
    case: Case | None
    """What was read, without its gaps; None: it is a strategy."""
    findings: tuple[Finding, ...]
    neighbours: tuple[Neighbour, ...]


def check_markdown(markdown: str, name: str, searcher: Searcher, *, compare: bool = True) -> Checked:
    """Return what lint finds in a case study or strategy, and the cases that it is like.

    Args:
        markdown: the whole file.
        name: its file name, whose first part is the id; in a folder `strategies`, or with the sections of one, it is a strategy.
        searcher: knows the vocabulary, strategies and cases to compare with.
        compare: whether to look for cases that it is like.

    Raises:
        QueryError: there is nothing to check.
        QueryTooLongError: it is longer than `MAX_MARKDOWN`.
    """
    if not markdown.strip():
        raise QueryError("there is nothing to check", next_step="send a case study as Markdown; cases/README.md tells its form")
    if len(markdown) > MAX_MARKDOWN:
        raise QueryTooLongError(
            f"the text has {len(markdown):,} characters, {MAX_MARKDOWN:,} are allowed",
            next_step="send one case study at a time, and tell it shorter; the longest published one has about 9,000",
        )
    path = _path(name)
    corpora, problems = lint_text(markdown, name=str(path), among=_known(searcher, path.stem))
    file = next(file for file in corpora.files if file.path == path)
    case = without_gaps(file.case) if file.case else None
    read = case or file.strategy
    assert read is not None
    return Checked(
        id=read.id,
        title=read.meta.title,
        case=case,
        findings=_findings(problems),
        neighbours=_neighbours(searcher, case) if case and compare else (),
    )


def _path(name: str) -> Path:
    """Return where in a corpus a file of this name would lie; a name cannot lead anywhere else."""
    *folders, last = [part for part in name.replace("\\", "/").split("/") if part] or ["new-case.md"]
    part = folders[-1] if folders and folders[-1] in PARTS else ""
    return Path(part, last if last.endswith(".md") else f"{last}.md")


def _findings(problems: Sequence[Problem]) -> tuple[Finding, ...]:
    told = tuple(_finding(problem) for problem in problems[:MAX_FINDINGS])
    rest = problems[MAX_FINDINGS:]
    if not rest:
        return told
    return (
        *told,
        Finding(
            line=rest[0].line,
            column=rest[0].column,
            rule="more",
            severity="error" if any(problem.severity == "error" for problem in rest) else "warning",
            message=f"{len(rest):,} more findings from here on are not told",
            advice="mend those above first, then check again",
        ),
    )


def _finding(problem: Problem) -> Finding:
    return Finding(
        line=problem.line,
        column=problem.column,
        rule=problem.rule,
        severity=problem.severity,
        message=problem.message,
        advice=problem.advice,
    )


_gathered: WeakKeyDictionary[Searcher, Corpora] = WeakKeyDictionary()
"""What was read of each generation that is in use: reading all its cases again for every check would take longer than the check."""


def _known(searcher: Searcher, item_id: str) -> Corpora:
    """Return all that a new file must fit to; not what it may be a new version of."""
    if searcher not in _gathered:
        _gathered[searcher] = _gather(searcher.store)
    whole = _gathered[searcher]
    return Corpora(whole.taxonomy, [file for file in whole.files if file.path.stem != item_id])


def _gather(store: Store) -> Corpora:
    """Return every case and strategy of an index with no more of it than others are compared with: title, sources, status."""
    cases = [
        CaseFile(Path(each.path), each.corpus, "case", "", each.sha256, True, case=_facts_of(each.case))
        for each in store.cases(range(len(store.case_ids)))
    ]
    strategies = [
        CaseFile(Path("strategies", f"{each.strategy.id}.md"), each.corpus, "strategy", "", "", True, strategy=each.strategy)
        for each in store.strategies()
    ]
    return Corpora(store.taxonomy, [*cases, *strategies])


def _facts_of(case: Case) -> Case:
    return Case(id=case.id, meta=msgspec.structs.replace(case.meta, x_import=None), undertaking=(), sources=case.sources)


def _neighbours(searcher: Searcher, case: Case) -> tuple[Neighbour, ...]:
    try:
        return neighbours(searcher, case)
    except QueryError:  # what can be read of it is too little, or too much, to compare
        return ()
