"""Public test collections in BEIR layout: read, refused, ranked by the real engine."""

from __future__ import annotations

import gzip
import json

import pytest

from indexer.collection import index_collection, read_collection
from indexer.evaluation import evaluate_collection
from kb.errors import CorpusError

DOCUMENTS = {
    "d1": ("Tides", "The moon pulls the oceans. Water rises twice a day along most coasts."),
    "d2": ("Bread", "Yeast turns sugar into gas. The dough rises before it is baked."),
    "d3": ("Volcanoes", "Molten rock rises through the crust and erupts as lava."),
    "d4": ("", "Bees make honey from nectar."),
    "d5": ("Only a title about sailing boats", ""),
}
QUERIES = {"q1": "why do the oceans rise and fall", "q2": "what makes dough rise", "q3": "sailing", "q4": "nobody judged this"}
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq2\td1\t0\nq3\td5\t1\n"


def write(folder, *, gzipped=False, qrels=QRELS, name="qrels.tsv"):
    files = {
        "corpus.jsonl": "\n".join(json.dumps({"_id": key, "title": title, "text": text}) for key, (title, text) in DOCUMENTS.items()),
        "queries.jsonl": "\n".join(json.dumps({"_id": key, "text": text, "metadata": {}}) for key, text in QUERIES.items()),
        name: qrels,
    }
    for file, text in files.items():
        path = folder / (f"{file}.gz" if gzipped else file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if gzipped else text.encode())
    return folder


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("name", ["qrels.tsv", "qrels/test.tsv"])
def test_both_layouts_are_read(tmp_path, gzipped, name):
    collection = read_collection(write(tmp_path / "tiny", gzipped=gzipped, name=name))
    assert collection.name == "tiny"
    assert [document.id for document in collection.documents] == list(DOCUMENTS)
    assert [query.id for query in collection.queries] == ["q1", "q2", "q3"]
    assert collection.grades == {"q1": {"d1": 1}, "q2": {"d2": 2}, "q3": {"d5": 1}}


def test_judgements_in_trec_form_are_read(tmp_path):
    collection = read_collection(write(tmp_path, qrels="q1\t0\td1\t1\nq2\t0\td2\t1\n"))
    assert collection.grades == {"q1": {"d1": 1}, "q2": {"d2": 1}}


def test_the_engine_ranks_it(tmp_path, searcher):
    report = evaluate_collection(searcher, read_collection(write(tmp_path)))
    assert report.n_queries == 3
    assert report.systems["premortem"]["nDCG@10"] == pytest.approx(1.0)
    assert set(report.systems) == {"premortem", "bm25", "dense", "hybrid"}


def test_passages_are_windows_of_whole_sentences(tmp_path, real_encoder):
    long = " ".join(f"Sentence number {number} says something about rocks and rivers." for number in range(30))
    folder = write(tmp_path)
    with (folder / "corpus.jsonl").open("a") as file:
        file.write("\n" + json.dumps({"_id": "long", "text": long}))
    ranker = index_collection(read_collection(folder), real_encoder)
    assert len(ranker.cases) == 6
    assert ranker.layout.starts.tolist()[:6] == [0, 1, 2, 3, 4, 5]
    assert len(ranker.passages) - 5 == pytest.approx(30 * 9 / 50, abs=2)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("corpus.jsonl", "{not json}", "corpus.jsonl:1"),
        ("queries.jsonl", '{"_id": "q1", "text": "a"}\n{"text": "no id"}', "queries.jsonl:2"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "qrels.tsv:2"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nother\td1\t1\n", "judges no query"),
        ("qrels.tsv", None, "has no qrels.tsv"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, file, text, says):
    folder = write(tmp_path)
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)
    with pytest.raises(CorpusError, match=says):
        read_collection(folder)
