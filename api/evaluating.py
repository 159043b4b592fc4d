"""`premortem eval`: search quality on the judged descriptions of the repository, and the calibration fitted on them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from api.settings import Settings
from indexer import evaluation
from indexer.evaluation import HonestyReport, Judged, SetReport, read_judged
from indexer.searcher import open_searcher
from kb.errors import CorpusError, MissingExtraError

_ROOT = Path(__file__).parent.parent
JUDGED = _ROOT / "tests" / "eval"
TRAINING = _ROOT / "training"
CALIBRATION = _ROOT / "indexer" / "calibration.json"
_MEASURES = ("nDCG@10", "R@5", "R@10", "RR@10", "Success@3")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    generation: str
    sets: list[SetReport]
    honesty: HonestyReport


def evaluate(settings: Settings, folder: Path | None, *, as_json: bool) -> None:
    """Measure the index in use on judged descriptions and print the report.

    Raises:
        CorpusError: the judged descriptions are not there.
        MissingExtraError: ir-measures is not installed.
    """
    if importlib.util.find_spec("ir_measures") is None:
        raise MissingExtraError("ir-measures is not installed", next_step="run `make eval`, or pip install ir-measures")
    folder = folder or JUDGED
    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder)
    briefs, known, negatives = (_read(folder / f"{name}-dev.yaml") for name in ("briefs", "cases", "negatives"))
    report = Report(
        generation=searcher.manifest.generation,
        sets=[evaluation.evaluate_set(searcher, "project descriptions", briefs), evaluation.evaluate_set(searcher, "known items", known)],
        honesty=evaluation.evaluate_honesty(searcher, briefs, negatives),
    )
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report)


def _read(path: Path) -> list[Judged]:
    if not path.is_file():
        raise CorpusError(
            f"no judged descriptions in {path}", next_step="run it in a checkout, or give --judged the folder tests/eval of one"
        )
    return read_judged(path)


def _print(report: Report) -> None:
    console = Console(highlight=False, width=110)
    for each in report.sets:
        table = Table(title=f"{each.name}: {each.n_queries}", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in ("", *_MEASURES):
            table.add_column(column, justify="left" if not column else "right")
        for system, values in each.systems.items():
            table.add_row(system, *(f"{values[measure]:.3f}" for measure in _MEASURES))
        console.print(table)
        for system, (mean, low, high) in each.gain.items():
            console.print(f"  nDCG@10 above {system}: {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")
        groups = ", ".join(f"{group} {values['premortem']:.3f}" for group, values in each.by_group.items())
        console.print(f"  nDCG@10 by kind and length: {groups}\n")
    honesty = report.honesty
    console.print(f"false-confident {honesty.false_confident:.1%} of the descriptions for which nothing relevant exists")
    console.print(
        f"false-silent {honesty.false_silent:.1%} of those with a must-read case; calibration error {honesty.calibration_error:.3f}"
    )


def calibrate(settings: Settings) -> None:
    """Fit the calibration on the training descriptions and write it beside the code.

    Raises:
        CorpusError: the training descriptions are not there.
    """
    files = sorted(TRAINING.glob("briefs-*.yaml"))
    if not files:
        raise CorpusError(f"no training descriptions in {TRAINING}", next_step="run it in a checkout")
    judged = [query for file in files for query in read_judged(file)]
    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder)
    fitted = evaluation.fit_calibration(
        searcher,
        judged,
        fitted_on=f"training/, {len(judged)} descriptions, {len(searcher.store.case_ids)} cases",
        progress=lambda queries: track(queries, description="Scoring", console=Console(stderr=True)),
    )
    beside = CALIBRATION.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(fitted) + b"\n")
    beside.replace(CALIBRATION)
    click.echo(f"wrote {CALIBRATION}", err=True)
