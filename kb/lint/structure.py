"""Rules on what a file is made of: vocabulary, items, sources, links between files, duplicates, canonical form."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator

from kb.case import INFERRED, Case, CaseMeta, Item, StrategyMeta, is_gap, items_of
from kb.corpus import CaseFile
from kb.errors import Problem
from kb.lint.known import Known, address, folded
from kb.lint.page import Page
from kb.parse import references
from kb.render import render_case, render_strategy
from kb.taxonomy import Taxonomy, did_you_mean

CASE_FACETS = {  # front matter field → vocabulary
    "industry": "industry",
    "undertaking": "undertaking",
    "categories": "category",
    "phase": "phase",
    "outcome": "outcome",
    "systems": "system",
    "evidence": "evidence",
    "status": "status",
}
STRATEGY_FACETS = {"phase": "phase", "roles": "role", "effort": "effort", "addresses": "category"}
_DATE = r"\d{4}(?:-\d\d(?:-\d\d)?)?(?: \d\d:\d\d)?"
_ZONE = r"(?: (?!AM|PM)[A-Z]{2,4})?"
_WHEN = re.compile(rf"{_DATE}{_ZONE}(?: to (?:{_DATE}|\d\d:\d\d){_ZONE})?")
_CALENDAR = re.compile(r"\d{4}-(\d\d)(?:-(\d\d))?")
_TAGS = {"symptom": "phase", "factor": "category"}
_PLAIN = {"likeness", "disputed"}
"""Kinds of items that are sentences of their own: no lead, and a source only where one is cited."""


def structure(page: Page, known: Known) -> Iterator[Problem]:
    """Yield the problems that keep a file from being searched or shown."""
    if page.case:
        yield from _facets(page, page.case.meta, known.taxonomy, CASE_FACETS)
        yield from _superseded(page, page.case, known)
        for kind, item in items_of(page.case):
            yield from _item(page, kind, item, known)
        for event in page.case.timeline:
            if not event.sources and not is_gap(event.text):
                yield page.problem(event.line, "source-missing", "a timeline entry names no source", "end it with [^s1]")
        yield from _sources(page, page.case, known.taxonomy)
    elif page.strategy:
        yield from _facets(page, page.strategy.meta, known.taxonomy, STRATEGY_FACETS)
        for name in ("roles", "addresses"):
            if not getattr(page.strategy.meta, name) and f"\n{name}: []" in page.text:
                yield page.problem(page.front_line(name), "front-matter", f"`{name}` is empty", "name at least one")


def duplicates(page: Page, known: Known) -> Iterator[Problem]:
    """Yield an id or a title that another file has."""
    if (read := page.case or page.strategy) is None:
        return
    other = (known.cases if page.case else known.strategies)[read.id]
    if other != page.source:
        yield page.problem(1, "duplicate", f"id {read.id!r} is also {other}", "rename one of the two")
    other = known.titles[folded(read.meta.title)] if read.meta.title else page.source
    if other != page.source:
        line = page.front_line("title")
        yield page.problem(line, "duplicate", f"the title is also that of {other}", "give each its own title", at=read.meta.title)


def _facets(page: Page, meta: CaseMeta | StrategyMeta, taxonomy: Taxonomy, facets: dict[str, str]) -> Iterator[Problem]:
    for name, vocabulary in facets.items():
        value = getattr(meta, name)
        words = [word for word in ((value,) if isinstance(value, str) else value) if word]  # empty: told already
        yield from _vocabulary(page, page.front_line(name), taxonomy, vocabulary, words)


def _vocabulary(page: Page, line: int, taxonomy: Taxonomy, vocabulary: str, words: Iterable[str]) -> Iterator[Problem]:
    known = taxonomy.ids(vocabulary)
    for word in words:
        if word in known or is_gap(word):
            continue
        if renamed := taxonomy.aliases(vocabulary).get(word):
            yield page.problem(line, "vocabulary", f"{vocabulary} {word!r} has a new name", f"write {renamed!r}", at=word)
        else:
            yield page.problem(line, "vocabulary", f"unknown {vocabulary} {word!r}", did_you_mean(word, known), at=word)


def _superseded(page: Page, case: Case, known: Known) -> Iterator[Problem]:
    by, line = case.meta.superseded_by, page.front_line("status")
    if case.meta.status == "superseded" and by is None:
        yield page.problem(line, "front-matter", "a superseded case names no other", "add `superseded_by: id-of-the-other-case`")
    elif case.meta.status != "superseded" and by is not None:
        yield page.problem(line, "front-matter", f"superseded_by stands in a {case.meta.status} case", "write `status: superseded`")
    elif by is not None and by not in known.cases:
        at = page.front_line("superseded_by")
        yield page.problem(at, "link", f"superseded_by {by!r} is no case", did_you_mean(by, sorted(known.cases)), at=by)


def _item(page: Page, kind: str, item: Item, known: Known) -> Iterator[Problem]:
    if item.tag is not None and kind in _TAGS:
        yield from _vocabulary(page, item.line, known.taxonomy, _TAGS[kind], [item.tag])
    if item.strategy and item.strategy not in known.strategies and not is_gap(item.strategy):
        advice = did_you_mean(item.strategy, sorted(known.strategies))
        yield page.problem(item.line, "link", f"no strategy {item.strategy!r}", advice, at=item.strategy)
    if kind in _PLAIN or is_gap(item.lead) or is_gap(item.text):
        return
    if not item.lead:
        yield page.problem(item.line, "item", f"{_a(kind)} has no lead", "begin it with **the point in a few words.**")
    if item.tag is None and kind in _TAGS:
        yield page.problem(item.line, "item", f"{_a(kind)} names no {_TAGS[kind]}", f"add `{_TAGS[kind]}` before the footnotes")
    if not item.sources:
        advice = "end it with [^s1]" + ", or [^inferred] for advice of ours" * (kind in {"lesson", "prevention"})
        yield page.problem(item.line, "source-missing", f"{_a(kind)} names no source", advice)


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _sources(page: Page, case: Case, taxonomy: Taxonomy) -> Iterator[Problem]:
    used: dict[str, int] = {}
    for line, refs in _references(case):
        for ref in refs:
            used.setdefault(ref, line)
    defined = {each.id: each for each in case.sources}
    broken = set(re.findall(r"^\[\^([^\]\s]{1,200})\]:", page.text, re.MULTILINE)) - defined.keys()  # told already
    for ref, line in used.items():
        if ref not in defined and ref not in broken:
            nearest = did_you_mean(ref, sorted(defined)) if defined else "there is none yet"
            yield page.problem(
                line, "source-undefined", f"[^{ref}] is not defined", f"define it at the end of the file; {nearest}", at=f"[^{ref}]"
            )
    for ref, each in defined.items():
        if ref not in used:
            advice = "cite it where it supports a statement, or remove it"
            yield page.problem(each.line, "source-unused", f"[^{ref}] is never cited", advice)
        if ref != INFERRED:
            yield from _vocabulary(page, each.line, taxonomy, "evidence", [each.kind])
    urls: dict[str, str] = {}
    for each in case.sources:
        if each.url and (first := urls.setdefault(address(each.url), each.id)) != each.id:
            yield page.problem(
                each.line, "source-form", f"[^{each.id}] and [^{first}] have one address", "keep one of the two", at=each.url
            )


def _references(case: Case) -> Iterator[tuple[int, list[str]]]:
    for paragraph in (*case.undertaking, *case.story):
        yield paragraph.line, references(paragraph.text)
    for event in case.timeline:
        yield event.line, [*references(event.text), *event.sources]
    for _, item in items_of(case):
        yield item.line, [*references(item.lead), *references(item.text), *item.sources]


def shared_sources(page: Page, known: Known) -> Iterator[Problem]:
    """Yield the sources on which a case read earlier rests, too."""
    for source in page.case.sources if page.case and page.case.is_searchable else ():
        other = known.addresses.get(address(source.url), page.source) if source.url else page.source
        if other != page.source:
            advice = "make sure that it is another failure; else add to that case"
            yield page.problem(source.line, "duplicate-source", f"[^{source.id}] is also a source of {other}", advice, at=source.url)


def evidence(page: Page, taxonomy: Taxonomy) -> Iterator[Problem]:
    """Yield an `evidence` that is not the best kind of source cited."""
    if not page.case:
        return
    known = taxonomy.ids("evidence")
    kinds = [source.kind for source in page.case.sources if source.kind in known]
    best = min(kinds, key=known.index, default=None)
    stated = page.case.meta.evidence
    if best and stated in known and stated != best:
        line = page.front_line("evidence")
        yield page.problem(
            line, "evidence", f"`evidence` is {stated}, and the best source is of the kind {best}", f"write {best}", at=stated
        )


def order(page: Page) -> Iterator[Problem]:
    """Yield timeline entries that are earlier than the one before them."""
    before = ""
    for event in page.case.timeline if page.case else ():
        when = event.when.partition(" to ")[0]
        if is_date(when):
            common = min(len(before), len(when))  # 2018 and 2018-07 are not told apart
            if when[:common] < before[:common]:
                yield page.problem(event.line, "timeline", f"{when} comes after {before}", "put the entries in order of time")
            before = when


def dates(page: Page) -> Iterator[Problem]:
    """Yield the timeline's dates that are none."""
    for event in page.case.timeline if page.case else ():
        if event.when and not is_gap(event.when) and not is_date(event.when):
            advice = "write 2018, 2018-07, 2018-07-09, with 17:20 UTC, or two with ` to `"
            yield page.problem(event.line, "date", f"{event.when!r} is not a date", advice, at=event.when)


def is_date(when: str) -> bool:
    """Return whether this is a date of a timeline, with months and days that exist."""
    if not _WHEN.fullmatch(when):
        return False
    for match in _CALENDAR.finditer(when):
        month, day = int(match[1]), int(match[2] or 1)
        if not 1 <= month <= 12 or not 1 <= day <= _days(int(match[0][:4]), month):
            return False
    return all(hour < 24 and minute < 60 for hour, minute in ((int(h), int(m)) for h, m in re.findall(r"(\d\d):(\d\d)", when)))


def _days(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1] if year else 31


def form(page: Page) -> Iterator[Problem]:
    """Yield the first line that differs from the canonical form."""
    ours = canonical(page.file)
    if page.text == ours:
        return
    want, have = ours.split("\n"), page.lines
    for number, (right, wrong) in enumerate(zip([*want, ""], [*have, ""], strict=False), 1):
        if right != wrong:
            yield page.problem(number, "form", "not in canonical form", f"write {right!r}, or run `premortem lint --fix`")
            return
    yield page.problem(min(len(want), len(have)), "form", "not in canonical form", "run `premortem lint --fix`")


def canonical(file: CaseFile) -> str:
    """Return the canonical text of a file; its own where nothing could be read from it."""
    if file.case:
        return render_case(file.case)
    return render_strategy(file.strategy) if file.strategy else file.text
