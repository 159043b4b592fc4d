"""Lists and details that both the API and the pages show."""

from __future__ import annotations

from collections import defaultdict

from api.schemas import CaseSummary, CategoryDetail, CategorySummary, Statement, StrategySummary
from indexer.description import lexical_expression
from kb.store import Filters, Store, StoredCase
from kb.text import words


def list_cases(store: Store, filters: Filters, keywords: str = "") -> list[StoredCase]:
    """Return the cases that satisfy the filters: by title, or best first when there are keywords."""
    rows = store.filter_rows(filters)
    terms = words(keywords)
    if keywords.strip() and not terms:
        return []  # nothing but punctuation occurs nowhere
    if terms:
        allowed = set(rows)
        hits = store.lexical(lexical_expression(tuple(terms)), limit=len(store.case_ids))
        return store.cases([row for row, _ in hits if row in allowed])
    return sorted(store.cases(rows), key=lambda stored: (stored.case.meta.title.casefold(), stored.case.id))


def linked_cases(store: Store) -> dict[str, int]:
    """Return strategy id → number of cases that point at it."""
    cases: defaultdict[str, set[str]] = defaultdict(set)
    for link in store.links():
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
    """Return a category with its cases, factors, lessons and strategies.

    Raises:
        NotFoundError: no such category.
    """
    term = store.taxonomy.term("category", category_id)
    cases = list_cases(store, Filters(category=(category_id,)))
    strategies = sorted(list_strategies(store, category=category_id), key=lambda each: (-each.n_cases, each.id))
    # A case's lessons belong to its main category: listing them under each of its categories would repeat them fourfold.
    main = [stored for stored in cases if stored.case.meta.categories[0] == category_id]
    return CategoryDetail(
        summary=CategorySummary.of(term, len(cases)),
        cases=[CaseSummary.of(stored) for stored in cases],
        factors=[Statement.of(stored, item) for stored in cases for item in stored.case.factors if item.tag == category_id],
        lessons=[Statement.of(stored, item) for stored in main or cases for item in stored.case.lessons],
        strategies=strategies,
    )


def statements(store: Store, field: str, filters: Filters) -> list[Statement]:
    """Return the items in one field of the cases that satisfy the filters, in order of case title."""
    return [Statement.of(stored, item) for stored in list_cases(store, filters) for item in getattr(stored.case, field)]
