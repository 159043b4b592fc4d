"""The SQLite file of a generation, written whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from kb.full_text import FTS_COLUMNS, create_full_text
from kb.records import Link, Passage, StoredCase, StoredStrategy, case_facets
from kb.taxonomy import Taxonomy

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
