"""The map of the corpus: repeatable, inside its frame, and near stands what is alike."""

from __future__ import annotations

import numpy as np
import pytest

from indexer import generation as gen
from indexer.projection import EXACT_LIMIT, project
from indexer.searcher import open_searcher
from kb.errors import IndexDamagedError
from tests.conftest import HashEncoder


def topics(count: int, *, per_topic: int = 10) -> np.ndarray:
    """Unit vectors in groups of `per_topic` that are far more alike than others."""
    random = np.random.default_rng(7)
    centres = np.repeat(random.normal(size=(-(-count // per_topic), 16)), per_topic, axis=0)[:count]
    vectors = centres + random.normal(scale=0.3, size=(count, 16))
    return (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 30, EXACT_LIMIT + 1])
def test_every_case_has_a_place_in_the_frame(count):
    places = project(topics(count))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert (places >= 0).all() and (places <= 1).all()


def test_same_embeddings_give_the_same_places():
    assert (project(topics(60)) == project(topics(60))).all()


@pytest.mark.parametrize("count", [100, EXACT_LIMIT + 100])
def test_cases_stand_near_their_own_kind(count):
    places = project(topics(count))
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    assert (nearest // 10 == np.arange(count) // 10).mean() > 0.9


def test_no_case_hides_another_even_when_all_are_equal():
    for vectors in (topics(143), np.repeat(topics(1), 20, axis=0)):
        places = project(vectors)
        distances = np.linalg.norm(places[:, None] - places, axis=2)
        np.fill_diagonal(distances, np.inf)
        assert distances.min() > 0.3 / np.sqrt(len(vectors))


def test_places_follow_the_cases_when_their_order_changes():
    """Not the same picture, but the same neighbours: the order of files decides nothing that is seen."""
    vectors, order = topics(60), np.random.default_rng(3).permutation(60)
    places = project(vectors[order])
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (order[distances.argmin(axis=1)] // 10 == order // 10).mean() > 0.9


def test_index_keeps_the_map_with_a_checksum(small_real_index):
    folder, manifest = gen.current_generation(small_real_index)
    assert "map.npy" in manifest.checksums
    assert open_searcher(small_real_index).places.shape == (manifest.counts["cases"], 2)
    np.save(folder / gen.MAP, np.zeros((2, 2)))
    assert gen.damaged_files(folder, manifest) == ["map.npy"]
    with pytest.raises(IndexDamagedError):
        open_searcher(small_real_index)


def test_small_corpora_have_maps_too(tmp_path, small_corpus, hash_encoder: HashEncoder):
    from indexer.build import build_index

    for name in sorted((small_corpus / "studies").iterdir())[:-1]:
        build_index(tmp_path / "index", [small_corpus], encoder=hash_encoder, rebuild=True)
        folder, manifest = gen.current_generation(tmp_path / "index")
        places = np.load(folder / gen.MAP)
        assert len({tuple(place) for place in places}) == manifest.counts["cases"]
        name.unlink()
