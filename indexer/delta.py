"""What training changed in a model's weights, kept small: low-rank factors in half precision, added to the base when it is loaded.

A file in safetensors format. Of a weight matrix it holds the two factors of the best approximation of its change, `name.out` of shape
(n_out, rank) and `name.in` of shape (rank, n_in); of a vector its whole change, under its own name. Its metadata names the base.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from kb.errors import EncoderError

_BASE = "base_sha256"


def write_delta(base: Mapping[str, torch.Tensor], trained: Mapping[str, torch.Tensor], path: Path, *, rank: int, base_sha256: str) -> None:
    """Write what training changed.

    Args:
        base: parameter name → weights before.
        trained: the same names → weights after.
        path: file to write.
        rank: rank at which the change of a matrix is kept.
        base_sha256: of the base's weights.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, before in base.items():
        change = (trained[name] - before).float()
        if not bool(change.any()):
            continue
        if change.dim() == 1:
            tensors[name] = change.half()
            continue
        left, strengths, right = torch.linalg.svd(change, full_matrices=False)
        roots = strengths[:rank].sqrt()  # shared by both factors, so that neither leaves the range of half precision
        tensors[f"{name}.out"] = (left[:, :rank] * roots).half().contiguous()
        tensors[f"{name}.in"] = (roots[:, None] * right[:rank]).half().contiguous()
    save_file(tensors, path, metadata={_BASE: base_sha256, "rank": str(rank)})


def apply_delta(parameters: Mapping[str, torch.Tensor], path: Path, *, base_sha256: str) -> None:
    """Add the changes of a file to the weights of its base, in place.

    Raises:
        EncoderError: the file is damaged, or was made for another base.
    """
    reinstall = "reinstall premortem, or set PREMORTEM_MODEL=base to do without"
    try:
        with safe_open(path, "pt") as file, torch.no_grad():
            if (file.metadata() or {}).get(_BASE) != base_sha256:
                raise EncoderError(f"{path} was trained on another base model", next_step=reinstall)
            for name in file.keys():  # noqa: SIM118 - not a mapping
                parameter = name.removesuffix(".out")
                if parameter != name:
                    parameters[parameter] += file.get_tensor(name).float() @ file.get_tensor(f"{parameter}.in").float()
                elif not name.endswith(".in"):
                    parameters[name] += file.get_tensor(name).float()
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise EncoderError(f"the trained weights in {path} are damaged: {error}", next_step=reinstall) from error
