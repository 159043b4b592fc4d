"""Lists and details that both the API and the pages show."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

import msgspec
from rapidfuzz import fuzz, process

from api.schemas import CaseSummary, CategoryDetail, CategorySummary, Statement, StrategySummary
from kb.records import Filters, StoredCase
from kb.store import Store
from kb.text import words

_ALIKE = 70
"""Least likeness, 0 to 100, of an id that is offered in place of an unknown one."""
_LONGEST_ID = 255
"""Characters compared of an unknown id; no file name is longer, and comparing takes time by the character."""


def case_rows(store: Store, filters: Filters, keywords: str = "") -> list[int]:
    """Return the rows of the cases that satisfy the filters: by title, or best first when there are keywords."""
    terms = words(keywords)
    if keywords.strip() and not terms:
        return []  # nothing but punctuation occurs nowhere
    if terms:
        allowed = set(store.filter_rows(filters))
        hits = store.lexical(terms)
        return [row for row, _ in hits if row in allowed]
    return store.rows_by_title(filters)


def list_cases(store: Store, filters: Filters, keywords: str = "") -> list[StoredCase]:
    """Return the cases that satisfy the filters: by title, or best first when there are keywords."""
    return store.cases(case_rows(store, filters, keywords))


def linked_cases(store: Store) -> dict[str, int]:
    """Return strategy id → number of cases that point at it, those that are withdrawn or superseded left out."""
    cases: defaultdict[str, set[str]] = defaultdict(set)
    for link in store.links():
        if link.case_id not in store.unsearchable:
            cases[link.strategy_id].add(link.case_id)
    return {strategy: len(its) for strategy, its in cases.items()}


def list_strategies(store: Store, *, phase: str | None = None, category: str | None = None) -> list[StrategySummary]:
    """Return strategies in order of phase, the most linked first within one."""
    linked = linked_cases(store)
    found = [StrategySummary.of(stored, linked.get(stored.strategy.id, 0)) for stored in store.strategies()]
    kept = [each for each in found if phase in (None, each.phase) and (category is None or category in each.addresses)]
    return sorted(kept, key=lambda each: (store.taxonomy.order("phase", each.phase), -each.n_cases, each.id))


def list_categories(store: Store) -> list[CategorySummary]:
    """Return the categories in the order of the taxonomy."""
    counts = store.facet_counts().get("category", {})
    return [CategorySummary.of(term, counts.get(term.id, 0)) for term in store.taxonomy.terms("category")]


def category_detail(store: Store, category_id: str) -> CategoryDetail:
    """Return a category with its cases, factors, lessons and strategies; withdrawn and superseded cases are listed, but state nothing.

    Raises:
        NotFoundError: no such category.
    """
    term = store.taxonomy.term("category", category_id)
    cases = list_cases(store, Filters(category=(category_id,)))
    strategies = sorted(list_strategies(store, category=category_id), key=lambda each: (-each.n_cases, each.id))
    # A case's lessons belong to its main category: listing them under each of its categories would repeat them fourfold.
    telling = [stored for stored in cases if stored.case.is_searchable]
    main = [stored for stored in telling if _is_main(category_id, stored)]
    return CategoryDetail(
        summary=CategorySummary.of(term, len(cases)),
        cases=[CaseSummary.of(stored) for stored in cases],
        factors=[Statement.of(stored, item) for stored in telling for item in stored.case.factors if item.tag == category_id],
        lessons=[Statement.of(stored, item) for stored in main or telling for item in stored.case.lessons],
        strategies=strategies,
    )


def weighs_most(store: Store, category_id: str) -> bool:
    """Return whether it is the main category of any case that states something; else the lessons under it are those of all its cases."""
    cases = list_cases(store, Filters(category=(category_id,)))
    return any(stored.case.is_searchable and _is_main(category_id, stored) for stored in cases)


def _is_main(category_id: str, stored: StoredCase) -> bool:
    return stored.case.meta.categories[0] == category_id


def statements(store: Store, field: str, filters: Filters) -> list[Statement]:
    """Return the items in one field of the cases that satisfy the filters, by case title; withdrawn or superseded cases state none."""
    telling = [stored for stored in list_cases(store, filters) if stored.case.is_searchable]
    return [Statement.of(stored, item) for stored in telling for item in getattr(stored.case, field)]


def symptoms(store: Store, filters: Filters) -> list[Statement]:
    """Return the early-warning signs of the cases that satisfy the filters; `phase` asks for that of the sign, not of its case.

    Raises:
        FilterError: a value is not of its vocabulary; names the nearest.
    """
    store.filter_rows(Filters(phase=filters.phase))  # refuses a phase that there is none of
    found = statements(store, "symptoms", msgspec.structs.replace(filters, phase=()))
    return [each for each in found if not filters.phase or each.tag in filters.phase]


class Entry(NamedTuple):
    """A page about one thing."""

    address: str
    title: str


def nearest_entries(store: Store, section: str, wanted: str, *, limit: int = 3) -> list[Entry]:
    """Return the pages of a section (`cases`, `strategies` or `categories`) whose ids are most like a mistyped one, best first."""
    ids: dict[str, list[str]] = {
        "cases": store.case_ids,
        "strategies": [stored.strategy.id for stored in store.strategies()],
        "categories": store.taxonomy.ids("category"),
    }
    found = process.extract(wanted[:_LONGEST_ID], ids.get(section, []), scorer=fuzz.WRatio, limit=limit, score_cutoff=_ALIKE)
    return [Entry(f"/{section}/{near}", _title(store, section, near)) for near, _, _ in found]


def _title(store: Store, section: str, entry_id: str) -> str:
    if section == "cases":
        return store.case(entry_id).case.meta.title
    return store.strategy(entry_id).strategy.meta.title if section == "strategies" else store.taxonomy.name("category", entry_id)


class Supported(NamedTuple):
    """A strategy, and how many of a category's cases speak for it."""

    strategy: StrategySummary
    n_cases: int
    n_sourced: int
    """Of these, cases in which a source itself gives the advice."""


def supported_strategies(store: Store, category_id: str) -> list[Supported]:
    """Return the strategies that a category's cases point at, those named by most of them first; of equals, those named by sources.

    Withdrawn and superseded cases do not count.
    """
    telling = [stored for stored in list_cases(store, Filters(category=(category_id,))) if stored.case.is_searchable]
    links = store.links(case_ids=[stored.case.id for stored in telling])
    cases = Counter(strategy for _, strategy in {(link.case_id, link.strategy_id) for link in links})
    sourced = Counter(strategy for _, strategy in {(link.case_id, link.strategy_id) for link in links if not link.inferred})
    against = list_strategies(store, category=category_id)
    found = [Supported(each, cases[each.id], sourced[each.id]) for each in against if cases[each.id]]
    return sorted(found, key=lambda each: (-each.n_cases, -each.n_sourced, each.strategy.id))
