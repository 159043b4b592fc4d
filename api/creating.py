"""`premortem new`: a case study or strategy to start from, by questions or by flags; what is not known is marked TODO."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from kb.case import INFERRED, TODO, Case, CaseMeta, Item, Source, Strategy, StrategyMeta
from kb.corpus import TAXONOMY, corpus_files, read_file, shipped
from kb.errors import CaseExistsError, FolderNotWritableError
from kb.parse import SLUG, read_case, read_strategy
from kb.render import render_case, render_strategy
from kb.taxonomy import Taxonomy, Term, did_you_mean, read_taxonomy
from kb.template import blank_strategy, gaps_of_meta, slug_of, with_gaps_marked

Answers = dict[str, tuple[str, ...]]
"""Name of a question → what was answered; nothing for a gap."""
_N_SUGGESTED = 3
_MAX_CATEGORIES = 4


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know of a new file."""

    name: str
    text: str
    vocabulary: str = ""
    """Where the answer is one of its terms."""
    most: int = 1
    """Most answers."""
    flag: str = field(default="", kw_only=True)

    @property
    def option(self) -> str:
        return self.flag or f"--{self.name.replace('_', '-')}"


CASE_QUESTIONS = (
    Question("title", "Title: what was attempted and how it went, in one sentence"),
    Question("organisation", "Organisation (leave it out where it is to stay anonymous)"),
    Question("country", "Country, by its plain English name"),
    Question("years", "Years: 2011, or 2011-2018"),
    Question("industry", "Industry", "industry"),
    Question("undertaking", "Kind of undertaking", "undertaking"),
    Question("categories", "What made it fail, the main thing first", "category", _MAX_CATEGORIES, flag="--category"),
    Question("phase", "Where it broke", "phase"),
    Question("outcome", "How it ended", "outcome"),
    Question("systems", "Systems involved", "system", 8, flag="--system"),
    Question("source_title", "Source: the title of the report or article that tells it (for your own account, give it a title)"),
    Question("source_url", "Its web address, if it has one"),
    Question("source_publisher", "Its publisher"),
    Question("source_date", "Its date: 2019, 2019-05 or 2019-05-31"),
    Question("source_kind", "Its kind", "evidence"),
)
STRATEGY_QUESTIONS = (
    Question("title", "Title: what to do, in a few words, as an order"),
    Question("phase", "When to act", "phase"),
    Question("roles", "Who acts", "role", 8, flag="--role"),
    Question("effort", "Effort, for a team of usual size", "effort"),
    Question("addresses", "What it works against", "category", 6, flag="--category"),
)

_Read = TypeVar("_Read", Case, Strategy)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that could be written."""

    path: Path
    text: str

    @property
    def n_gaps(self) -> int:
        """Lines with something left to write."""
        return sum(TODO in line for line in self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a new file must fit into."""

    taxonomy: Taxonomy
    ids: dict[str, Path]
    """Id of every case and strategy there is → its file."""
    strategies: tuple[Strategy, ...]


def look_around(folders: Sequence[Path]) -> Surroundings:
    """Return vocabulary, ids and strategies of the corpora.

    Raises:
        CorpusError: a folder is missing or holds no cases, or its taxonomy cannot be read.
    """
    taxonomy = read_taxonomy(shipped("cases") / TAXONOMY)
    ids: dict[str, Path] = {}
    strategies = []
    for folder in folders:
        if (folder / TAXONOMY).is_file():
            taxonomy = taxonomy.extended(read_taxonomy(folder / TAXONOMY))
        for path, kind in corpus_files(folder):
            ids.setdefault(path.stem, path)
            if kind == "strategy" and (file := read_file(path, kind)[0]) and file.strategy:
                strategies.append(file.strategy)
    return Surroundings(taxonomy, ids, tuple(strategies))


def known_term(question: Question, word: str, terms: Sequence[Term]) -> str:
    """Return the id of the term that a word means: its number in the list, its id or the beginning
    of it, a former id, or its name.

    Raises:
        click.BadParameter: none; names the nearest.
    """
    if word.isdecimal() and 1 <= int(word) <= len(terms):
        return terms[int(word) - 1].id
    plain = word.strip().casefold()
    for term in terms:
        if plain in {term.id, term.name.casefold(), *term.aliases}:
            return term.id
    begun = [term.id for term in terms if plain and term.id.startswith(plain)]
    if len(begun) == 1:
        return begun[0]
    raise click.BadParameter(
        f"no {question.vocabulary} {word!r}: {did_you_mean(plain, [term.id for term in terms])}", param_hint=question.option
    )


def checked_answers(questions: Sequence[Question], given: dict[str, object], taxonomy: Taxonomy) -> Answers:
    """Return the flags that were given as answers.

    Raises:
        click.BadParameter: a word is of no vocabulary, or there are too many.
    """
    answers: Answers = {}
    for question in questions:
        value = given.get(question.name)
        words = [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else []
        words = [" ".join(word.split()) for word in words if word.strip()]
        if len(words) > question.most:
            raise click.BadParameter(f"{len(words)} are too many: give at most {question.most}", param_hint=question.option)
        if question.vocabulary:
            words = [known_term(question, word, taxonomy.terms(question.vocabulary)) for word in words]
        if words:
            answers[question.name] = tuple(dict.fromkeys(words))
    return answers


def new_case(case_id: str, answers: Answers, strategies: Sequence[Strategy]) -> Case:
    """Return a draft of a case; strategies that address its categories are proposed for its prevention."""
    one = {name: values[0] for name, values in answers.items() if values}
    meta = gaps_of_meta(
        CaseMeta,
        title=one.get("title"),
        organisation=one.get("organisation"),
        industry=one.get("industry"),
        country=one.get("country"),
        years=one.get("years"),
        undertaking=one.get("undertaking"),
        categories=answers.get("categories"),
        phase=one.get("phase"),
        outcome=one.get("outcome"),
        systems=answers.get("systems"),
        evidence=one.get("source_kind"),
        status="draft",
    )
    told = {name: one.get(f"source_{name}", "") for name in ("title", "url", "publisher", "date", "kind")}
    case = Case(
        id=case_id,
        meta=meta,
        undertaking=(),
        prevention=tuple(_proposed(strategy) for strategy in _addressing(meta.categories, strategies)),
        sources=(msgspec.structs.replace(Source(id="s1", title=""), **told),) if any(told.values()) else (),
    )
    return with_gaps_marked(case)


def _addressing(categories: Sequence[str], strategies: Sequence[Strategy]) -> list[Strategy]:
    """Return the few strategies that address most of the categories, the main one counting first."""

    def rank(strategy: Strategy) -> tuple[bool, int, str]:
        addressed = [category in strategy.meta.addresses for category in categories]
        return not addressed[0], -sum(addressed), strategy.id

    fitting = [strategy for strategy in strategies if set(categories) & set(strategy.meta.addresses)]
    return sorted((each for each in fitting if not set("[]") & set(each.meta.title)), key=rank)[:_N_SUGGESTED]


def _proposed(strategy: Strategy) -> Item:
    text = "TODO: what it would have changed here; take the line out if nothing."
    return Item(lead=strategy.meta.title, text=text, strategy=strategy.id, sources=(INFERRED,))


def draft(kind: str, item_id: str, answers: Answers, strategies: Sequence[Strategy]) -> str:
    """Return the Markdown of a new case or strategy.

    Raises:
        click.UsageError: an answer would break the form of the file.
    """
    if kind == "case":
        text = render_case(new_case(item_id, answers, strategies))
        read, problems = read_case(text, source=f"{item_id}.md")
        again = render_case(read)
    else:
        known = {name: values if name in {"roles", "addresses"} else values[0] for name, values in answers.items()}
        text = render_strategy(blank_strategy(item_id, gaps_of_meta(StrategyMeta, **known)))
        strategy, problems = read_strategy(text, source=f"{item_id}.md")
        again = render_strategy(strategy)
    if problems:
        raise click.UsageError("; ".join(f"{problem.message}: {problem.advice}" for problem in problems))
    if again != text:
        raise click.UsageError("an answer reads as Markdown of its own: leave out its *, [, ] and ` marks")
    return text


def ask(questions: Sequence[Question], taxonomy: Taxonomy, kind: str) -> Answers:
    """Ask every question at the terminal; an empty answer leaves a gap, one that cannot be used is asked again."""
    click.echo("One question at a time. Enter leaves a gap, which is marked TODO in the file; Ctrl-C stops and writes nothing.")
    answers: Answers = {}
    for question in questions:
        if question.name.startswith("source_") and question.name != "source_title" and "source_title" not in answers:
            continue
        terms = taxonomy.terms(question.vocabulary) if question.vocabulary else ()
        click.echo(f"\n{click.style(question.text, bold=True)}")
        for number, term in enumerate(terms, 1):
            click.echo(f"{number:4}  {term.name:34}  {click.style(term.definition, dim=True)}")
        how = "" if not terms else "number or word" if question.most == 1 else f"numbers or words, at most {question.most}, with commas"
        found = _until_usable(lambda question=question, how=how: _answered(question, how, answers, taxonomy, kind))  # type: ignore[misc]
        if found:
            answers[question.name] = found
    return answers


def _answered(question: Question, how: str, before: Answers, taxonomy: Taxonomy, kind: str) -> tuple[str, ...]:
    typed = str(click.prompt(how, default="", show_default=False, prompt_suffix="> "))
    words = tuple(typed.split(",")) if question.most > 1 else (typed,)
    answers = checked_answers([question], {question.name: words}, taxonomy)
    draft(kind, "new", {**before, **answers}, ())  # its form is told here and now, not after the last question
    return answers.get(question.name, ())


def _until_usable(ask_once: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    while True:
        try:
            return ask_once()
        except click.UsageError as error:
            click.echo(f"  {error.message}", err=True)


def file_id(given: str | None, answers: Answers, *, ask_for_it: bool) -> str:
    """Return the id of the new file: as given, as asked for, or made of organisation or title and years.

    Raises:
        click.UsageError: it is no slug, or there is nothing to make one of.
    """
    main = answers.get("organisation") or answers.get("title") or ("",)
    item_id = (given or "").removesuffix(".md") or slug_of(main[0], answers.get("years", ("",))[0])
    if ask_for_it and not given:
        click.echo(f"\n{click.style('File name: who or what, and when; it stays for ever', bold=True)}")
        item_id = str(click.prompt("", default=item_id or None, prompt_suffix="> ")).removesuffix(".md")
    if not SLUG.fullmatch(item_id):
        what = f"{item_id!r} cannot be a file name" if item_id else "the new file has no name"
        raise click.UsageError(f"{what}: give one like example-company-2019, or a --title to make it of")
    return item_id


def write_new(file: NewFile, ids: dict[str, Path]) -> None:
    """Write a file that is not there yet.

    Raises:
        CaseExistsError: it is, or its id is taken.
        FolderNotWritableError: the folder cannot be written to.
    """
    taken = ids.get(file.path.stem)
    try:
        if taken:
            raise FileExistsError
        if not file.path.parent.is_dir():
            file.path.parent.mkdir(parents=True)
        with file.path.open("x", encoding="utf-8") as stream:  # x: never over an existing file, not even one made a moment ago
            stream.write(file.text)
    except FileExistsError as error:
        there = taken or (file.path if file.path.exists() else file.path.parent)  # its folder: something that is none
        raise CaseExistsError(
            f"{there} is there already", next_step="give another name, such as one with the year; nothing was written"
        ) from error
    except OSError as error:
        raise FolderNotWritableError(f"cannot write {file.path}: {error.strerror}", next_step="give another folder with --out") from error


def folder_for(kind: str, out: Path | None, corpus: Path) -> Path:
    """Return where a new file goes: the folder given, else that of the corpus, else (its cases came with a wheel) the present one."""
    if out:
        return out
    if corpus == shipped("cases") and not (corpus.parent / "pyproject.toml").is_file():
        return Path()
    part = corpus / {"case": "studies", "strategy": "strategies"}[kind]
    return part if part.is_dir() else corpus


def shown(path: Path) -> Path:
    """Return a path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


def create(name: str | None, kind: str, given: dict[str, object], *, out: Path | None, folders: Sequence[Path]) -> None:
    """Make a new file: by questions where no flag was given and somebody sits at the terminal, else from the flags alone.

    Raises:
        click.UsageError: an answer cannot be used, or a flag is none of this kind of file.
        CaseExistsError: nothing is ever overwritten.
        PremortemError: the corpus cannot be read, the folder not written to.
    """
    questions = CASE_QUESTIONS if kind == "case" else STRATEGY_QUESTIONS
    flags = {question.option[2:].replace("-", "_"): question.name for question in questions}
    given = {name: value for name, value in given.items() if value not in (None, ())}
    for flag in given.keys() - flags.keys():
        raise click.UsageError(f"a {kind} has no --{flag.replace('_', '-')}")
    around = look_around(folders)
    interactive = not given and sys.stdin.isatty()
    if interactive:
        answers = ask(questions, around.taxonomy, kind)
    else:
        answers = checked_answers(questions, {flags[flag]: value for flag, value in given.items()}, around.taxonomy)
    item_id = file_id(name, answers, ask_for_it=interactive)
    path = folder_for(kind, out, folders[0]) / f"{item_id}.md"
    file = NewFile(path, draft(kind, item_id, answers, around.strategies))
    write_new(file, around.ids)
    click.echo(_said(file, kind))


def _said(file: NewFile, kind: str) -> str:
    path = shown(file.path)
    last = "set its `status` to published and open a pull request (CONTRIBUTING.md)" if kind == "case" else "open a pull request"
    steps = [
        f"Open {path} and write what each TODO asks for.",
        f"premortem lint {path}    tells every problem, with its line",
        'premortem index && premortem search "a plan that should meet it"' if kind == "case" else "",
        f"When lint is silent, {last}.",
    ]
    told = [f"  {number}. {step}" for number, step in enumerate(filter(None, steps), 1)]
    return "\n".join([f"Wrote {path}: {file.n_gaps} lines are marked TODO. Next:", *told])
