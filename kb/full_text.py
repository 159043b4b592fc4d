"""Full text in SQLite: its tables, and BM25."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

FTS_COLUMNS = {"title": 3.0, "undertaking": 2.0, "likeness": 1.5, "evidence": 1.0}
"""Columns of the full-text table of cases → bm25 weight."""


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
