"""Fixtures that several packages' tests share: real parts throughout, a toy encoder only where meaning does not matter."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings

from indexer.arrays import Embeddings
from indexer.build import build_index
from indexer.encoder import Encoder, Fingerprint, Progress
from indexer.searcher import Searcher, open_searcher
from kb.corpus import shipped

# Machines are shared: how long one example takes says nothing.
hypothesis_settings.register_profile("premortem", deadline=None)
hypothesis_settings.load_profile("premortem")

ROOT = Path(__file__).parent.parent
CASES = shipped("cases")
SEEDS = ("multinational-erp-regions", "ecommerce-payment-api", "warehouse-analytics-legacy", "retailer-crm-marketing")
"""A few shipped cases, enough for a small corpus."""


class HashEncoder:
    """Deterministic toy: a text's vector is the sum of random vectors of its words, so shared words bring texts near."""

    dim = 16
    fingerprint = Fingerprint("0" * 64, "hash", "f32")

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        return np.array([self._vector(query) for query in queries], np.float32).reshape(-1, self.dim)

    def encode_passages(self, passages: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        self.encoded.extend(passages)
        if progress:
            progress(len(passages), len(passages))
        return self.encode_queries(passages)

    def _vector(self, text: str) -> Embeddings:
        total = np.ones(self.dim) * 1e-3
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            total += np.random.default_rng(seed).standard_normal(self.dim)
        return (total / np.linalg.norm(total)).astype(np.float32)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests may decide them."""
    for name in [name for name in os.environ if name.startswith("PREMORTEM_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    """A corpus folder with a few real cases and every strategy, to change at will."""
    folder = tmp_path / "corpus"
    (folder / "studies").mkdir(parents=True)
    for name in SEEDS:
        shutil.copy(CASES / "studies" / f"{name}.md", folder / "studies")
    shutil.copytree(CASES / "strategies", folder / "strategies")
    return folder


@pytest.fixture
def hash_encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture(scope="session")
def real_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of all shipped cases, by the real model; built once a run."""
    index = tmp_path_factory.mktemp("real") / "index"
    build_index(index, [CASES])
    return index


@pytest.fixture(scope="session")
def searcher(real_index: Path) -> Searcher:
    return open_searcher(real_index)


@pytest.fixture(scope="session")
def real_encoder(searcher: Searcher) -> Encoder:
    return searcher.encoder


@pytest.fixture
def small_real_index(tmp_path: Path, real_index: Path, small_corpus: Path) -> Path:
    """An index of the small corpus by the real model; the export and known embeddings are copied, so it takes a second."""
    index = tmp_path / "index"
    index.mkdir()
    shutil.copytree(real_index / "exports", index / "exports")
    shutil.copy(real_index / "embeddings.sqlite", index)
    build_index(index, [small_corpus])
    return index
