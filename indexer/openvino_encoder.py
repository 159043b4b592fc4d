"""The fast encoder: the model exported to OpenVINO, run without torch or transformers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from tokenizers import Tokenizer

from indexer.arrays import Embeddings
from indexer.encoder import Fingerprint, Model, Progress
from kb.errors import EncoderError
from kb.imports import without

with without("openvino.tools.ovc"):  # converts models, takes an eighth of a second; only the export needs it
    import openvino as ov

EXPORT_FORMAT = 1
_DESCRIPTION = "export.json"
_BATCH = 16
_THREADS = min(4, os.cpu_count() or 1)
"""For one encoding. One person waiting is the usual case: two threads answer a short query in 5.4 ms where one takes 7.4."""
MINIMUM_PARITY = 0.9999
"""Lowest cosine that an export may have with its reference on any of the probe passages."""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Description of an exported model, saved beside it."""

    format: int
    model_name: str
    model_sha256: str
    dim: int
    max_tokens: int
    query_prompt: str
    passage_prompt: str
    parity: float
    """Lowest cosine with sentence-transformers over the probe passages, at the precision used here."""
    needs_f32: bool = False
    """Whether this model, computed in bf16, is not what sentence-transformers computes."""
    folder: str = ""


def exported_model(model: Model, exports: Path, *, export: bool, say: Callable[[str], None] = lambda _: None) -> Export:
    """Return the export of a model, making it first where that is allowed.

    The export runs in a process of its own, which takes torch's memory with it, and appears by one rename.

    Raises:
        EncoderError: there is none and none may be made, or making it failed.
    """
    folder = exports / model.sha256[:16]
    if not (folder / _DESCRIPTION).is_file():
        if not export:
            raise EncoderError(f"the model {model.name} has not been exported yet", next_step="run `premortem index`")
        say(f"Preparing the model {model.name} (once, about half a minute)")
        exports.mkdir(parents=True, exist_ok=True)
        building = exports / f".building-{model.sha256[:16]}"
        shutil.rmtree(building, ignore_errors=True)
        command = [
            sys.executable,
            "-P",  # or a folder `indexer` where the command is run would be taken for ours
            "-m",
            "indexer.export",
            str(model.folder),
            model.name,
            model.sha256,
            str(model.delta or ""),
            str(building),
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            shutil.rmtree(building, ignore_errors=True)
            last = (run.stderr.strip().splitlines() or ["no message"])[-1]
            raise EncoderError(
                f"the model {model.name} cannot be exported: {last}",
                next_step="use another model folder, or set PREMORTEM_ENCODER=sentence-transformers to run it unexported",
            )
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    return read_export(folder, model.sha256)


def read_export(folder: Path, model_sha256: str) -> Export:
    """Return the description of an export.

    Raises:
        EncoderError: missing, damaged, or of another model or release.
    """
    mend = f"delete {folder} and run `premortem index`"
    try:
        found = msgspec.json.decode((folder / _DESCRIPTION).read_bytes(), type=Export)
    except (OSError, msgspec.MsgspecError) as error:
        raise EncoderError(f"the exported model in {folder} is missing or damaged: {error}", next_step=mend) from error
    if found.model_sha256 != model_sha256 or found.format != EXPORT_FORMAT:
        raise EncoderError(f"{folder} is the export of another model or release", next_step=mend)
    return msgspec.structs.replace(found, folder=str(folder))


def precision() -> str:
    """Return `bf16` where the processor computes in it, else `f32`."""
    return "bf16" if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


class OpenVinoEncoder:
    """Runs an export; calls from several threads take turns, each with all of `_THREADS`."""

    def __init__(self, export: Export) -> None:
        folder = Path(export.folder)
        self.dim = export.dim
        self.export = export
        used = "f32" if export.needs_f32 else precision()
        self.fingerprint = Fingerprint(export.model_sha256, "openvino", used)
        mend = f"delete {folder} and run `premortem index`"
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise EncoderError(f"the exported model in {folder} has no usable tokenizer.json: {error}", next_step=mend) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(export.max_tokens)
        config = {"INFERENCE_PRECISION_HINT": used, "INFERENCE_NUM_THREADS": _THREADS, "NUM_STREAMS": 1}
        try:
            self._model = ov.Core().compile_model(str(folder / "model.xml"), "CPU", config)
        except RuntimeError as error:
            raise EncoderError(f"OpenVINO cannot load {folder}: {str(error).strip().splitlines()[0]}", next_step=mend) from error
        self._local = threading.local()

    def encode_queries(self, queries: Sequence[str]) -> Embeddings:
        return self._encode([self.export.query_prompt + query for query in queries])

    def encode_passages(self, passages: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        return self._encode([self.export.passage_prompt + passage for passage in passages], progress=progress)

    def _encode(self, given: Sequence[str], *, progress: Progress | None = None) -> Embeddings:
        texts = list(dict.fromkeys(given))  # long descriptions repeat themselves
        embeddings = np.empty((len(texts), self.dim), np.float32)
        token_ids = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        # Sorted by length, little is padded; by tokens too, so that batches do not depend on the order of files.
        order = sorted(range(len(texts)), key=lambda row: (len(token_ids[row]), token_ids[row]))
        done = 0
        while done < len(order):
            # A batch ends where padding its first text to the next one's length would cost more than a call of its own.
            longest = len(token_ids[order[done]]) * 3 // 2 + 8
            rows = [row for row in order[done : done + _BATCH] if len(token_ids[row]) <= longest]
            embeddings[rows] = self._infer([token_ids[row] for row in rows])
            done += len(rows)
            if progress:
                progress(done, len(order))
        rows_of = {text: row for row, text in enumerate(texts)}
        return embeddings if len(texts) == len(given) else embeddings[[rows_of[text] for text in given]]

    def _infer(self, batch: list[list[int]]) -> Embeddings:
        width = max(len(ids) for ids in batch)
        ids = np.zeros((len(batch), width), np.int64)
        mask = np.zeros((len(batch), width), np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        output: Embeddings = self._local.request.infer([ids, mask])[0]
        return output
