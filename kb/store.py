"""One SQLite file with everything an answer needs beside vectors: cases, passages, strategies, links, terms, full text."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from kb.case import Case, Strategy
from kb.errors import FilterError, NotFoundError
from kb.taxonomy import Taxonomy, did_you_mean

FTS_COLUMNS = {"title": 3.0, "undertaking": 2.0, "likeness": 2.0, "evidence": 1.0}
"""Columns of the full-text table of cases → bm25 weight."""
_FTS_WEIGHTS = ", ".join(str(weight) for weight in FTS_COLUMNS.values())
_TABLES: dict[str, dict[str, type]] = {
    "cases": {
        "row": int,
        "id": str,
        "corpus": str,
        "path": str,
        "title": str,
        "sha256": str,
        "updated": str,
        "first_year": int,
        "last_year": int,
        "markdown": str,
        "body": str,
    },
    "facets": {"case_row": int, "facet": str, "value": str},
    "passages": {
        "row": int,
        "case_row": int,
        "case_id": str,
        "kind": str,
        "line": int,
        "lead": str,
        "text": str,
        "tag": str,
        "embedded": str,
    },
    "strategies": {"row": int, "id": str, "corpus": str, "markdown": str, "body": str},
    "links": {"case_id": str, "strategy_id": str, "line": int, "text": str, "inferred": int},
}
"""Table → its columns; `row` is the primary key."""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """The unit that is embedded: one statement of a case, or a whole case."""

    case_id: str
    kind: str
    """`undertaking`, `likeness`, `symptom`, `factor`, `lesson`, `prevention`; `story` of a draft without undertaking."""
    line: int
    """1-based line in the case's file."""
    lead: str = ""
    text: str
    """Verbatim inline Markdown of the statement, footnotes and lead left out; the lead where there is nothing else."""
    tag: str | None = None
    """Phase of a symptom, category of a factor, strategy of a prevention item."""
    embedded: str
    """The text that was embedded."""


class StoredCase(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    """Row of the case among the case vectors."""
    corpus: str
    path: str
    """Address of the file inside its corpus."""
    markdown: str
    sha256: str
    """Of the file."""
    updated: str
    """When this index first held the file as it is; ISO 8601, UTC."""
    case: Case


class StoredStrategy(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    corpus: str
    markdown: str
    strategy: Strategy


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A prevention item of a case that points at a strategy."""

    case_id: str
    strategy_id: str
    line: int
    text: str
    inferred: bool
    """True when the item is advice of this knowledge base rather than of a source."""


class Filters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facets a case must have; within one facet any of the values will do."""

    industry: tuple[str, ...] = ()
    undertaking: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    decade: tuple[str, ...] = ()
    """Such as 2010s: cases that lie in it at least in part."""
    status: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    from_year: int | None = None
    """Cases that ended in this year or later."""
    to_year: int | None = None
    """Cases that began in this year or earlier."""
    drafts: bool = True
    """Whether cases that nobody has reviewed yet are among them."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) not in ((), None) for name in self.__struct_fields__ if name != "drafts") or not self.drafts


def write_store(
    path: Path,
    *,
    cases: Sequence[StoredCase],
    passages: Sequence[Passage],
    strategies: Sequence[StoredStrategy],
    links: Iterable[Link],
    taxonomy: Taxonomy,
) -> None:
    """Write a new store; row numbers of cases, passages and strategies are those of their vectors."""
    from kb.database import Database  # takes a third of a second: only for those who write

    db = Database(path)
    # No journal, no syncing: a store appears whole with its generation, which is synced then, or not at all.
    db.execute("pragma journal_mode = off")
    db.execute("pragma synchronous = off")
    with db.conn:
        # Not left to insert_all: it makes no table without rows, and a corpus may have no strategies or links.
        for name, fields in _TABLES.items():
            db.table(name).create(fields, pk="row" if "row" in fields else None)
        db.table("cases").insert_all(_case_row(stored) for stored in cases)
        db.table("cases").create_index(["id"], unique=True)
        db.table("facets").insert_all(
            (
                {"case_row": stored.row, "facet": facet, "value": value}
                for stored in cases
                for facet, values in case_facets(stored).items()
                for value in values
            )
        )
        db.table("facets").create_index(["facet", "value"])
        rows = {stored.case.id: stored.row for stored in cases}
        db.table("passages").insert_all(
            ({"row": row, "case_row": rows[passage.case_id], **msgspec.structs.asdict(passage)} for row, passage in enumerate(passages))
        )
        db.table("passages").create_index(["case_row"])
        db.table("strategies").insert_all(
            {
                "row": stored.row,
                "id": stored.strategy.id,
                "corpus": stored.corpus,
                "markdown": stored.markdown,
                "body": msgspec.json.encode(stored.strategy).decode(),
            }
            for stored in strategies
        )
        db.table("links").insert_all(msgspec.structs.asdict(link) for link in links)
        db.table("links").create_index(["strategy_id"])
        db.table("meta").insert({"key": "taxonomy", "value": msgspec.json.encode(taxonomy).decode()}, pk="key")
        columns = ", ".join(FTS_COLUMNS)
        create_full_text(db.conn, "case_text", FTS_COLUMNS)
        by_case: dict[str, dict[str, list[str]]] = {}
        for passage in passages:
            if passage.kind == "story":
                continue  # the whole story is added below
            column = passage.kind if passage.kind in FTS_COLUMNS else "evidence"
            by_case.setdefault(passage.case_id, {}).setdefault(column, []).append(f"{passage.lead} {passage.text}")
        for stored in cases:
            texts = by_case.get(stored.case.id, {})
            story = [paragraph.text for paragraph in stored.case.story]
            db.execute(
                f"insert into case_text(rowid, {columns}) values (?, ?, ?, ?, ?)",
                [
                    stored.row,
                    stored.case.meta.title,
                    " ".join(texts.get("undertaking", [])),
                    " ".join(texts.get("likeness", [])),
                    " ".join(texts.get("evidence", []) + story),
                ],
            )
    db.vacuum()
    db.close()


def _case_row(stored: StoredCase) -> dict[str, object]:
    first, last = stored.case.years_span() or (None, None)
    return {
        "row": stored.row,
        "id": stored.case.id,
        "corpus": stored.corpus,
        "path": stored.path,
        "title": stored.case.meta.title,
        "sha256": stored.sha256,
        "updated": stored.updated,
        "first_year": first,
        "last_year": last,
        "markdown": stored.markdown,
        "body": msgspec.json.encode(stored.case).decode(),
    }


def case_facets(stored: StoredCase) -> dict[str, tuple[str, ...]]:
    """Return the facet values a case can be filtered by."""
    meta = stored.case.meta
    facets = {
        "industry": (meta.industry,),
        "undertaking": (meta.undertaking,),
        "category": meta.categories,
        "phase": (meta.phase,),
        "outcome": (meta.outcome,),
        "system": meta.systems,
        "evidence": (meta.evidence,),
        "decade": _decades(stored.case.years_span()),
        "status": (meta.status,),
        "corpus": (stored.corpus,),
    }
    return {facet: tuple(value for value in values if value) for facet, values in facets.items()}


def _decades(span: tuple[int, int] | None) -> tuple[str, ...]:
    return tuple(f"{year}s" for year in range(span[0] // 10 * 10, span[1] + 1, 10)) if span else ()


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
        sql = "select id from cases where row in (select case_row from facets where facet = 'status' and value = 'draft')"
        return frozenset(row["id"] for row in self._rows(sql))

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
        marks = ",".join("?" * len(values))
        return self._rows(f"select * from {table} where {column} in ({marks}) order by {column}, row", list(values))

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
            marks = ",".join("?" * len(case_ids))
            rows = self._rows(f"select * from links where case_id in ({marks}) order by case_id, line", list(case_ids))
        else:
            rows = self._rows("select * from links order by case_id, line")
        return [msgspec.convert({**dict(row), "inferred": bool(row["inferred"])}, Link) for row in rows]

    def facet_counts(self, filters: Filters | None = None, *, rows: Sequence[int] | None = None) -> dict[str, dict[str, int]]:
        """Return facet → value → number of cases, among those that satisfy the filters and, where `rows` are given, are one of them."""
        where, parameters = self._where(filters or Filters())
        if rows is not None:
            where += " and row in (select value from json_each(?))"
            parameters.append(msgspec.json.encode(rows).decode())
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

    def lexical(self, expression: str, *, limit: int) -> list[tuple[int, float]]:
        """Return (case row, bm25 score, higher is better) of the cases that hold any term of an FTS5 expression, best first."""
        return bm25(self._connection(), "case_text", tuple(FTS_COLUMNS.values()), expression, limit)

    def lexical_terms(self, row: int, terms: Iterable[str]) -> list[tuple[str, float]]:
        """Return (term, bm25) of the different terms that one case holds."""
        scores = []
        for term in dict.fromkeys(terms):
            found = self._row(
                f"select -bm25(case_text, {_FTS_WEIGHTS}) as score from case_text where case_text match ? and rowid = ?",
                ['"' + term.replace('"', '""') + '"', row],
            )
            if found is not None:
                scores.append((term, float(found["score"])))
        return scores


def create_full_text(connection: sqlite3.Connection, table: str, columns: Iterable[str]) -> None:
    """Create a full-text table whose words are compared by stem, without accents."""
    connection.execute(f"create virtual table {table} using fts5({', '.join(columns)}, tokenize='porter unicode61 remove_diacritics 2')")


def bm25(connection: sqlite3.Connection, table: str, weights: Sequence[float], expression: str, limit: int) -> list[tuple[int, float]]:
    """Return (row, score, higher is better) of the rows that hold any term of an FTS5 expression, best first; ties by row."""
    columns = ", ".join(str(weight) for weight in weights)
    return [
        (int(row), float(score))
        for row, score in connection.execute(
            f"select rowid, -bm25({table}, {columns}) as score from {table} where {table} match ? order by score desc, rowid limit ?",
            [expression, limit],
        )
    ]


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
