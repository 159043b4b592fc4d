"""What `premortem lint` finds beyond the form of a single file: vocabulary, sources, links, duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kb.case import INFERRED, Case, CaseMeta, Item, Strategy, StrategyMeta, items_of
from kb.corpus import CaseFile, Corpora
from kb.errors import Problem
from kb.parse import references
from kb.render import render_case, render_strategy
from kb.taxonomy import Taxonomy, did_you_mean

_FACETS = {  # front matter field → vocabulary
    "industry": "industry",
    "undertaking": "undertaking",
    "categories": "category",
    "phase": "phase",
    "outcome": "outcome",
    "systems": "system",
    "evidence": "evidence",
    "status": "status",
}
_STRATEGY_FACETS = {"phase": "phase", "roles": "role", "effort": "effort", "addresses": "category"}
_DATE = r"\d{4}(?:-\d\d(?:-\d\d)?)?(?: \d\d:\d\d)?"
_ZONE = r"(?: (?!AM|PM)[A-Z]{2,4})?"
_WHEN = re.compile(rf"{_DATE}{_ZONE}(?: to (?:{_DATE}|\d\d:\d\d){_ZONE})?")
_TAGS = {"symptom": "phase", "factor": "category"}


def lint(corpora: Corpora, *, form: bool = True) -> list[Problem]:
    """Return every problem of every file, by file, line and rule; empty when all is well.

    Args:
        corpora: as read.
        form: whether files must be in canonical form and dates ISO dates, too: what does not keep a case from being searched.
    """
    problems = [*corpora.problems, *_duplicates(corpora.files)]
    broken = {problem.source for problem in corpora.problems}
    strategies = {file.strategy.id for file in corpora.files if file.strategy}
    cases = {file.case.id for file in corpora.files if file.case}
    for file in corpora.files:
        source = str(file.path)
        if file.case:
            problems.extend(_case(file.case, source, file.text, corpora.taxonomy, strategies, cases))
        elif file.strategy:
            problems.extend(_strategy(file.strategy, source, file.text, corpora.taxonomy))
        if form and source not in broken:
            problems.extend(_form(source, file.text, _canonical(file)))
        if form and file.case:
            problems.extend(_dates(file.case, source))
    return sorted(set(problems))


def _duplicates(files: Iterable[CaseFile]) -> Iterator[Problem]:
    first: dict[tuple[str, str], str] = {}
    titles: dict[str, str] = {}
    for file in files:
        source = str(file.path)
        if (read := file.case or file.strategy) is None:
            continue
        other = first.setdefault((file.kind, read.id), source)
        if other != source:
            yield _problem(source, 1, "duplicate", f"id {read.id!r} is also {other}", "rename one of the two")
        other = titles.setdefault(read.meta.title.casefold() or source, source)
        if other != source:
            line = _front_line(file.text, "title")
            yield _problem(source, line, "duplicate", f"the title is also that of {other}", "give each its own title")


def _canonical(file: CaseFile) -> str:
    """Return the canonical text of a file; its own where nothing could be read from it."""
    if file.case:
        return render_case(file.case)
    return render_strategy(file.strategy) if file.strategy else file.text


def _problem(source: str, line: int, rule: str, message: str, advice: str) -> Problem:
    return Problem(source=source, line=line, rule=rule, message=message, advice=advice)


def _vocabulary(source: str, line: int, taxonomy: Taxonomy, vocabulary: str, words: Iterable[str]) -> Iterator[Problem]:
    known = taxonomy.ids(vocabulary)
    for word in words:
        if word not in known:
            yield _problem(source, line, "vocabulary", f"unknown {vocabulary} {word!r}", did_you_mean(word, known))


def _facets(meta: CaseMeta | StrategyMeta, source: str, text: str, taxonomy: Taxonomy, facets: dict[str, str]) -> Iterator[Problem]:
    for name, vocabulary in facets.items():
        value = getattr(meta, name)
        words = [word for word in ((value,) if isinstance(value, str) else value) if word]  # empty: told already
        yield from _vocabulary(source, _front_line(text, name), taxonomy, vocabulary, words)


def _front_line(text: str, name: str) -> int:
    """Return the line of a front matter field, 1 when it is not there."""
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.startswith(f"{name}:")), 1)


def _case(case: Case, source: str, text: str, taxonomy: Taxonomy, strategies: set[str], cases: set[str]) -> Iterator[Problem]:
    yield from _facets(case.meta, source, text, taxonomy, _FACETS)
    yield from _superseded(case, source, text, cases)
    for kind, item in items_of(case):
        yield from _item(kind, item, source, taxonomy, strategies)
    for event in case.timeline:
        if not event.sources:
            yield _problem(source, event.line, "source", "a timeline entry names no source", "end it with [^s1]")
    yield from _sources(case, source, taxonomy)


def _superseded(case: Case, source: str, text: str, cases: set[str]) -> Iterator[Problem]:
    by, line = case.meta.superseded_by, _front_line(text, "status")
    if case.meta.status == "superseded" and by is None:
        yield _problem(source, line, "front-matter", "a superseded case names no other", "add `superseded_by: id-of-the-other-case`")
    elif case.meta.status != "superseded" and by is not None:
        yield _problem(source, line, "front-matter", f"superseded_by stands in a {case.meta.status} case", "write `status: superseded`")
    elif by is not None and by not in cases:
        yield _problem(
            source, _front_line(text, "superseded_by"), "link", f"superseded_by {by!r} is no case", did_you_mean(by, sorted(cases))
        )


def _item(kind: str, item: Item, source: str, taxonomy: Taxonomy, strategies: set[str]) -> Iterator[Problem]:
    if kind not in {"likeness", "disputed"} and not item.lead:
        yield _problem(source, item.line, "item", f"{_a(kind)} has no lead", "begin it with **the point in a few words.**")
    if kind in _TAGS:
        vocabulary = _TAGS[kind]
        if item.tag is None:
            yield _problem(source, item.line, "item", f"{_a(kind)} names no {vocabulary}", f"add `{vocabulary}` before the footnotes")
        else:
            yield from _vocabulary(source, item.line, taxonomy, vocabulary, [item.tag])
    if kind not in {"likeness", "disputed"} and not item.sources:
        yield _problem(source, item.line, "source", f"{_a(kind)} names no source", "end it with [^s1], or [^inferred] for advice of ours")
    if item.strategy and item.strategy not in strategies:
        yield _problem(source, item.line, "link", f"no strategy {item.strategy!r}", did_you_mean(item.strategy, sorted(strategies)))


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _sources(case: Case, source: str, taxonomy: Taxonomy) -> Iterator[Problem]:
    used: dict[str, int] = {}
    for line, refs in _references(case):
        for ref in refs:
            used.setdefault(ref, line)
    defined = {each.id: each for each in case.sources}
    for ref, line in used.items():
        if ref not in defined:
            yield _problem(source, line, "source", f"[^{ref}] is not defined", "define it at the end of the file")
    for ref, each in defined.items():
        if ref not in used:
            yield _problem(source, each.line, "source", f"[^{ref}] is never used", "cite it where it supports a statement, or remove it")
        if ref != INFERRED:
            yield from _vocabulary(source, each.line, taxonomy, "evidence", [each.kind])
    urls: dict[str, str] = {}
    for each in case.sources:
        if each.url and urls.setdefault(each.url, each.id) != each.id:
            yield _problem(source, each.line, "source", f"[^{each.id}] and [^{urls[each.url]}] have one address", "keep one of the two")


def _references(case: Case) -> Iterator[tuple[int, list[str]]]:
    for paragraph in (*case.undertaking, *case.story):
        yield paragraph.line, references(paragraph.text)
    for event in case.timeline:
        yield event.line, [*references(event.text), *event.sources]
    for _, item in items_of(case):
        yield item.line, [*references(item.lead), *references(item.text), *item.sources]


def _strategy(strategy: Strategy, source: str, text: str, taxonomy: Taxonomy) -> Iterator[Problem]:
    yield from _facets(strategy.meta, source, text, taxonomy, _STRATEGY_FACETS)
    for name in ("roles", "addresses"):
        if not getattr(strategy.meta, name) and f"\n{name}: []" in text:
            yield _problem(source, _front_line(text, name), "front-matter", f"`{name}` is empty", "name at least one")


def _dates(case: Case, source: str) -> Iterator[Problem]:
    for event in case.timeline:
        if event.when and not _WHEN.fullmatch(event.when):
            yield _problem(
                source,
                event.line,
                "date",
                f"{event.when!r} is not a date",
                "write 2018, 2018-07, 2018-07-09, with 17:20 UTC, or two with ` to `",
            )


def _form(source: str, text: str, canonical: str) -> Iterator[Problem]:
    """Tell the first line that differs from the canonical form."""
    if text == canonical:
        return
    ours, theirs = canonical.split("\n"), text.split("\n")
    for number, (want, have) in enumerate(zip([*ours, ""], [*theirs, ""], strict=False), 1):
        if want != have:
            yield _problem(source, number, "form", "not in canonical form", f"write {want!r}, or run `premortem lint --fix`")
            return
    yield _problem(source, min(len(ours), len(theirs)), "form", "not in canonical form", "run `premortem lint --fix`")


def fix_form(corpora: Corpora) -> int:
    """Rewrite the files that are well-formed but not canonical; return how many were."""
    broken = {problem.source for problem in corpora.problems}
    rewritten = 0
    for file in corpora.files:
        canonical = _canonical(file)
        if str(file.path) not in broken and canonical != file.text:
            beside = file.path.with_name(f".{file.path.name}.fixed")
            beside.write_text(canonical, "utf-8")
            beside.replace(file.path)
            rewritten += 1
    return rewritten
