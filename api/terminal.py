"""Answers, lists and progress for people at a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from indexer.answer import Answer, FoundCase, RankedStrategy
from indexer.build import Built, Reporter
from indexer.explanation import Explanation
from kb.case import Source
from kb.records import StoredCase, StoredStrategy
from kb.taxonomy import Taxonomy
from kb.text import plain

_WIDTH = 110
_PIPED_WIDTH = 300
"""Wide enough that a program reading a list gets one item a line."""
_BAND_STYLES = {"strong": "bold red", "related": "bold yellow", "weak": "dim"}
_KIND_NAMES = {
    "undertaking": "attempted",
    "likeness": "is this you?",
    "story": "what happened",
    "symptom": "sign",
    "factor": "went wrong",
    "lesson": "lesson",
    "prevention": "prevention",
}
_N_EVIDENCE = 3
_DEFINITION = re.compile(r"^\[\^([^\]\s]{1,200})\]:.*(?:\n(?:[ \t]+\S|[^\W\d_]).*)*\n?", re.MULTILINE)
"""A footnote's definition, with the lines that run on below it."""
_REFERENCE = re.compile(r"\[\^([^\]\s]{1,200})\]")


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if console.width > _WIDTH:
        console.width = _WIDTH
    return console


def print_answer(answer: Answer, taxonomy: Taxonomy, *, several: bool = False) -> None:
    """Print the verdict, the cases with their reasons, the strategies and the signs; with several corpora also which one a case is of."""
    console = _console()
    for notice in answer.notices:
        console.print(Text(f"Note: {notice.message}; {notice.next_step}.", style="yellow"))
    if not answer.n_cases:
        console.print(Text("No case has all of these facets.", style="bold"))
        console.print("Drop a filter; `premortem list` shows all cases.")
        return
    if answer.verdict == "nothing-close":
        console.print(Text(f"Nothing close in {answer.n_cases} cases.", style="bold"))
        console.print("Say what will be done, with which systems, by whom and by when; or drop filters. `premortem list` shows all cases.")
        return
    console.print(Text(verdict_line(answer), style="bold"))
    for case in answer.cases:
        if case.band != "weak":
            console.print(_case(case, taxonomy, several=several))
    weak = [case for case in answer.cases if case.band == "weak"]
    if weak:
        console.print()
        console.print(Text("Weaker matches", style="bold"))
        for case in weak:
            line = Text(f"  {case.title}  ", style="dim").append(case.id, "dim cyan")
            console.print(line.append("".join(f"  {mark}" for mark in _marks(case, several=several)), "dim yellow"))
    if answer.strategies:
        console.print()
        console.print(Text("What would have helped", style="bold"))
    for number, strategy in enumerate(answer.strategies, 1):
        console.print(_strategy(number, strategy, taxonomy))
    if answer.signs:
        _print_signs(console, answer, taxonomy)
    console.print()
    console.print(Text(f"premortem show ID tells a whole case or strategy. {answer.n_cases} cases searched.", style="dim"))


def _print_signs(console: Console, answer: Answer, taxonomy: Taxonomy) -> None:
    console.print()
    console.print(Text("Signs to watch", style="bold"))
    phase = ""
    for sign in answer.signs:
        if sign.phase != phase:
            phase = sign.phase
            console.print(Text(f"  {taxonomy.name('phase', phase)}", style="cyan"))
        drafts = {case.id for case in answer.cases if case.status == "draft"}
        mark = "  (draft)" * (set(sign.cases) <= drafts)
        console.print(Padding(Text(f"☐ {sign.text}").append(mark, "yellow"), (0, 0, 0, 4)))


def print_explanation(explained: Explanation) -> None:
    """Print how the score of one case came about: parts, fusion, calibration, words, sentences."""
    console = _console()
    console.print(Text(explained.title, style="bold").append(f"  {explained.case}", "cyan"))
    console.print(f"place {explained.rank} of {explained.n_candidates}; probability {explained.probability:.3f}, {explained.band}\n")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("part", "value", "place", "standard", "× weight", "= adds"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for part in explained.parts:
        values = (f"{part.value:.3f}", str(part.rank), f"{part.standard:+.2f}", f"{part.weight:.1f}", f"{part.contribution:+.2f}")
        table.add_row(part.part, *values)
    table.add_row("fused", "", str(explained.rank), "", "", f"{explained.fused:+.2f}", style="bold")
    console.print(table)
    for part in explained.parts:
        console.print(Text(f"  {part.part}: {part.meaning}", style="dim"))
    sum_of = " ".join(f"{explained.coefficients[name]:+.3f} × {name} {value:.3f}" for name, value in explained.features.items())
    thresholds = ", ".join(f"{name} from {value:.2f}" for name, value in explained.thresholds.items())
    console.print(Text("\nProbability", style="bold"))
    console.print(f"  useful {explained.useful:.3f} = logistic({explained.intercept:+.3f} {sum_of})")
    console.print(f"  × describes a project {explained.describes_project:.3f} = {explained.probability:.3f}; {thresholds}")
    console.print(Text("\nWords in common", style="bold"))
    words = ", ".join(f"{term.term} {term.bm25:.2f}" for term in explained.terms) or "none"
    console.print(Padding(Text(words), (0, 0, 0, 2)))
    console.print(Text("\nNearest passage of each sentence (cosine, usual cosine of the sentence)", style="bold"))
    for sentence in explained.sentences:
        console.print(Padding(Text(f"{sentence.cosine:.3f} {sentence.usual:.3f}  {sentence.query}"), (0, 0, 0, 2)))
        kind = _KIND_NAMES.get(sentence.kind, sentence.kind)
        console.print(Padding(Text(f"{kind}, line {sentence.line}: {sentence.passage}", style="dim"), (0, 0, 0, 15)))


def verdict_line(answer: Answer) -> str:
    """Return e.g. `3 strong precedents, 5 related`."""
    counts = {band: sum(case.band == band for case in answer.cases) for band in ("strong", "related", "weak")}
    parts = []
    if counts["strong"]:
        parts.append(f"{counts['strong']} strong precedent{'s' * (counts['strong'] != 1)}")
    if counts["related"]:
        parts.append(f"{counts['related']} related{' case' * (not parts)}{'s' * (not parts and counts['related'] != 1)}")
    if not parts:
        parts.append(f"{counts['weak']} weak match{'es' * (counts['weak'] != 1)}")
    return ", ".join(parts)


def _marks(case: FoundCase, *, several: bool) -> list[str]:
    """Return what must be known of a case before it is relied on: that it is not reviewed, or contested, and where it comes from."""
    return [case.status] * (case.status != "published") + [f"corpus {case.corpus}"] * several


def _case(case: FoundCase, taxonomy: Taxonomy, *, several: bool) -> Group:
    head = Text("\n").append(f"{case.band.upper():8}", _BAND_STYLES[case.band]).append(case.title, "bold")
    facts = [case.organisation or "organisation not named", case.years, taxonomy.name("outcome", case.outcome)]
    if case.outcome != "succeeded" and case.phase:
        facts.append(f"broke in {taxonomy.name('phase', case.phase).lower()}")
    facts += _marks(case, several=several)
    if case.impact:
        facts.append(case.impact.rstrip("."))
    line = Text(" · ".join(fact for fact in facts if fact), style="dim").append(f"  {case.id}", "cyan")
    parts: list[Text | Padding] = [head, Padding(line, (0, 0, 0, 8))]
    for reason in case.reasons:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=13, style="dim", justify="right")
        table.add_column(ratio=1)
        table.add_row("you", Text(f"“{' '.join(reason.query.split())}”", style="italic"))
        passage = Text(f"{reason.lead} ", style="bold") if reason.lead else Text()
        table.add_row(_KIND_NAMES[reason.kind], passage.append(reason.passage, "not bold"))
        parts.append(Padding(table, (0, 0, 0, 0)))
    return Group(*parts)


def _strategy(number: int, strategy: RankedStrategy, taxonomy: Taxonomy) -> Group:
    who = ", ".join(taxonomy.name("role", role).lower() for role in strategy.roles)
    head = Text(f"{number:3}. ").append(strategy.title, "bold").append(f"  {strategy.id}", "cyan")
    when = Text(f"{taxonomy.name('phase', strategy.phase)} · {taxonomy.name('effort', strategy.effort).lower()} · {who}", style="dim")
    cases = list(dict.fromkeys(each.case + " (draft)" * (each.status == "draft") for each in strategy.evidence))
    more = f" and {len(cases) - _N_EVIDENCE} more" * (len(cases) > _N_EVIDENCE)
    evidence = Text("cases: " + ", ".join(cases[:_N_EVIDENCE]) + more, style="dim")
    return Group(head, Padding(when, (0, 0, 0, 5)), Padding(evidence, (0, 0, 0, 5)))


def print_page(markdown: str) -> None:
    """Print a page of documentation: as text for a program, for reading at a terminal."""
    console = _console()
    if console.is_terminal:
        console.print(Markdown(markdown))
    else:
        console.file.write(markdown)


def print_table(what: str, items: Sequence[Any], *, several: bool = False) -> None:
    """Print cases, strategies or categories, one a line; with several corpora also which one a case is of."""
    columns = {
        "cases": ("id", "title", "years", "outcome"),
        "strategies": ("id", "title", "phase", "n_cases"),
        "categories": ("id", "name", "n_cases"),
    }[what]
    if what == "cases":
        unreviewed = any(item.status != "published" for item in items)
        columns = (*columns, *["status"] * unreviewed, *["corpus"] * several)
    console = _console()
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.replace("n_cases", "cases"), overflow="fold", style="cyan" if column == "id" else "")
    for item in items:
        table.add_row(*(str(getattr(item, column) or "") for column in columns))
    console.print(table)
    console.print(Text(f"{len(items)} {what}", style="dim"))


def print_terms(taxonomy: Taxonomy) -> None:
    """Print every vocabulary with its terms and their definitions."""
    console = _console()
    for vocabulary in taxonomy.__struct_fields__:
        console.print(Text(f"\n{vocabulary}", style="bold"))
        for term in taxonomy.terms(vocabulary):
            console.print(Text(f"  {term.id}", style="cyan").append(f"  {term.definition}", "not dim"))


def print_markdown(stored: StoredCase | StoredStrategy) -> None:
    """Print a case or strategy for reading: title, Markdown, and the sources by the marks that stand in the text."""
    console = _console()
    # Only of front matter: in a plain post-mortem such a line is a rule.
    body = stored.markdown.split("\n---\n", 1)[-1] if stored.markdown.startswith("---") else stored.markdown
    if isinstance(stored, StoredCase):
        title, sources = stored.case.meta.title, stored.case.sources
        if _DEFINITION.findall(body) == [each.id for each in sources]:
            body = _DEFINITION.sub("", body)
        else:  # a plain post-mortem has footnotes of its own, which stay where they stand
            sources = ()
    else:
        title, sources = stored.strategy.meta.title, tuple(Source(id="", title=each) for each in stored.strategy.meta.sources)
    console.print(Text(title, style="bold"))
    # Rich knows no footnotes: a definition stays a line of its own when a blank line stands before it.
    console.print(Markdown(_REFERENCE.sub(r"\\[\1\\]", body.replace("\n[^", "\n\n[^"))))
    if sources:
        _print_sources(console, sources)


def _print_sources(console: Console, sources: Sequence[Source]) -> None:
    """Print each as `[s1] Title, publisher, date. kind`, and its address on a line of its own, where it can be copied."""
    console.print()
    console.print(Markdown("## Sources"))
    for source in sources:
        text = ", ".join(filter(None, (plain(source.title), source.publisher, source.date)))
        mark, kind = f"[{source.id}] " * bool(source.id), f". {source.kind}" * bool(source.kind)
        console.print()
        console.print(Text(mark + text + kind))
        if source.url:
            console.print(Text(source.url, style="dim"), soft_wrap=True)


class BuildProgress(Reporter):
    """Shows a build on standard error: a line for what takes long, a bar for encoding."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=_console(stderr=True),
            transient=False,
        )
        self._task: Any = None

    def __enter__(self) -> BuildProgress:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def say(self, message: str) -> None:
        self._progress.console.print(message)

    def embedding(self, done: int, total: int) -> None:
        if self._task is None:
            self._task = self._progress.add_task("Encoding texts", total=total)
        self._progress.update(self._task, completed=done)


def print_built(built: Built, index: Path) -> None:
    """Say what a build did."""
    what = f"{built.n_cases} cases, {built.n_strategies} strategies, {built.n_embeddings} embeddings"
    console = _console(stderr=True)
    if built.unchanged:
        console.print(f"The index is up to date: {what} (generation {built.generation}).")
    else:
        console.print(f"Indexed {what}: {built.n_embedded} encoded, {built.n_embeddings - built.n_embedded} known from before.")
        console.print(f"Generation {built.generation} in {index} answers now.")
    if built.skipped:
        console.print(textwrap.shorten(f"Left out as invalid: {', '.join(built.skipped)}", 400))
