"""`premortem train`: the encoder fine-tuned on the graded descriptions of the repository."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from api.evaluating import TRAINING
from indexer.encoder import BASE, TRAINED_DELTA, find_model
from indexer.judged import read_judged, read_pairs
from kb.corpus import read_corpora, shipped
from kb.errors import CorpusError, MissingExtraError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

RANK = 96
"""Rank at which each weight's change is kept: 8 MB."""
_NEEDED = ("accelerate", "datasets", "torch")


def train(out: Path, *, data: Path | None, hold_out: int | None, given: dict[str, float]) -> None:
    """Train and write a model folder with its delta and what it was made from.

    Args:
        out: folder to write; must not exist.
        data: folder of graded descriptions and, where there are any, judged pairs; those of this checkout when None.
        hold_out: number of the fold that is not learned from; everything is when None.
        given: settings of the recipe that differ from its defaults.

    Raises:
        CorpusError: the training descriptions are not there, or `out` exists.
        MissingExtraError: what training needs is not installed.
    """
    _check(out)
    data = data or TRAINING
    files = sorted(data.glob("briefs-*.yaml"))
    if not files:
        raise CorpusError(f"no training descriptions in {data}", next_step="run it in a checkout, or give --data a folder of them")
    from indexer import training

    judged = [query for file in files for query in read_judged(file)]
    graded = {case_id for query in judged for case_id in query.grades}
    cases = [file.case for _, file in sorted(read_corpora([shipped("cases")]).cases.items()) if file.case and file.case.id in graded]
    recipe = msgspec.convert(given, training.Recipe)
    split = training.Split() if hold_out is None else training.fold(judged, [case.id for case in cases], hold_out)
    learned_from = [query for query in judged if query.grades and query.id not in split.descriptions]
    learned_about = [case for case in cases if case.id not in split.cases]
    pairs = read_pairs(file) if (file := data / "reasons.jsonl").is_file() else []
    click.echo(f"Learning from {len(learned_from)} descriptions and {len(pairs)} pairs about {len(learned_about)} cases", err=True)
    base = find_model(BASE)
    trained, untrained = training.train(base, learned_from, learned_about, recipe, pairs)
    learned = {"descriptions": sorted(query.id for query in learned_from), "cases": sorted(case.id for case in learned_about)}
    _write(out, trained, untrained, {"recipe": recipe, "learned": learned, "base": base.sha256})


def average(out: Path, folders: Sequence[Path], *, keep: float) -> None:
    """Write the model whose weights lie between those of the base and the mean of models trained before, with its delta.

    Source: model soups, Wortsman et al., ICML 2022 (of models trained from one start, the mean is as good as the best or better), and
    robust fine-tuning, Wortsman et al., CVPR 2022 (part of the way from the base keeps most of what was learned and forgets less).

    Args:
        out: folder to write; must not exist.
        folders: written by `train`.
        keep: how far to go from the base towards the mean, 0 to 1.

    Raises:
        CorpusError: a folder was not written by `train`, or `out` exists.
        MissingExtraError: what training needs is not installed.
    """
    _check(out)
    import torch

    from indexer.reference_encoder import load_reference

    for folder in folders:
        if not (folder / "training.json").is_file():
            raise CorpusError(f"{folder} holds no trained model", next_step="give folders written by `premortem train`")
    base = load_reference(find_model(BASE))
    untrained = {name: value.detach().clone() for name, value in base.named_parameters()}
    models = [dict(load_reference(find_model(str(folder))).named_parameters()) for folder in folders]
    with torch.no_grad():
        for name, value in base.named_parameters():
            value += keep * torch.stack([model[name] - value for model in models]).mean(0)  # what nobody moved stays exactly
    runs = [msgspec.json.decode((folder / "training.json").read_bytes()) for folder in folders]
    learned = {kind: sorted({each for run in runs for each in run["learned"][kind]}) for kind in ("descriptions", "cases")}
    recipes = [run.get("recipe") or run["average_of"] for run in runs]
    _write(out, base, untrained, {"average_of": recipes, "keep": keep, "learned": learned})


def _check(out: Path) -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"training needs {', '.join(missing)}", next_step="run `pip install 'premortem[train]'`")
    if out.exists():
        raise CorpusError(f"{out} exists", next_step="name a new folder")


def _write(out: Path, trained: SentenceTransformer, untrained: dict[str, torch.Tensor], made_from: dict[str, object]) -> None:
    from indexer.delta import write_delta

    trained.save(str(out))
    write_delta(untrained, dict(trained.named_parameters()), out / TRAINED_DELTA.name, rank=RANK, base_sha256=find_model(BASE).sha256)
    (out / "training.json").write_bytes(msgspec.json.format(msgspec.json.encode(made_from)))
    click.echo(f"Wrote {out}: try it with PREMORTEM_MODEL={out}; {TRAINED_DELTA.name} there is its delta", err=True)
