"""The reference encoder: plain sentence-transformers. Slower and larger than the export, and what the export is checked against."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from indexer.arrays import Embeddings
from indexer.encoder import PACKAGED_SHA256, Fingerprint, Model, Progress
from kb.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32


def load_reference(model: Model) -> SentenceTransformer:
    """Load a model folder on the CPU without asking any hub.

    Raises:
        EncoderError: sentence-transformers cannot load it, or its delta is not for it.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import transformers
    from sentence_transformers import SentenceTransformer

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        loaded = SentenceTransformer(str(model.folder), device="cpu", local_files_only=True)
    except Exception as error:  # the library raises whatever its loaders raise
        raise EncoderError(
            f"sentence-transformers cannot load {model.folder}: {error}",
            next_step="point PREMORTEM_MODEL at a complete sentence-transformers folder, or unset it",
        ) from error
    if model.delta is not None:
        from indexer.delta import apply_delta

        apply_delta(dict(loaded.named_parameters()), model.delta, base_sha256=PACKAGED_SHA256)
    return loaded


class ReferenceEncoder:
    def __init__(self, model: Model) -> None:
        self._model = load_reference(model)
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.fingerprint = Fingerprint(model.sha256, "sentence-transformers", "f32")

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        return self._unit(self._model.encode_query(list(queries), batch_size=_BATCH, show_progress_bar=False))

    def encode_passages(self, passages: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        parts = [np.empty((0, self.dim), np.float32)]
        for start in range(0, len(passages), _BATCH):
            batch = list(passages[start : start + _BATCH])
            parts.append(self._unit(self._model.encode_document(batch, batch_size=_BATCH, show_progress_bar=False)))
            if progress:
                progress(start + len(batch), len(passages))
        return np.concatenate(parts)

    def _unit(self, rows: object) -> Embeddings:
        array = np.asarray(rows, np.float32).reshape(-1, self.dim)
        norms = np.linalg.norm(array, axis=1, keepdims=True)
        unit: Embeddings = np.divide(array, norms, where=norms > 0, out=np.zeros_like(array))
        return unit
