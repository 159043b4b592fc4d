"""Export a sentence-transformers model to OpenVINO: `python -m indexer.export FOLDER NAME SHA256 DELTA OUT`, DELTA empty for none.

Runs in a process of its own, because it needs torch and half a gigabyte.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import msgspec
import numpy as np
import openvino as ov
import torch
from openvino.tools.ovc import convert_model  # type: ignore[import-untyped]

from indexer.arrays import Embeddings
from indexer.encoder import Model
from indexer.openvino_encoder import EXPORT_FORMAT, MINIMUM_PARITY, Export, OpenVinoEncoder, precision
from indexer.reference_encoder import load_reference
from kb.corpus import corpus_files, shipped
from kb.errors import EncoderError
from kb.parse import read_case

_N_PROBES = 64


class _Embedder(torch.nn.Module):
    """The whole sentence-transformers pipeline, pooling and normalising included, as one module of two inputs."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        features = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
        return torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)


def export(model: Model, out: Path) -> Export:
    """Write the export to `out` and return its description, parity included.

    Raises:
        EncoderError: the export differs from the reference, or the model has no fast tokenizer.
    """
    reference = load_reference(model)
    tokenizer = reference.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderError(f"{model.name} has no fast tokenizer", next_step="use a model folder that has tokenizer.json")
    out.mkdir(parents=True)
    tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
    example = {name: torch.ones(2, 8, dtype=torch.int64) for name in ("input_ids", "attention_mask")}
    dynamic = [(name, ov.PartialShape([-1, -1]), ov.Type.i64) for name in example]
    with torch.no_grad():
        graph = convert_model(_Embedder(reference).eval(), example_input=example, input=dynamic)
    ov.save_model(graph, out / "model.xml", compress_to_fp16=True)
    prompts = reference.prompts or {}
    description = Export(
        format=EXPORT_FORMAT,
        model_name=model.name,
        model_sha256=model.sha256,
        dim=int(reference.get_embedding_dimension() or 0),
        max_tokens=int(reference.max_seq_length or 512),
        query_prompt=prompts.get("query", ""),
        passage_prompt=prompts.get("document", "") or prompts.get("passage", ""),
        parity=0.0,
        folder=str(out),
    )
    probes = probe_passages()
    expected: Embeddings = reference.encode_document(probes, show_progress_bar=False, normalize_embeddings=True)
    parity = _lowest_cosine(description, probes, expected)
    if parity < MINIMUM_PARITY and precision() != "f32":  # some models have values too large for the steps of bf16
        description = msgspec.structs.replace(description, needs_f32=True)
        parity = _lowest_cosine(description, probes, expected)
    if parity < MINIMUM_PARITY:
        raise EncoderError(
            f"the export of {model.name} is not faithful: lowest cosine {parity:.5f}, needed {MINIMUM_PARITY}",
            next_step="set PREMORTEM_ENCODER=sentence-transformers",
        )
    description = msgspec.structs.replace(description, parity=parity, folder="")
    (out / "export.json").write_bytes(msgspec.json.encode(description))
    return description


def _lowest_cosine(description: Export, probes: list[str], expected: Embeddings) -> float:
    return float(np.min(np.sum(expected * OpenVinoEncoder(description).encode_passages(probes), axis=1)))


def probe_passages() -> list[str]:
    """Return real passages of the shipped cases, from one word to longer than the model reads."""
    texts: list[str] = ["payroll", "We replace the billing system."]
    for path, kind in corpus_files(shipped("cases")):
        case = read_case(path.read_text("utf-8"), source=path.name)[0] if kind == "case" else None
        if case:
            texts += [item.text for item in (*case.symptoms, *case.lessons)] + [case.undertaking[0].text]
        if len(texts) > _N_PROBES:
            break
    return [*texts[:_N_PROBES], " ".join(texts)]


def main() -> int:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    folder, name, sha256, delta, out = sys.argv[1:]
    try:
        export(Model(Path(folder), name, sha256, Path(delta) if delta else None), Path(out))
    except EncoderError as error:
        sys.stderr.write(f"{error}; {error.next_step}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
