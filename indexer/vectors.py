"""FAISS indexes of unit vectors by row."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from indexer.arrays import Embeddings, FloatArray, IntArray

faiss: Any = importlib.import_module("faiss")  # its stubs lack half of what the compiled module has

_EF_SEARCH = 256
"""Nodes a graph search keeps in view: more finds more and takes longer."""
EXACT_LIMIT = 50_000
"""Up to this many vectors search is exact; above, a graph (HNSW) finds candidates and their scores stay exact."""


class Vectors:
    """Inner products with stored unit vectors, i.e. cosines."""

    def __init__(self, index: Any) -> None:
        self._index = index
        flat = index if isinstance(index, faiss.IndexFlat) else faiss.downcast_index(index.storage)
        # A view, not a copy: the index owns the memory and lives as long as this object.
        self.matrix: Embeddings = faiss.rev_swig_ptr(flat.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
        """Shape (n, dim), float32, by row."""

    @classmethod
    def build(cls, embeddings: Embeddings, *, exact_limit: int = EXACT_LIMIT) -> Vectors:
        """Return an index over the rows of `embeddings`."""
        count, dim = embeddings.shape
        if count <= exact_limit:
            index = faiss.IndexFlatIP(dim)
        else:
            index = faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = 120
            index.hnsw.efSearch = _EF_SEARCH
        index.add(np.ascontiguousarray(embeddings, np.float32))
        return cls(index)

    @classmethod
    def read(cls, path: Path) -> Vectors:
        return cls(faiss.read_index(str(path)))

    def write(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: Embeddings, *, limit: int, rows: IntArray | None = None) -> tuple[FloatArray, IntArray]:
        """Return (cosines, rows), each of shape (n_queries, limit), best first; row -1 where there are fewer.

        Args:
            queries: shape (n_queries, dim), unit rows.
            limit: hits a query.
            rows: search only these rows.
        """
        limit = max(1, min(limit, len(self)))
        parameters = None
        if rows is not None:
            selector = faiss.IDSelectorBatch(rows)
            exact = isinstance(self._index, faiss.IndexFlat)
            parameters = faiss.SearchParameters(sel=selector) if exact else faiss.SearchParametersHNSW(sel=selector, efSearch=_EF_SEARCH)
        scores, found = self._index.search(np.ascontiguousarray(queries, np.float32), limit, params=parameters)
        return np.asarray(scores, np.float64), np.asarray(found, np.int64)
