"""`premortem eval`: search quality on the judged descriptions of the repository, and the calibration fitted on them."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from api.settings import Settings
from api.terminal import BuildProgress
from indexer import ablation, evaluation
from indexer.build import build_index
from indexer.calibration import OWN, PACKAGED, UNFITTED
from indexer.collection import read_collection
from indexer.encoder import BASE, TRAINED, find_model
from indexer.evaluation import HonestyReport, PreventionReport, SetReport
from indexer.fitting import fit_calibration
from indexer.judged import Judged, read_judged, read_pairs
from indexer.searcher import Searcher, open_searcher
from kb.errors import CorpusError, EncoderError, MissingExtraError

_ROOT = Path(__file__).parent.parent
JUDGED = _ROOT / "tests" / "eval"
TRAINING = _ROOT / "training"
_RANKED = {
    "briefs": "project descriptions",
    "lengths": "the same projects in one sentence and on a page",
    "retold": "more real projects, retold",
    "invented": "invented project descriptions",
    "cases": "known items",
}
"""Beginning of a file's name → what the judged descriptions in it are."""
_MEASURES = ("nDCG@10", "R@5", "R@10", "R@10 of 3", "RR@10", "Success@3")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    generation: str
    model: str
    sets: list[SetReport]
    prevention: PreventionReport | None
    """None where no project descriptions were judged."""
    honesty: HonestyReport | None
    """Over all descriptions of real projects; None where none, or no negatives, were judged."""


class CollectionReport(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    collection: SetReport


def evaluate(settings: Settings, folder: Path | None, *, as_json: bool) -> None:
    """Measure the index in use on judged descriptions and print the report.

    Raises:
        CorpusError: the judged descriptions are not there.
        MissingExtraError: ir-measures is not installed.
    """
    searcher = _open(settings)
    judged = _read_sets(folder or JUDGED)
    briefs, negatives = judged["briefs"], judged["negatives"]
    real = briefs + judged["retold"]
    report = Report(
        generation=searcher.manifest.generation,
        model=searcher.manifest.model_name,
        sets=[evaluation.evaluate_set(searcher, title, judged[name]) for name, title in _RANKED.items() if judged[name]],
        prevention=evaluation.evaluate_prevention(searcher, briefs) if briefs else None,
        honesty=evaluation.evaluate_honesty(searcher, real, negatives) if real and negatives else None,
    )
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report)


def evaluate_collection(settings: Settings, folder: Path, *, as_json: bool) -> None:
    """Measure the engine and the model of the index in use on a public test collection in BEIR layout and print the report.

    Raises:
        CorpusError: the collection cannot be read.
        MissingExtraError: ir-measures is not installed.
    """
    searcher = _open(settings)
    collection = read_collection(folder)
    with BuildProgress() as progress:
        measured = evaluation.evaluate_collection(searcher, collection, progress=progress.embedding)
    report = CollectionReport(model=searcher.manifest.model_name, collection=measured)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print_set(Console(highlight=False, width=110), measured)


def _need_measures() -> None:
    if importlib.util.find_spec("ir_measures") is None:
        raise MissingExtraError("ir-measures is not installed", next_step="run `make eval`, or pip install ir-measures")


def _open(settings: Settings) -> Searcher:
    _need_measures()
    return open_searcher(settings.index, model=settings.model, backend=settings.encoder)


def _read_sets(folder: Path, *, needed: Sequence[str] = ()) -> dict[str, list[Judged]]:
    """Return the judged sets of a folder by kind, from files such as `briefs-*.yaml`; empty where there are none.

    Raises:
        CorpusError: there is none at all, or none of a kind that is needed.
    """
    kinds = (*_RANKED, "negatives")
    sets = {kind: [query for file in sorted(folder.glob(f"{kind}-*.yaml")) for query in read_judged(file)] for kind in kinds}
    missing = [kind for kind in needed or _RANKED if not sets[kind]]
    if missing and (needed or len(missing) == len(_RANKED)):
        raise CorpusError(
            f"no judged descriptions in {folder}: expected {' or '.join(f'{kind}-*.yaml' for kind in missing)}",
            next_step="run it in a checkout, or give --judged a folder such as its tests/eval",
        )
    return sets


def _print(report: Report) -> None:
    console = Console(highlight=False, width=110)
    for each in report.sets:
        _print_set(console, each)
    if prevention := report.prevention:
        console.print(_table(f"prevention strategies: {prevention.n_queries}", ("nDCG@10", "R@10"), prevention.systems))
        _print_gain(console, prevention.gain)
    if honesty := report.honesty:
        console.print(f"\nfalse-confident {honesty.false_confident:.1%} of the descriptions for which nothing relevant exists")
        console.print(f"false-silent {honesty.false_silent:.1%} of those with a must-read case, of {honesty.n_queries} real projects")
        console.print(f"calibration error {honesty.calibration_error:.3f}")
        for band, its in honesty.bands.items():
            console.print(f"  of {its.n_cases} {band} cases {its.strongly_useful:.0%} strongly useful, {its.some_use:.0%} of some use")


def _print_set(console: Console, report: SetReport) -> None:
    measures = [measure for measure in _MEASURES if measure in report.systems["premortem"]]
    console.print(_table(f"{report.name}: {report.n_queries}", measures, report.systems))
    _print_gain(console, report.gain)
    if report.by_group:
        console.print(_table("nDCG@10 by kind and length", evaluation.SYSTEMS, report.by_group))
    console.print()


def _table(title: str, columns: Sequence[str], rows: dict[str, dict[str, float]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for name, values in rows.items():
        table.add_row(name, *(f"{values[column]:.3f}" for column in columns))
    return table


def _print_gain(console: Console, gain: dict[str, tuple[float, float, float]]) -> None:
    for system, (mean, low, high) in gain.items():
        console.print(f"  nDCG@10 above {system}: {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")


def ablate(settings: Settings, folder: Path | None) -> None:
    """Measure what each part of the ranking is worth, with either packaged model, and print it as Markdown tables.

    Raises:
        CorpusError: the judged descriptions are not there.
        MissingExtraError: ir-measures is not installed.
    """
    _need_measures()
    judged = _read_sets(folder or JUDGED, needed=("briefs", "cases"))
    sets = [judged["briefs"], judged["cases"]]
    for model in (TRAINED, BASE):
        with tempfile.TemporaryDirectory() as scratch, BuildProgress() as progress:
            build_index(Path(scratch), settings.cases, model=model, lenient=settings.lenient, reporter=progress)
            rows = ablation.ablate(open_searcher(Path(scratch), model=model), sets)
        click.echo(f"### Model `{model}`\n")
        click.echo("| variant | project descriptions | difference (95 % interval) | known items | difference (95 % interval) |")
        click.echo("|---|---:|---:|---:|---:|")
        for row in rows:
            cells = []
            for ndcg, (mean, low, high) in zip(row.ndcg, row.difference, strict=True):
                cells += [f"{ndcg:.3f}", f"{mean:+.3f} ({low:+.3f} to {high:+.3f})" if row is not rows[0] else ""]
            click.echo(f"| {row.variant} | {' | '.join(cells)} |")
        click.echo()


def calibrate(settings: Settings, sister: Path | None) -> None:
    """Fit the calibration on the training descriptions; write it beside the code, or into the index for a model that is not packaged.

    Args:
        settings: name the index and its model.
        sister: a folder written by `premortem train OUT --hold-out`; needed where the model was trained on these descriptions.

    Raises:
        CorpusError: the training descriptions are not there.
        EncoderError: the model was trained and no sister is given.
    """
    files = sorted(TRAINING.glob("briefs-*.yaml"))
    if not files:
        raise CorpusError(f"no training descriptions in {TRAINING}", next_step="run it in a checkout")
    judged = [query for file in files for query in read_judged(file)]
    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder, calibration=UNFITTED)
    if sister is None and searcher.manifest.encoder.model == find_model(TRAINED).sha256:
        raise EncoderError(
            "the model was trained on the descriptions that would calibrate it",
            next_step="run `premortem train SISTER --hold-out 0`, then `premortem eval --calibrate --sister SISTER`",
        )
    with tempfile.TemporaryDirectory() as scratch:
        unseen = _unseen_by(sister, judged, settings, Path(scratch)) if sister else (searcher, judged)
        fitted = fit_calibration(
            searcher,
            judged,
            unseen=unseen,
            pairs=read_pairs(TRAINING / "reasons.jsonl"),
            fitted_on=f"training/: {len(judged)} descriptions, {len(unseen[1])} of them unseen, {len(searcher.store.case_ids)} cases",
            progress=lambda queries: track(list(queries), description="Scoring", console=Console(stderr=True)),
        )
    packaged = {find_model(name).sha256: PACKAGED / f"{name}.calibration.json" for name in (BASE, TRAINED)}
    path = packaged.get(fitted.model, settings.index / OWN)
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(fitted) + b"\n")
    beside.replace(path)
    click.echo(f"wrote {path}", err=True)


def _unseen_by(sister: Path, judged: Sequence[Judged], settings: Settings, scratch: Path) -> tuple[Searcher, list[Judged]]:
    """Return an index by a model that was trained without some descriptions, and these descriptions."""
    try:
        learned = set(msgspec.json.decode((sister / "training.json").read_bytes())["learned"]["descriptions"])
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        raise CorpusError(f"{sister} does not say what it learned from", next_step="give a folder written by `premortem train`") from error
    with BuildProgress() as progress:
        build_index(scratch, settings.cases, model=str(sister), lenient=settings.lenient, reporter=progress)
    searcher = open_searcher(scratch, model=str(sister), calibration=UNFITTED)
    return searcher, [query for query in judged if query.id not in learned]
