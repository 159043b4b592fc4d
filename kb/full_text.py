"""Full text in SQLite: its tables, and BM25."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

FTS_COLUMNS = {"title": 3.0, "undertaking": 2.0, "likeness": 1.5, "evidence": 1.0}
"""Columns of the full-text table of cases → bm25 weight."""
_TERMS_AT_ONCE = 32


def create_full_text(connection: sqlite3.Connection, table: str, columns: Iterable[str]) -> None:
    """Create a full-text table whose words are compared by stem, without accents."""
    connection.execute(f"create virtual table {table} using fts5({', '.join(columns)}, tokenize='porter unicode61 remove_diacritics 2')")


def bm25(connection: sqlite3.Connection, table: str, weights: Sequence[float], terms: Iterable[str]) -> list[tuple[int, float]]:
    """Return (row, score, higher is better) of the rows that hold any of the terms, best first; ties by row.

    A repeated term counts as often as it stands. The score is a sum over the terms, while the time of one query grows with their square: so
    they are asked for a few at a time.
    """
    columns = ", ".join(str(weight) for weight in weights)
    statement = f"select rowid, -bm25({table}, {columns}) from {table} where {table} match ?"
    often: dict[int, list[str]] = {}
    for term, times in Counter(terms).items():
        often.setdefault(times, []).append(phrase(term))
    scores: dict[int, float] = {}
    for times, phrases in often.items():
        for start in range(0, len(phrases), _TERMS_AT_ONCE):
            expression = " OR ".join(phrases[start : start + _TERMS_AT_ONCE])
            for row, score in connection.execute(statement, [expression]):
                scores[row] = scores.get(row, 0.0) + times * score
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


def phrase(term: str) -> str:
    """Return a term as FTS5 reads it, whatever characters it holds."""
    return '"' + term.replace('"', '""') + '"'
