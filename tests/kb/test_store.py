"""The store: what was written comes back, filters select, full text finds. Real SQLite files throughout."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from kb.case import Case, items_of
from kb.errors import FilterError, NotFoundError
from kb.full_text import FTS_COLUMNS, phrase
from kb.parse import parse_case, parse_strategy
from kb.records import Filters, Link, Passage, StoredCase, StoredStrategy, case_facets
from kb.store import Store
from kb.store_writer import write_store
from kb.taxonomy import Taxonomy, Term
from tests.kb.conftest import CASE, CASE_TEXT, STRATEGY, STRATEGY_TEXT

BANK, SHOP, RAIL = "example-bank-2018", "example-shop-2012", "example-rail"
VALUES = {  # all the terms of the small taxonomy
    "undertaking": "platform-migration digital-service",
    "category": "big-bang-rollout insufficient-testing capacity-limit",
    "phase": "go-live test operation",
    "outcome": "failed-go-live outage",
    "evidence": "official-report court-filing news",
    "status": "published withdrawn",
    "effort": "weeks",
    "role": "operations testers",
    "industry": "banking-and-payments retail transport",
    "system": "core-banking payments web-platform",
}


def small_taxonomy() -> Taxonomy:
    def term(name: str) -> Term:
        return Term(id=name, name=name, definition="Something.", examples=("one",), since="2026-01-01")

    return Taxonomy(**{vocabulary: tuple(map(term, names.split())) for vocabulary, names in VALUES.items()})


def variant(case_id: str, **changes: str) -> Case:
    """The good case under another id, with some fields or words changed."""
    text = CASE_TEXT
    for name, value in changes.items():
        [line] = [line for line in text.split("\n") if line.startswith(f"{name}:")]
        text = text.replace(line, f"{name}: {value}")
    return parse_case(text, source=f"{case_id}.md")


def three_cases() -> list[Case]:
    shop = variant(
        SHOP,
        title="A shop falls over",
        industry="retail",
        undertaking="digital-service",
        categories="[capacity-limit]",
        phase="operation",
        outcome="outage",
        systems="[web-platform]",
        evidence="news",
        years="2012",
    )
    return [variant(BANK), shop, variant(RAIL, title="A railway without years", industry="transport", years="null", status="withdrawn")]


def in_store(row: int, case: Case, *, corpus: str = "cases") -> StoredCase:
    return StoredCase(
        row=row,
        corpus=corpus,
        path=f"studies/{case.id}.md",
        markdown=f"# {case.id}",
        sha256=f"hash of {case.id}",
        updated="2026-11-22T08:00:00Z",
        case=case,
    )


def passages_of(case: Case) -> list[Passage]:
    kinds = {"likeness", "symptom", "factor", "lesson", "prevention"}
    items = [
        Passage(case_id=case.id, kind=kind, line=item.line, lead=item.lead, text=item.text or item.lead, tag=item.tag, embedded="…")
        for kind, item in items_of(case)
        if kind in kinds
    ]
    return [Passage(case_id=case.id, kind="undertaking", line=each.line, text=each.text, embedded="…") for each in case.undertaking] + items


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    return [passage for case in three_cases() for passage in passages_of(case)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, passages: list[Passage]) -> Path:
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    links = [
        Link(
            case_id=case.id, strategy_id=item.strategy, line=item.line, text=item.text or item.lead, inferred=item.sources == ("inferred",)
        )
        for case in three_cases()
        for item in case.prevention
        if item.strategy
    ]
    write_store(
        path,
        cases=[in_store(row, case, corpus="ours" if case.id == RAIL else "cases") for row, case in enumerate(three_cases())],
        passages=passages,
        strategies=[StoredStrategy(row=0, corpus="cases", markdown=STRATEGY_TEXT, strategy=parse_strategy(STRATEGY_TEXT, source=STRATEGY))],
        links=reversed(links),
        taxonomy=small_taxonomy(),
    )
    return path


@pytest.fixture(scope="module")
def store(written: Path) -> Store:
    return Store(written)


@pytest.fixture
def path(tmp_path: Path, written: Path) -> Path:
    """A copy of its own, to move and to lock."""
    return Path(shutil.copy(written, tmp_path))


# --- what was written comes back


def test_a_case_comes_back_whole(store):
    assert store.case(BANK) == in_store(0, parse_case(CASE_TEXT, source=CASE))


def test_the_state_of_each_file_is_told_with_the_time_it_was_first_held(store):
    assert store.updates() == {(case_id, f"hash of {case_id}"): "2026-11-22T08:00:00Z" for case_id in (BANK, SHOP, RAIL)}


def test_ids_come_by_row(store):
    assert store.case_ids == [BANK, SHOP, RAIL]


def test_cases_come_in_the_order_asked(store):
    assert [stored.case.id for stored in store.cases([2, 0, 1])] == [RAIL, BANK, SHOP]


def test_no_rows_give_no_cases(store):
    assert (store.cases([]), store.passages([]), store.passages_of([], ["lesson"])) == ([], {}, {})


def test_a_passage_comes_back_by_its_row(store, passages):
    assert store.passages([7, 3]) == {3: passages[3], 7: passages[7]}


def test_passages_of_a_case_are_those_of_its_kinds(store, passages):
    found = store.passages_of([1], ["symptom", "factor"])
    assert found == {row: each for row, each in enumerate(passages) if each.case_id == SHOP and each.kind in {"symptom", "factor"}}
    assert len(found) == 4


def test_the_layout_of_passages_has_one_entry_a_row(store, passages):
    rows = {BANK: 0, SHOP: 1, RAIL: 2}
    assert store.passage_layout() == [
        (rows[each.case_id], each.kind, each.line, len(f"{each.lead} {each.text}".split())) for each in passages
    ]


def test_a_strategy_comes_back_whole(store):
    stored = store.strategy("rehearse-cutover")
    assert stored.strategy == parse_strategy(STRATEGY_TEXT, source=STRATEGY)
    assert (stored.row, stored.corpus, stored.markdown) == (0, "cases", STRATEGY_TEXT)
    assert store.strategies() == [stored]


def test_the_taxonomy_comes_back_whole(store):
    assert store.taxonomy == small_taxonomy()


def test_links_of_cases_come_by_case_and_line(store):
    links = store.links(case_ids=[SHOP, BANK])
    assert [(link.case_id, link.line, link.inferred) for link in links] == [
        (BANK, 54, False),
        (BANK, 55, True),
        (SHOP, 54, False),
        (SHOP, 55, True),
    ]


def test_links_to_a_strategy_come_from_every_case(store):
    assert [link.case_id for link in store.links(strategy_id="rehearse-cutover")] == [BANK, BANK, RAIL, RAIL, SHOP, SHOP]


def test_links_of_nothing_are_none_and_of_everything_all(store):
    assert (store.links(case_ids=[]), store.links(strategy_id="other"), len(store.links())) == ([], [], 6)


def test_a_link_keeps_its_text_and_falls_back_to_its_lead(store):
    texts = [link.text for link in store.links(case_ids=[BANK])]
    assert texts == ["a full rehearsal with both sites would have shown the wrong setting.", r"Rehearse \[again\]"]


def test_an_empty_store_can_be_read(tmp_path):
    write_store(tmp_path / "empty.sqlite", cases=[], passages=[], strategies=[], links=[], taxonomy=small_taxonomy())
    store = Store(tmp_path / "empty.sqlite")
    assert (store.case_ids, store.strategies(), store.links(), store.facet_counts()) == ([], [], [], {})
    assert store.filter_rows(Filters(phase=("test",))) == []


# --- what is not there


def test_an_unknown_case_is_not_found_and_names_the_nearest(store):
    with pytest.raises(NotFoundError, match="no case 'exampel-bank'") as raised:
        store.case("exampel-bank")
    assert BANK in raised.value.next_step
    assert "`premortem list`" in raised.value.next_step


def test_a_case_id_like_no_other_is_answered_with_the_command_alone(store):
    with pytest.raises(NotFoundError) as raised:
        store.case("zzz")
    assert raised.value.next_step == "`premortem list` shows all"


def test_an_unknown_strategy_is_not_found_and_names_the_nearest(store):
    with pytest.raises(NotFoundError, match="no strategy 'rehearse-cutovers'") as raised:
        store.strategy("rehearse-cutovers")
    assert "'rehearse-cutover'" in raised.value.next_step
    assert "`premortem list strategies`" in raised.value.next_step


@pytest.mark.parametrize("odd", ["", "'", '"; drop table cases; --', "%", "漢", "x" * 10_000])
def test_an_odd_id_is_merely_not_found(store, odd):
    with pytest.raises(NotFoundError):
        store.case(odd)


# --- filters


@pytest.mark.parametrize(
    "filters, rows",
    [
        (Filters(), [0, 1, 2]),
        (Filters(industry=("retail",)), [1]),
        (Filters(industry=("retail", "transport")), [1, 2]),
        (Filters(undertaking=("platform-migration",)), [0, 2]),
        (Filters(category=("insufficient-testing",)), [0, 2]),
        (Filters(phase=("operation",)), [1]),
        (Filters(outcome=("outage",)), [1]),
        (Filters(system=("payments",)), [0, 2]),
        (Filters(evidence=("news",)), [1]),
        (Filters(status=("withdrawn",)), [2]),
        (Filters(corpus=("ours",)), [2]),
        (Filters(evidence=("court-filing",)), []),
        (Filters(decade=("2010s",)), [0, 1]),
        (Filters(decade=("2010s",), industry=("retail",)), [1]),
        (Filters(from_year=2019), []),
        (Filters(from_year=2018), [0]),
        (Filters(from_year=2012), [0, 1]),
        (Filters(to_year=2016), [0, 1]),
        (Filters(to_year=2015), [1]),
        (Filters(to_year=2011), []),
        (Filters(from_year=2017, to_year=2017), [0]),
        (Filters(industry=("banking-and-payments", "retail"), from_year=2013), [0]),
        (Filters(undertaking=("platform-migration",), corpus=("cases",)), [0]),
        (Filters(industry=("retail",), phase=("go-live",)), []),
    ],
)
def test_filters_select_the_cases_that_have_it_all(store, filters, rows):
    assert store.filter_rows(filters) == rows


@pytest.mark.parametrize(
    "filters, message, hint",
    [
        (Filters(industry=("retial",)), "unknown industry 'retial'", "did you mean 'retail'?"),
        (Filters(undertaking=("platform-migrations",)), "unknown undertaking", "'platform-migration'?"),
        (Filters(category=("big-bang",)), "unknown category 'big-bang'", "'big-bang-rollout'?"),
        (Filters(phase=("golive",)), "unknown phase 'golive'", "'go-live'?"),
        (Filters(outcome=("outages",)), "unknown outcome 'outages'", "'outage'?"),
        (Filters(system=("payment",)), "unknown system 'payment'", "'payments'?"),
        (Filters(evidence=("newz",)), "unknown evidence 'newz'", "'news'?"),
        (Filters(status=("withdrawm",)), "unknown status 'withdrawm'", "'withdrawn'?"),
        (Filters(corpus=("case",)), "unknown corpus 'case'", "'cases'?"),
        (Filters(decade=("2010",)), "unknown decade '2010'", "'2010s'?"),
        (Filters(status=("zzz",)), "unknown status 'zzz'", "use one of: published, withdrawn"),
        (Filters(industry=("retail", "retial")), "unknown industry 'retial'", "'retail'?"),
        (Filters(phase=("",)), "unknown phase ''", "use one of: go-live, test, operation"),
    ],
)
def test_an_unknown_value_of_a_filter_is_an_error_that_names_the_nearest(store, filters, message, hint):
    with pytest.raises(FilterError, match=message) as raised:
        store.filter_rows(filters)
    assert hint in raised.value.next_step


def test_facets_count_the_cases_that_remain(store):
    assert store.facet_counts()["undertaking"] == {"platform-migration": 2, "digital-service": 1}
    assert store.facet_counts(Filters(industry=("retail",)))["undertaking"] == {"digital-service": 1}


@pytest.mark.parametrize("years, decades", [("1998-2011", ("1990s", "2000s", "2010s")), ("2010", ("2010s",)), ("null", ())])
def test_a_case_counts_in_each_decade_it_lies_in(years, decades):
    assert case_facets(in_store(0, variant(BANK, years=years)))["decade"] == decades


def test_facets_can_be_counted_among_some_cases(store):
    assert store.facet_counts(rows=[1, 2])["undertaking"] == {"digital-service": 1, "platform-migration": 1}
    assert store.facet_counts(rows=[]) == {}


def test_rows_by_title_are_in_order_of_title(store):
    titles = [stored.case.meta.title.casefold() for stored in store.cases(store.rows_by_title(Filters()))]
    assert titles == sorted(titles)
    assert len(titles) == 3
    assert store.rows_by_title(Filters(industry=("retail",))) == [1]


def test_facets_come_with_the_most_frequent_value_first(store):
    assert list(store.facet_counts()["category"]) == ["big-bang-rollout", "insufficient-testing", "capacity-limit"]


def test_filters_are_true_when_any_is_set():
    assert [bool(filters) for filters in (Filters(), Filters(from_year=2018), Filters(phase=("test",)))] == [False, True, True]


# --- full text


def test_full_text_finds_other_forms_of_a_word(store):
    assert [row for row, _ in store.lexical(["migrating"])] == [row for row, _ in store.lexical(["migration"])] != []


@pytest.mark.parametrize(
    "terms, rows", [(["railway"], [2]), (["shop"], [1]), (["RAILWAY", "shop"], [2, 1]), (["shop falls"], [1]), (["elephant"], []), ([], [])]
)
def test_full_text_finds_the_cases_that_hold_a_word(store, terms, rows):
    assert sorted(row for row, _ in store.lexical(terms)) == sorted(rows)


def test_full_text_reads_the_story_and_ignores_accents(store):
    assert len(store.lexical(["céntres"])) == 3


def test_full_text_ranks_best_first_with_higher_scores_better(store):
    found = store.lexical(["shop", "weekend"])
    assert found[0][0] == 1
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert found[0][1] > found[1][1]


def test_cases_that_match_alike_come_by_row(tmp_path):
    cases = [in_store(row, variant(f"case-{row}")) for row in range(4)]
    write_store(tmp_path / "s.sqlite", cases=cases, passages=[], strategies=[], links=[], taxonomy=small_taxonomy())
    assert [row for row, _ in Store(tmp_path / "s.sqlite").lexical(["money"])] == [0, 1, 2, 3]


def test_years_of_cases_select_although_the_first_has_none(tmp_path):
    cases = [in_store(row, variant(f"case-{row}", years=years)) for row, years in enumerate(["null", "1987"])]
    write_store(tmp_path / "s.sqlite", cases=cases, passages=[], strategies=[], links=[], taxonomy=small_taxonomy())
    store = Store(tmp_path / "s.sqlite")
    assert [store.filter_rows(Filters(from_year=year)) for year in (5, 1987, 1988)] == [[1], [1], []]


def test_a_word_in_the_title_weighs_more_than_one_in_the_evidence(tmp_path):
    titled, told = variant("titled", title="Elephants"), variant("told", title="Mice")
    lesson = Passage(case_id="told", kind="lesson", line=1, text="elephants", embedded="…")
    cases = [in_store(row, case) for row, case in enumerate([told, titled])]
    write_store(tmp_path / "s.sqlite", cases=cases, passages=[lesson], strategies=[], links=[], taxonomy=small_taxonomy())
    assert [row for row, _ in Store(tmp_path / "s.sqlite").lexical(["elephant"])] == [1, 0]


def test_a_term_counts_as_often_as_it_stands_and_many_terms_add_up(path):
    others = [f"other{number}" for number in range(100)]
    store, terms = Store(path), ["shop", "weekend", "weekend", *others, "railway"]
    expression = " OR ".join(phrase(term) for term in terms)
    with sqlite3.connect(path) as connection:
        weights = ", ".join(str(weight) for weight in FTS_COLUMNS.values())
        at_once = dict(
            connection.execute(f"select rowid, -bm25(case_text, {weights}) from case_text where case_text match ?", [expression])
        )
    assert dict(store.lexical(terms)) == pytest.approx(at_once)
    assert dict(store.lexical(terms)) != pytest.approx(dict(store.lexical(set(terms))))


def test_what_the_query_language_reserves_is_a_word(store):
    assert [store.lexical([term]) for term in ("o'neil", 'a"b', "NEAR", "title:shop", "sho*")] == [[]] * 5


def test_a_text_of_one_word_many_times_is_quick(store):
    assert len(store.lexical(["weekend"] * 100_000)) == 3


# --- files and threads


def test_several_threads_read_at_once(store):
    together = Barrier(8)

    def read(number: int) -> tuple[str, list[int], int]:
        together.wait(timeout=20)
        return (
            store.case(store.case_ids[number % 3]).case.id,
            store.filter_rows(Filters(industry=("retail",))),
            len(store.lexical(["weekend"])),
        )

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, range(8)))
    assert found == [([BANK, SHOP, RAIL][number % 3], [1], 3) for number in range(8)]


def test_reading_leaves_nothing_beside_the_file(path):
    store = Store(path)
    store.case(BANK)
    store.lexical(["weekend"])
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_store_in_a_read_only_folder_is_read(path):
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert Store(path).case(BANK).case.id == BANK
    finally:
        path.parent.chmod(stat.S_IRWXU)


def test_the_store_cannot_be_written_through_its_reader(store):
    # Root may write where modes forbid it, so the connection itself must refuse.
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._rows("delete from cases")


@pytest.mark.parametrize("name", ["with blank", "what?mode=rw", "50%", "a#b", "größe"])
def test_a_path_with_odd_characters_is_opened(path, name):
    odd = path.parent / name / "store.sqlite"
    odd.parent.mkdir()
    path.rename(odd)
    assert Store(odd).case_ids == [BANK, SHOP, RAIL]


def test_a_relative_path_is_opened(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert Store(Path(path.name)).case_ids == [BANK, SHOP, RAIL]


def test_two_cases_of_one_id_are_refused(tmp_path):
    stored = [in_store(row, variant(BANK)) for row in (0, 1)]
    with pytest.raises(sqlite3.IntegrityError):
        write_store(tmp_path / "s.sqlite", cases=stored, passages=[], strategies=[], links=[], taxonomy=small_taxonomy())
