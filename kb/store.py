"""One SQLite file with everything an answer needs beside vectors: cases, passages, strategies, links, terms, full text."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from kb.case import UNSEARCHABLE, Case, Strategy
from kb.errors import FilterError, NotFoundError
from kb.full_text import FTS_COLUMNS, bm25, phrase
from kb.records import Filters, Link, Passage, StoredCase, StoredStrategy
from kb.taxonomy import Taxonomy, did_you_mean

_FTS_WEIGHTS = ", ".join(str(weight) for weight in FTS_COLUMNS.values())


class Store:
    """Reads a store from any thread; every thread gets a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        body = self._row("select value from meta where key = 'taxonomy'")
        self.taxonomy = msgspec.json.decode(body["value"], type=Taxonomy)
        self._case_rows: dict[str, int] = {row["id"]: row["row"] for row in self._rows("select id, row from cases order by row")}

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            # immutable: a generation never changes, so no lock is needed and a read-only folder will do.
            connection = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            connection.row_factory = sqlite3.Row
            self._local.connection = connection
        found: sqlite3.Connection = self._local.connection
        return found

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        return self._connection().execute(sql, parameters).fetchall()

    def _row(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Row:
        row: sqlite3.Row = self._connection().execute(sql, parameters).fetchone()
        return row

    @property
    def case_ids(self) -> list[str]:
        """Ids of all cases, by row."""
        return list(self._case_rows)

    def case(self, case_id: str) -> StoredCase:
        """Return one case.

        Raises:
            NotFoundError: no such case; names the nearest.
        """
        row = self._row("select * from cases where id = ?", [case_id])
        if row is None:
            raise NotFoundError(f"no case {case_id!r}", next_step=_hint(case_id, self.case_ids, "premortem list"))
        return _stored_case(row)

    @cached_property
    def drafts(self) -> frozenset[str]:
        """Ids of the cases that nobody has reviewed yet."""
        return self._with_status({"draft"})

    @cached_property
    def unsearchable(self) -> frozenset[str]:
        """Ids of the cases that are withdrawn or superseded."""
        return self._with_status(UNSEARCHABLE)

    def _with_status(self, statuses: Iterable[str]) -> frozenset[str]:
        with_status = "select case_row from facets where facet = 'status' and value in (select value from json_each(?))"
        rows = self._rows(f"select id from cases where row in ({with_status})", [_listed(statuses)])
        return frozenset(row["id"] for row in rows)

    def updates(self) -> dict[tuple[str, str], str]:
        """Return (case id, sha256 of its file) → when the index first held it so."""
        return {(row["id"], row["sha256"]): row["updated"] for row in self._rows("select id, sha256, updated from cases")}

    def titles(self) -> list[tuple[str, str]]:
        """Return (id, title) of every case, by row."""
        return [(row["id"], row["title"]) for row in self._rows("select id, title from cases order by row")]

    def facet_values(self, facet: str) -> list[tuple[int, str]]:
        """Return (row of a case, value) for all cases, by row; a case's values in its own order, so its main category comes first."""
        rows = self._rows("select case_row, value from facets where facet = ? order by case_row, rowid", [facet])
        return [(row["case_row"], row["value"]) for row in rows]

    def cases(self, rows: Sequence[int]) -> list[StoredCase]:
        """Return the cases of some rows, in the order asked."""
        found = {row["row"]: _stored_case(row) for row in self._rows_in("cases", "row", rows)}
        return [found[row] for row in rows]

    def passages(self, rows: Sequence[int]) -> dict[int, Passage]:
        """Return passages by row."""
        return {row["row"]: _passage(row) for row in self._rows_in("passages", "row", rows)}

    def passages_of(self, case_rows: Sequence[int], kinds: Sequence[str]) -> dict[int, Passage]:
        """Return the passages of some cases that are of some kinds, by row."""
        rows = self._rows_in("passages", "case_row", case_rows)
        return {row["row"]: _passage(row) for row in rows if row["kind"] in kinds}

    def _rows_in(self, table: str, column: str, values: Sequence[int]) -> list[sqlite3.Row]:
        among = f"{column} in (select value from json_each(?))"  # one parameter: SQLite takes a limited number of them
        return self._rows(f"select * from {table} where {among} order by {column}, row", [_listed(values)])

    def passage_layout(self) -> list[tuple[int, str, int, int]]:
        """Return (case row, kind, line, number of words) of every passage, by row."""
        words = "length(lead || text) - length(replace(lead || text, ' ', '')) + 1 + (lead <> '')"
        return [tuple(row) for row in self._rows(f"select case_row, kind, line, {words} from passages order by row")]

    def strategy(self, strategy_id: str) -> StoredStrategy:
        """Return one strategy.

        Raises:
            NotFoundError: no such strategy; names the nearest.
        """
        row = self._row("select * from strategies where id = ?", [strategy_id])
        if row is None:
            ids = [stored.strategy.id for stored in self.strategies()]
            raise NotFoundError(f"no strategy {strategy_id!r}", next_step=_hint(strategy_id, ids, "premortem list strategies"))
        return _stored_strategy(row)

    def strategies(self) -> list[StoredStrategy]:
        """Return all strategies, by row."""
        return [_stored_strategy(row) for row in self._rows("select * from strategies order by row")]

    def links(self, *, case_ids: Sequence[str] | None = None, strategy_id: str | None = None) -> list[Link]:
        """Return the links of some cases, or to one strategy, by case and line."""
        if strategy_id is not None:
            rows = self._rows("select * from links where strategy_id = ? order by case_id, line", [strategy_id])
        elif case_ids is not None:
            among = "case_id in (select value from json_each(?))"
            rows = self._rows(f"select * from links where {among} order by case_id, line", [_listed(case_ids)])
        else:
            rows = self._rows("select * from links order by case_id, line")
        return [msgspec.convert({**dict(row), "inferred": bool(row["inferred"])}, Link) for row in rows]

    def facet_counts(self, filters: Filters | None = None, *, rows: Sequence[int] | None = None) -> dict[str, dict[str, int]]:
        """Return facet → value → number of cases, among those that satisfy the filters and, where `rows` are given, are one of them."""
        where, parameters = self._where(filters or Filters())
        if rows is not None:
            where += " and row in (select value from json_each(?))"
            parameters.append(_listed(rows))
        counts: dict[str, dict[str, int]] = {}
        for row in self._rows(
            f"select facet, value, count(*) as n from facets where case_row in (select row from cases where {where}) "
            "group by facet, value order by facet, n desc, value",
            parameters,
        ):
            counts.setdefault(row["facet"], {})[row["value"]] = row["n"]
        return counts

    def filter_rows(self, filters: Filters) -> list[int]:
        """Return the rows of the cases that satisfy the filters, ascending.

        Raises:
            FilterError: a value is not of its vocabulary; names the nearest.
        """
        where, parameters = self._where(filters)
        return [row["row"] for row in self._rows(f"select row from cases where {where} order by row", parameters)]

    def rows_by_title(self, filters: Filters) -> list[int]:
        """Return what `filter_rows` does, in order of title."""
        where, parameters = self._where(filters)
        return [row["row"] for row in self._rows(f"select row from cases where {where} order by title collate nocase, row", parameters)]

    def _where(self, filters: Filters) -> tuple[str, list[object]]:
        if filters.from_year is not None and filters.to_year is not None and filters.from_year > filters.to_year:
            raise FilterError(
                f"from_year {filters.from_year} is after to_year {filters.to_year}", next_step="give the earlier year as from_year"
            )
        clauses, parameters = ["1"], list[object]()
        for facet in msgspec.structs.fields(filters):
            value = getattr(filters, facet.name)
            if facet.name == "drafts":
                if not value:
                    clauses.append("row not in (select case_row from facets where facet = 'status' and value = 'draft')")
            elif facet.name in {"from_year", "to_year"}:
                if value is not None:
                    clauses.append("last_year >= ?" if facet.name == "from_year" else "first_year <= ?")
                    parameters.append(value)
            elif value:
                self._check(facet.name, value)
                marks = ",".join("?" * len(value))
                clauses.append(f"row in (select case_row from facets where facet = ? and value in ({marks}))")
                parameters += [facet.name, *value]
        return " and ".join(clauses), parameters

    def _check(self, facet: str, values: Iterable[str]) -> None:
        if facet in {"corpus", "decade"}:
            rows = self._rows("select distinct value from facets where facet = ? order by value", [facet])
            known = [row["value"] for row in rows]
        else:
            known = self.taxonomy.ids(facet)
        for value in values:
            if value not in known:
                raise FilterError(f"unknown {facet} {value!r}", next_step=did_you_mean(value, known))

    def lexical(self, terms: Iterable[str]) -> list[tuple[int, float]]:
        """Return (case row, bm25 score, higher is better) of the cases that hold any of the terms, best first."""
        return bm25(self._connection(), "case_text", tuple(FTS_COLUMNS.values()), terms)

    def lexical_terms(self, row: int, terms: Iterable[str]) -> list[tuple[str, float]]:
        """Return (term, bm25) of the different terms that one case holds."""
        scores = []
        for term in dict.fromkeys(terms):
            found = self._row(
                f"select -bm25(case_text, {_FTS_WEIGHTS}) as score from case_text where case_text match ? and rowid = ?",
                [phrase(term), row],
            )
            if found is not None:
                scores.append((term, float(found["score"])))
        return scores


def _listed(values: Iterable[object]) -> str:
    """Return values as one parameter, for `json_each`."""
    return msgspec.json.encode(list(values)).decode()


def _hint(word: str, words: list[str], command: str) -> str:
    hint = did_you_mean(word, words)
    return f"{hint} `{command}` shows all" if hint.startswith("did") else f"`{command}` shows all"


def _stored_case(row: sqlite3.Row) -> StoredCase:
    names = ("row", "corpus", "path", "markdown", "sha256", "updated")
    return StoredCase(case=msgspec.json.decode(row["body"], type=Case), **{name: row[name] for name in names})


def _stored_strategy(row: sqlite3.Row) -> StoredStrategy:
    strategy = msgspec.json.decode(row["body"], type=Strategy)
    return StoredStrategy(row=row["row"], corpus=row["corpus"], markdown=row["markdown"], strategy=strategy)


def _passage(row: sqlite3.Row) -> Passage:
    return msgspec.convert({name: row[name] for name in Passage.__struct_fields__}, Passage)
