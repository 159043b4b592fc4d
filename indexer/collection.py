"""A public test collection in BEIR layout, ranked by the same engine as the cases.

Layout: `corpus.jsonl` ({_id, title, text}), `queries.jsonl` ({_id, text}), `qrels.tsv` or `qrels/test.tsv` (header; query id, document id,
grade), each plain or gzipped.
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from indexer.encoder import Encoder, Progress
from indexer.passages import sentences
from indexer.ranking import Ranker
from indexer.scoring import Layout
from indexer.vectors import Vectors
from kb.errors import CorpusError
from kb.full_text import bm25, create_full_text

_WINDOW_WORDS = 50
"""A document's passages are windows of whole sentences of about this length, as long as the items of a case."""


class _Text(msgspec.Struct, frozen=True):
    """A line of `corpus.jsonl` or `queries.jsonl`; other keys are ignored."""

    id: str = msgspec.field(name="_id")
    text: str = ""
    title: str = ""


class TestCollection(msgspec.Struct, frozen=True, kw_only=True):
    """Documents, queries and judgements; queries without a positive judgement are left out."""

    __test__ = False  # pytest takes the name for a test

    name: str
    documents: list[_Text]
    queries: list[_Text]
    grades: dict[str, dict[str, int]]
    """Query id → document id → grade above 0."""


def read_collection(folder: Path) -> TestCollection:
    """Read a folder in BEIR layout.

    Raises:
        CorpusError: a file is missing or a line of it cannot be read.
    """
    documents, queries = (list(_read_texts(folder, f"{name}.jsonl")) for name in ("corpus", "queries"))
    grades: dict[str, dict[str, int]] = {}
    known_documents, known_queries = ({text.id for text in texts} for texts in (documents, queries))
    path = _find(folder, "qrels.tsv", "qrels/test.tsv")
    with _open(path) as lines:
        for number, row in enumerate(csv.reader(lines, delimiter="\t"), 1):
            try:
                query, document, grade = row[0], row[-2], int(float(row[-1]))  # TREC files have a column between
            except (IndexError, ValueError) as error:
                if number == 1:
                    continue  # the header
                raise CorpusError(
                    f"{path}:{number}: not a judgement: {row}", next_step="give query id, document id, grade, by tabs"
                ) from error
            if grade > 0 and query in known_queries and document in known_documents and query != document:
                grades.setdefault(query, {})[document] = grade
    if not grades:
        raise CorpusError(f"{path} judges no query of this collection", next_step="check that the ids of the three files agree")
    return TestCollection(
        name=folder.resolve().name, documents=documents, queries=[query for query in queries if query.id in grades], grades=grades
    )


def _find(folder: Path, *names: str) -> Path:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise CorpusError(
        f"{folder} has no {' or '.join(names)}",
        next_step="give a folder in BEIR layout: corpus.jsonl, queries.jsonl, qrels.tsv, gzip or not",
    )


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8", newline="")


def _read_texts(folder: Path, name: str) -> Iterator[_Text]:
    path = _find(folder, name)
    decoder = msgspec.json.Decoder(_Text, strict=False)
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError as error:
                    raise CorpusError(
                        f"{path}:{number}: {error}", next_step='give one JSON object a line: {"_id": "…", "title": "…", "text": "…"}'
                    ) from error


def index_collection(collection: TestCollection, encoder: Encoder, *, progress: Progress | None = None) -> Ranker:
    """Embed a collection in memory: each document whole, its title with its first window, and window by window."""
    windows = [_windows(document) for document in collection.documents]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in windows])]).astype(np.int64)
    wholes = [f"{document.title} {document.text}".strip() for document in collection.documents]
    headlines = [f"{document.title} {its[0]}".strip() for document, its in zip(collection.documents, windows, strict=True)]
    texts = [*wholes, *headlines, *(window for its in windows for window in its)]
    distinct = sorted(set(texts), key=lambda text: (len(text), text))  # batches hold like with like
    row = {text: at for at, text in enumerate(distinct)}
    embeddings = encoder.encode_passages(distinct, progress=progress)
    matrix = embeddings[[row[text] for text in texts]]
    count = len(wholes)
    return Ranker(
        cases=Vectors.build(matrix[:count]),
        headlines=Vectors.build(matrix[count : 2 * count]),
        passages=Vectors.build(matrix[2 * count :]),
        layout=Layout(starts),
        lexical=_full_text(collection),
        searchable=np.arange(count),
        encoder=encoder,
    )


def _windows(document: _Text) -> list[str]:
    """Return a document's sentences joined into windows; the title alone where there is no text."""
    windows: list[list[str]] = []
    for sentence in sentences(document.text):
        if windows and sum(len(each.split()) for each in windows[-1]) + len(sentence.split()) <= _WINDOW_WORDS:
            windows[-1].append(sentence)
        else:
            windows.append([sentence])
    return [" ".join(window) for window in windows] or [document.title]


def _full_text(collection: TestCollection) -> Callable[[tuple[str, ...]], list[tuple[int, float]]]:
    db = sqlite3.connect(":memory:")
    create_full_text(db, "document_text", ("title", "text"))
    db.executemany(
        "insert into document_text(rowid, title, text) values (?, ?, ?)",
        ((row, document.title, document.text) for row, document in enumerate(collection.documents)),
    )
    return lambda terms: bm25(db, "document_text", (1.0, 1.0), terms)
