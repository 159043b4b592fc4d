"""The explanation of a score adds up to what the answer says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from indexer import ranking
from indexer.build import build_index
from indexer.calibration import UNFITTED
from indexer.description import read_description
from indexer.generation import current_generation
from indexer.scoring import PARTS
from indexer.searcher import Searcher
from kb.errors import NotFoundError
from tests.conftest import SEEDS, HashEncoder

PLAN = "We replace the ERP before Christmas, all sites at once. Order takers get a half-day training."


@pytest.mark.parametrize("place", [0, 4, -1])
def test_parts_add_up_and_agree_with_the_answer(searcher, place):
    answer = searcher.search(PLAN, limit=100)
    case = answer.cases[place]
    explained = searcher.explain(PLAN, case.id)
    assert explained.rank == [each.id for each in answer.cases].index(case.id) + 1
    assert {part.part: part.weight for part in explained.parts} == PARTS
    assert sum(part.contribution for part in explained.parts) == pytest.approx(explained.fused, abs=1e-3)
    logit = explained.intercept + sum(weight * explained.features[name] for name, weight in explained.coefficients.items())
    assert explained.useful == pytest.approx(1 / (1 + math.exp(-logit)), abs=2e-3)
    assert explained.useful * explained.describes_project == pytest.approx(explained.probability, abs=2e-4)
    assert (explained.probability, explained.band) == (case.probability, case.band)


def test_words_and_sentences_are_those_of_the_texts(searcher):
    explained = searcher.explain(PLAN, "hershey-enterprise21-sap-1999")
    markdown = searcher.store.case("hershey-enterprise21-sap-1999").markdown
    assert {"erp", "training"} <= {term.term for term in explained.terms}
    assert [term.bm25 for term in explained.terms] == sorted((term.bm25 for term in explained.terms), reverse=True)
    assert [PLAN[sentence.query_start : sentence.query_end] for sentence in explained.sentences] == [
        sentence.query for sentence in explained.sentences
    ]
    for sentence in explained.sentences:
        assert sentence.passage.split()[0] in markdown.split("\n")[sentence.line - 1]
        assert -1 <= sentence.usual <= sentence.cosine <= 1


def test_a_case_that_is_not_found_is_explained_too(searcher):
    shown = {case.id for case in searcher.search(PLAN).cases}
    other = next(case_id for case_id in searcher.store.case_ids if case_id not in shown)
    assert searcher.explain(PLAN, other).rank > len(shown)


def test_an_unknown_case_names_the_nearest(searcher):
    with pytest.raises(NotFoundError) as caught:
        searcher.explain(PLAN, "hershey-enterprise21-sap-199")
    assert "hershey-enterprise21-sap-1999" in caught.value.next_step


@pytest.fixture
def beyond_the_limit(tmp_path, small_corpus, monkeypatch):
    """A small index with one withdrawn case, searched as one that is too large for every case to be scored."""
    path = small_corpus / "studies" / f"{SEEDS[0]}.md"
    path.write_text(path.read_text("utf-8").replace("status: published", "status: withdrawn"), "utf-8")
    build_index(tmp_path / "index", [small_corpus], encoder=HashEncoder())
    monkeypatch.setattr(ranking, "MOST_SCORED", 2)
    monkeypatch.setattr(ranking, "_CANDIDATES", 1)
    return Searcher(*current_generation(tmp_path / "index"), HashEncoder(), UNFITTED)


def test_a_case_that_no_list_names_is_explained_too(beyond_the_limit):
    plan = "A payment API."
    explained = [beyond_the_limit.explain(plan, case_id) for case_id in SEEDS[1:]]
    assert {each.case for each in explained} == set(SEEDS[1:])
    assert min(each.n_candidates for each in explained) < len(SEEDS[1:])  # not every case is a candidate of its own accord


def test_words_count_alike_however_many_cases_there_are(beyond_the_limit, monkeypatch):
    read = read_description("An API for payments, a warehouse, campaigns and sales contacts, with data that nobody cleaned.")
    embeddings = beyond_the_limit.encode(read)

    def words(row: int) -> float:
        scored = beyond_the_limit.score(read, embeddings[:1], embeddings[1:], allowed=np.array([row], np.int64))
        return scored.parts["lexical"][scored.rows.tolist().index(row)]

    rows = [beyond_the_limit.store.case_ids.index(case_id) for case_id in SEEDS[1:]]
    limited = [words(row) for row in rows]
    monkeypatch.setattr(ranking, "MOST_SCORED", 1_000)
    assert limited == [words(row) for row in rows]
    assert all(limited)


def test_a_withdrawn_case_is_refused_by_its_status(beyond_the_limit):
    with pytest.raises(NotFoundError, match="is withdrawn and never searched"):
        beyond_the_limit.explain(PLAN, SEEDS[0])
