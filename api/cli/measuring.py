"""Measuring search and training its model: `premortem eval` and `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from api.cli.options import index_option, model_option, settings_with


@click.command("eval")
@click.option(
    "--judged", type=click.Path(path_type=Path), metavar="DIR", help="Folder of judged descriptions. Default: tests/eval of this checkout."
)
@click.option(
    "--collection",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Rank a public test collection in BEIR layout instead: corpus.jsonl, queries.jsonl, qrels.tsv, gzip or not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--ablation", is_flag=True, help="Measure what each part of the ranking is worth, with either packaged model, as Markdown.")
@click.option("--calibrate", is_flag=True, help="First fit the calibration on the training descriptions and write it.")
@click.option(
    "--sister",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="For --calibrate of a trained model: the same trained with --hold-out, so that probabilities are fitted on unseen descriptions.",
)
@index_option
@model_option
def evaluate(
    judged: Path | None,
    collection: Path | None,
    as_json: bool,
    ablation: bool,
    calibrate: bool,
    sister: Path | None,
    index: Path | None,
    model: str | None,
) -> None:
    """Measure search quality on judged descriptions, against BM25, embeddings and their plain hybrid.

    \b
    premortem eval
    premortem eval --judged tests/eval --json
    premortem eval --collection ~/beir/scifact
    """
    from api import evaluating

    settings = settings_with(index=index, model=model)
    if collection is not None:
        evaluating.evaluate_collection(settings, collection, as_json=as_json)
        return
    if ablation:
        evaluating.ablate(settings, judged)
        return
    if calibrate:
        evaluating.calibrate(settings, sister)
    evaluating.evaluate(settings, judged, as_json=as_json)


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--hold-out", type=click.IntRange(0, 4), metavar="FOLD", help="Leave a fifth of the descriptions and a quarter of the cases out."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Learn from the briefs-*.yaml and reasons.jsonl of this folder instead of those in training/.",
)
@click.option("--epochs", type=click.IntRange(1), help="Times each description is seen. Default 4.")
@click.option("--learning-rate", type=float, help="Default 0.0001.")
@click.option("--batch", type=click.IntRange(2), help="Descriptions in a step. Default 20.")
@click.option("--max-tokens", type=click.IntRange(16, 256), help="Longer texts are cut in training. Default 160.")
@click.option("--retention", type=click.FloatRange(0), help="How strongly texts of no particular field are held. Default 10.")
@click.option("--seed", type=int, help="Default 0.")
@click.option(
    "--average",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Do not train: average the weights of models trained before; may be given more than once.",
)
@click.option("--keep", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="With --average: how far to go from the base.")
def train(out: Path, data: Path | None, hold_out: int | None, average: tuple[Path, ...], keep: float, **given: Any) -> None:
    """Fine-tune the packaged model on the graded descriptions in training/ and write it to OUT (two cores: a good half hour).

    \b
    premortem train /tmp/trained
    premortem train /tmp/fold0 --hold-out 0 --seed 1
    premortem train /tmp/final --average /tmp/trained --average /tmp/fold0
    """
    from api import training

    if average:
        training.average(out, average, keep=keep)
        return
    training.train(out, data=data, hold_out=hold_out, given={name: value for name, value in given.items() if value is not None})
