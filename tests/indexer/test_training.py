"""The recipe: what it may see, what it moves, and that it learns; on a few descriptions and cases, with the real model."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import torch

from indexer.description import read_description
from indexer.encoder import BASE, find_model
from indexer.judged import JudgedPair, read_judged
from indexer.training import GradedListLoss, Recipe, _training_rows, _with_general_texts, fold, train
from kb.corpus import read_corpora
from tests.conftest import CASES, ROOT

TINY = Recipe(epochs=6, batch=6, learning_rate=5e-5, max_tokens=48, hard_negatives=4)


@pytest.fixture(scope="module")
def cases():
    corpora = read_corpora([CASES])
    graded = sorted({case_id for query in read_judged(ROOT / "training" / "briefs-1.yaml")[:12] for case_id in query.grades})
    return [corpora.cases[case_id].case for case_id in graded][:24]


@pytest.fixture(scope="module")
def judged(cases):
    known = {case.id for case in cases}
    return [query for query in read_judged(ROOT / "training" / "briefs-1.yaml")[:12] if known & set(query.grades)]


@pytest.fixture(scope="module")
def trained(judged, cases, tmp_path_factory):
    return train(find_model(BASE), judged, cases, TINY)


def test_only_the_layers_move_and_the_loss_falls(trained):
    encoder, untrained = trained
    now = dict(encoder.named_parameters())
    assert untrained
    assert not any(".embeddings." in name for name in untrained)
    assert any(not torch.equal(before, now[name]) for name, before in untrained.items())
    assert encoder.max_seq_length == 256


def test_what_was_graded_useful_comes_nearer(trained, judged, cases):
    from indexer.passages import case_text
    from indexer.reference_encoder import load_reference

    def nearness(encoder):
        queries = encoder.encode([query.text for query in judged], normalize_embeddings=True)
        wholes = encoder.encode([case_text(case) for case in cases], normalize_embeddings=True)
        shares = []
        for query, cosines in zip(judged, queries @ wholes.T, strict=True):
            useful = np.array([query.grades.get(case.id, 0) >= 2 for case in cases])
            if useful.any():
                shares.append((cosines[useful][:, None] > cosines[~useful]).mean())
        return np.mean(shares)

    assert nearness(trained[0]) > nearness(load_reference(find_model(BASE)))


def test_rows_are_the_same_for_the_same_seed(judged, cases):
    from indexer.reference_encoder import load_reference

    encoder = load_reference(find_model(BASE))
    first, gains = _training_rows(encoder, judged, cases, TINY)
    again, _ = _training_rows(encoder, judged, cases, TINY)
    other, _ = _training_rows(encoder, judged, cases, msgspec.structs.replace(TINY, seed=1))
    assert first.to_list() == again.to_list() != other.to_list()
    for row in first.to_list():
        query, useful, useless = row["label"]
        assert gains[query, useful] > 0 == gains[query, useless]


def test_texts_of_no_particular_field_stay_where_they_were(trained, judged, cases):
    from indexer.reference_encoder import load_reference

    base = load_reference(find_model(BASE))
    texts = [
        "The wing stalls at a small angle of attack.",
        "Enzymes bind the virus before it enters the cell.",
        "A poet wrote of the sea in spring.",
    ]

    def kept(encoder):
        return float((encoder.encode(texts, normalize_embeddings=True) * base.encode(texts, normalize_embeddings=True)).sum(axis=1).mean())

    careless, _ = train(find_model(BASE), judged, cases, msgspec.structs.replace(TINY, retention=0.0))
    assert kept(careless) < kept(trained[0]) < 1.0


def test_every_row_carries_a_text_of_no_particular_field(judged, cases):
    from indexer.reference_encoder import load_reference

    encoder = load_reference(find_model(BASE))
    rows, _ = _training_rows(encoder, judged, cases, TINY)
    carrying, before = _with_general_texts(rows, encoder, judged, TINY)
    assert carrying.column_names == ["query", "useful", "useless", "general", "label"]
    sentences = {sentence.text for query in judged for sentence in read_description(query.text).sentences}
    texts = carrying["general"]
    assert sum(text in sentences for text in texts) < len(texts) / 10  # a few are so short that no word was replaced
    again = encoder.encode(list(texts), normalize_embeddings=True)
    for label, of_case, embedded in zip(carrying["label"], rows["label"], again, strict=True):
        assert label[:3] == of_case
        assert embedded @ before[label[3]] > 0.999


def test_judged_pairs_become_rows_of_their_own(judged, cases):
    from indexer.reference_encoder import load_reference

    query = judged[0]
    case_id = next(case.id for case in cases if case.id in query.grades)
    pairs = [
        JudgedPair(description=query.id, case=case_id, sentence="A sentence.", passage="A telling passage.", verdict=2),
        JudgedPair(description=query.id, case=cases[0].id, sentence="A sentence.", passage="An empty passage.", verdict=0),
        JudgedPair(description=query.id, case=case_id, sentence="Another.", passage="Nothing at all.", verdict=0),
        JudgedPair(description="held out", case=case_id, sentence="Unknown.", passage="Unknown.", verdict=2),
    ]
    recipe = msgspec.structs.replace(TINY, epochs=1, pair_share=1.0)
    rows, gains = _training_rows(load_reference(find_model(BASE)), judged, cases, recipe, pairs)
    [row] = [row for row in rows.to_list() if row["query"] == "A sentence."]
    assert (row["useful"], row["useless"]) == ("A telling passage.", "An empty passage.")
    number, useful, useless = row["label"]
    assert cases[useful].id == case_id
    assert gains[number, useful] == 1.0
    assert not gains[:, useless].any()
    assert all("Unknown." not in row.values() for row in rows.to_list())


def test_the_loss_is_least_when_cosines_follow_the_grades():
    gains = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    right, wrong = torch.tensor([[20.0, 0.0], [0.0, 20.0]]), torch.tensor([[0.0, 20.0], [20.0, 0.0]])
    assert GradedListLoss._listwise(right, gains) < 0.01 < 10 < GradedListLoss._listwise(wrong, gains)


def test_a_fold_leaves_out_what_it_says(judged, cases):
    everything = [query for file in sorted((ROOT / "training").glob("briefs-*.yaml")) for query in read_judged(file)]
    ids = [case.id for case in cases]
    folds = [fold(everything, ids, number) for number in range(5)]
    assert sorted(query for each in folds for query in each.descriptions) == sorted(query.id for query in everything)
    assert all(0.12 < len(each.descriptions) / len(everything) < 0.28 for each in folds)
    assert {case_id for each in folds[:4] for case_id in each.cases} == set(ids)
    assert fold(everything[:50], ids, 2).descriptions <= folds[2].descriptions
