"""The command `premortem`. Parts that take long to import are imported by the commands that need them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from api.settings import Settings, checked, load_settings
from kb.errors import (
    CaseExistsError,
    CorpusError,
    EncoderError,
    FilterError,
    FolderNotWritableError,
    IndexDamagedError,
    IndexFormatError,
    IndexLockedError,
    IndexMissingError,
    IndexUnavailableError,
    InvalidCasesError,
    MissingExtraError,
    NotFoundError,
    OverloadedError,
    PortInUseError,
    PremortemError,
    QueryError,
    QueryTooLongError,
    ServerError,
    SettingsError,
)
from kb.importers import FORMATS

EXIT_CODES: dict[type[PremortemError], int] = {
    PremortemError: 1,
    QueryError: 2,
    QueryTooLongError: 2,
    FilterError: 2,
    SettingsError: 2,
    NotFoundError: 3,
    CaseExistsError: 2,
    MissingExtraError: 1,
    InvalidCasesError: 4,
    CorpusError: 4,
    IndexUnavailableError: 5,
    IndexMissingError: 5,
    IndexDamagedError: 5,
    IndexFormatError: 5,
    IndexLockedError: 5,
    EncoderError: 6,
    FolderNotWritableError: 7,
    ServerError: 8,
    PortInUseError: 8,
    OverloadedError: 8,
}
"""Every error of the tree → exit code of the command; a test holds it complete."""

_EPILOG = """\b
Exit codes: 0 all well · 1 problems found, or an error of no other kind · 2 wrong use, description or filter
3 no such case or strategy · 4 invalid case files · 5 no usable index · 6 model · 7 folder not writable · 8 server
Settings: PREMORTEM_INDEX, _CASES, _MODEL, _ENCODER, _HOST, _PORT, _THREADS, _LENIENT, _REPOSITORY, _CHECKS_PER_MINUTE;
options on the command line win."""

_LINT_EPILOG = """\b
Exit codes: 0 no errors · 1 errors found (with --strict: or warnings) · 2 wrong use, or something cannot be read or written
Rules: file file-name front-matter vocabulary section block item timeline date source-form source-missing source-undefined
source-unused evidence figure link unsafe-link raw-html duplicate duplicate-source near-duplicate secret personal-data blame advice
todo form"""

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="premortem", prog_name="premortem")
def cli() -> None:
    """Documented failures of projects like yours, why they match, and what would have helped.

    \b
    premortem index                         build the search index (once, and after cases change)
    premortem search "We will replace …"    precedents, reasons, prevention, signs to watch
    premortem serve                         the same as a web site at http://127.0.0.1:8000
    """


def cases_option(command: Command) -> Command:
    return click.option(
        "--cases",
        "cases",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Folder of case studies; may be given more than once. Default: those that came with premortem.",
    )(command)


def index_option(command: Command) -> Command:
    return click.option("--index", "index", metavar="DIR", type=click.Path(path_type=Path), help="Folder of the search index.")(command)


def model_option(command: Command) -> Command:
    return click.option(
        "--model",
        metavar="MODEL",
        help="premortem (trained on graded descriptions; the default), base (the same, untrained) or a sentence-transformers folder.",
    )(command)


def lenient_option(command: Command) -> Command:
    return click.option(
        "--lenient/--strict",
        "lenient",
        default=None,
        help="Read post-mortems that are no cases of premortem, too: Markdown, text and HTML with the usual headings, as drafts.",
    )(command)


def settings_with(**given: Any) -> Settings:
    """Return the environment's settings with options of the command line put over them."""
    settings = load_settings(os.environ)
    return checked(msgspec.structs.replace(settings, **{name: value for name, value in given.items() if value not in (None, ())}))


def filter_options(command: Command) -> Command:
    for name, help_text in reversed(
        [
            ("industry", "Industry, e.g. retail."),
            ("undertaking", "Kind of project, e.g. system-replacement."),
            ("category", "Category of contributing factors, e.g. data-mapping."),
            ("phase", "Phase where it broke, e.g. go-live."),
            ("outcome", "How it ended, e.g. abandoned."),
            ("system", "Kind of system, e.g. erp."),
            ("evidence", "Best kind of source, e.g. official-report."),
            ("status", "Status of the case, e.g. published."),
            ("corpus", "Corpus: the name of a --cases folder."),
        ]
    ):
        command = click.option(f"--{name}", multiple=True, metavar="TERM", help=help_text)(command)
    drafts = "Whether cases that nobody has reviewed yet are among them. Default: they are, and are marked."
    command = click.option("--drafts/--no-drafts", default=True, help=drafts)(command)
    command = click.option("--from-year", type=int, help="Only cases that ended in this year or later.")(command)
    return click.option("--to-year", type=int, help="Only cases that began in this year or earlier.")(command)


@cli.command()
@click.argument("description", required=False)
@click.option(
    "-f", "--file", "file", type=click.Path(path_type=Path, allow_dash=True), help="Read the description from a file; - is standard input."
)
@click.option("-n", "--limit", default=10, show_default=True, help="Most cases shown, 1 to 100.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--explain", metavar="CASE", help="Show how the score of this one case came about, whether it is found or not.")
@filter_options
@index_option
@model_option
def search(
    description: str | None,
    file: Path | None,
    limit: int,
    as_json: bool,
    explain: str | None,
    index: Path | None,
    model: str | None,
    **facets: Any,
) -> None:
    """Find documented failures of projects like the one described.

    \b
    premortem search "We will connect our 20-year-old warehouse system to a new analytics tool in 8 weeks"
    premortem search --file plan.md --limit 5
    cat plan.md | premortem search --json
    premortem search "new payroll" --industry public-administration --from-year 2005
    premortem search --file plan.md --explain hershey-enterprise21-sap-1999
    """
    from api.terminal import print_answer, print_explanation
    from indexer.searcher import open_searcher
    from kb.store import Filters

    text = _read_text(description, file)
    settings = settings_with(index=index, model=model)
    searcher = open_searcher(settings.index, model=settings.model, backend=settings.encoder)
    if explain is not None:
        explanation = searcher.explain(text, explain)
        if as_json:
            click.echo(msgspec.json.encode(explanation))
        else:
            print_explanation(explanation)
        return
    answer = searcher.search(text, filters=Filters(**facets), limit=limit)
    if as_json:
        click.echo(msgspec.json.encode(answer))
    else:
        print_answer(answer, searcher.store.taxonomy, several=len(searcher.manifest.corpora) > 1)
    _warn_if_stale(searcher.manifest, settings)


def _read_text(description: str | None, file: Path | None) -> str:
    from kb.errors import QueryError

    if description is not None and file is not None:
        raise click.UsageError("give the description either as an argument or with --file, not both")
    if description is not None:
        return description
    if file is None and sys.stdin.isatty():
        raise click.UsageError('describe the project: premortem search "We will …", or --file plan.md')
    try:
        data = sys.stdin.buffer.read() if file is None or str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise QueryError(f"cannot read {file}: {error.strerror}", next_step="check the path") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise QueryError("the description is not UTF-8 text", next_step="save it as UTF-8 plain text, or paste its text") from error


def _warn_if_stale(manifest: Any, settings: Settings) -> None:
    from indexer.build import is_stale

    try:
        stale = is_stale(manifest, [Path(stamp.folder) for stamp in manifest.corpora])
    except (CorpusError, OSError):
        return  # the corpora are not on this machine: nothing to compare with
    if stale:
        click.echo(f"Note: cases have changed since the index in {settings.index} was built; run `premortem index`.", err=True)


@cli.command()
@cases_option
@index_option
@model_option
@lenient_option
@click.option("--skip-invalid", is_flag=True, help="Leave invalid files out instead of refusing.")
@click.option("--rebuild", is_flag=True, help="Build even when nothing has changed.")
def index(cases: tuple[Path, ...], index: Path | None, model: str | None, lenient: bool | None, skip_invalid: bool, rebuild: bool) -> None:
    """Build the search index, or bring it up to date; only changed texts are encoded.

    \b
    premortem index
    premortem index --cases cases --cases ~/our-postmortems --index ~/.cache/ours
    premortem index --cases cases --cases ~/our-postmortems --lenient
    """
    from api.terminal import BuildProgress, print_built
    from indexer.build import build_index

    settings = settings_with(cases=cases, index=index, model=model, lenient=lenient)
    with BuildProgress() as progress:
        built = build_index(
            settings.index,
            settings.cases,
            model=settings.model,
            backend=settings.encoder,
            skip_invalid=skip_invalid,
            lenient=settings.lenient,
            rebuild=rebuild,
            reporter=progress,
        )
    print_built(built, settings.index)


@cli.command()
@cases_option
@index_option
@model_option
@click.option("--host", help="Address to listen on. Default 127.0.0.1.")
@click.option("--port", type=int, help="Port to listen on. Default 8000.")
@lenient_option
@click.option("--skip-invalid", is_flag=True, help="Leave invalid case files out instead of refusing.")
def serve(
    cases: tuple[Path, ...],
    index: Path | None,
    model: str | None,
    host: str | None,
    port: int | None,
    lenient: bool | None,
    skip_invalid: bool,
) -> None:
    """Serve the web site and the API; builds or updates the index first when it is needed.

    \b
    premortem serve
    premortem serve --port 9000 --cases cases --cases ~/our-postmortems
    premortem serve --cases cases --cases ~/our-postmortems --lenient
    """
    from api.serving import run

    run(settings_with(cases=cases, index=index, model=model, host=host, port=port, lenient=lenient), skip_invalid=skip_invalid)


@cli.command(epilog=_LINT_EPILOG)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="Form of the findings: for people, programs, code scanning, or annotations of a GitHub workflow.",
)
@click.option("--fix", is_flag=True, help="Mend what is mechanical: form, order and spelling of sections, dates, renamed terms.")
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@click.option("--near-duplicates", is_flag=True, help="Compare with the cases of the search index, too.")
@click.option("--explain", metavar="RULE", help="Tell about a rule, with a bad and a good example.")
@index_option
def lint(
    paths: tuple[Path, ...], output: str, fix: bool, strict: bool, near_duplicates: bool, explain: str | None, index: Path | None
) -> None:
    """Tell every problem of every case and strategy file, with its place and what to write instead.

    PATHS are files and folders; default: the cases that came with premortem. What lies in a folder of cases is compared with the rest of
    that folder, any other file with the shipped cases.

    \b
    premortem lint                                     the cases that came with premortem
    premortem lint cases/studies/my-case-2024.md       one case
    premortem lint --fix ~/our-postmortems             another corpus; mend what is mechanical
    premortem lint --explain figure                    why a rule is there, with examples
    premortem lint --format sarif cases > lint.sarif   for code scanning
    """
    from api import linting
    from kb.lint.rules import explain as page_of

    try:
        settings = settings_with(index=index)
        if explain is not None:
            from api.terminal import print_page

            print_page(page_of(explain))
            return
        well = linting.run(paths, settings, output=output, mend=fix, strict=strict, near_duplicates=near_duplicates)
    except PremortemError as error:
        click.echo(f"premortem: {error}\n  → {error.next_step}", err=True)
        sys.exit(2)
    sys.exit(0 if well else 1)


@cli.command("import")
@click.argument("format_name", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder of the drafts; made when missing.")
@click.option(
    "--map",
    "mapping",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="YAML file: part of a case → field of a CSV, JSON or YAML record.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_(format_name: str, path: Path, out: Path, mapping: Path | None, as_json: bool) -> None:
    """Make drafts of existing post-mortems; nothing is invented, nothing lost, and PATH is only read.

    FORMAT is auto (each file by what it holds) or one of: markdown, google-sre, atlassian, pagerduty, gitlab, kubernetes, dfds,
    icco, links, swarmproof, rootecho, aiid, llis, graphrca, csv, json, yaml. PATH is a file or a folder.

    Gaps are marked TODO; what has no place in a case is kept under x_import. The same input twice changes nothing, a draft that was
    edited by hand is left alone, and a file that cannot be used is named with the reason.

    \b
    premortem import auto ~/old-postmortems --out drafts
    premortem import dfds postmortems/ --out ~/our-postmortems
    premortem import csv export.csv --map mapping.yaml --out drafts
    premortem import rootecho .rootecho/history.jsonl --out drafts --json
    """
    from api.importing import run_import

    run_import(format_name, path, out, mapping=mapping, as_json=as_json, settings=load_settings(os.environ))


@cli.command("list")
@click.argument("what", type=click.Choice(["cases", "strategies", "categories", "terms"]), default="cases")
@click.option("-q", "--keywords", default="", help="Only cases that hold one of these words, best first.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@filter_options
@index_option
def list_(what: str, keywords: str, as_json: bool, index: Path | None, **facets: Any) -> None:
    """List cases, strategies, categories or all vocabulary terms.

    \b
    premortem list --industry retail --outcome abandoned
    premortem list strategies
    """
    from api import catalogue
    from api.schemas import CaseSummary
    from api.terminal import print_table, print_terms
    from indexer.generation import STORE, current_generation
    from kb.store import Filters, Store

    if what != "cases" and (keywords or any(value not in (None, (), True) for value in facets.values())):
        raise click.UsageError(f"keywords and filters choose among cases, not {what}")
    folder, manifest = current_generation(settings_with(index=index).index)
    store = Store(folder / STORE)
    if what == "terms":
        click.echo(msgspec.json.encode(store.taxonomy)) if as_json else print_terms(store.taxonomy)
        return
    items: list[Any]
    if what == "cases":
        items = [CaseSummary.of(stored) for stored in catalogue.list_cases(store, Filters(**facets), keywords)]
    else:
        items = catalogue.list_strategies(store) if what == "strategies" else catalogue.list_categories(store)
    click.echo(msgspec.json.encode(items)) if as_json else print_table(what, items, several=len(manifest.corpora) > 1)


@cli.command()
@click.argument("item_id", metavar="ID")
@click.option("--raw", is_flag=True, help="Print the Markdown file as it is.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@index_option
def show(item_id: str, raw: bool, as_json: bool, index: Path | None) -> None:
    """Show one case study or strategy.

    \b
    premortem show hershey-enterprise21-sap-1999
    premortem show process-discovery --raw
    """
    from api.schemas import CaseDetail, StrategyDetail
    from api.terminal import print_markdown
    from indexer.generation import STORE, current_generation
    from kb.store import Store

    item_id = item_id.encode("utf-8", "replace").decode()  # an argument may hold bytes that are no text
    store = Store(current_generation(settings_with(index=index).index)[0] / STORE)
    ids = {stored.strategy.id for stored in store.strategies()}
    strategy = store.strategy(item_id) if item_id in ids else None
    case = None if strategy else store.case(item_id)
    if as_json:
        links = store.links(strategy_id=item_id)
        click.echo(msgspec.json.encode(CaseDetail.of(case) if case else StrategyDetail.of(strategy, links)))  # type: ignore[arg-type]
        return
    stored = case or strategy
    assert stored is not None
    click.echo(stored.markdown) if raw else print_markdown(stored)


@cli.command()
@cases_option
@index_option
@model_option
@click.option("--knowledge", is_flag=True, help="Report what the cases cover and where the gaps are.")
def doctor(cases: tuple[Path, ...], index: Path | None, model: str | None, knowledge: bool) -> None:
    """Check model, index and cases, and say what to do about what is wrong.

    \b
    premortem doctor
    premortem doctor --knowledge --cases ~/our-postmortems
    """
    from api.doctor import examine, print_knowledge

    settings = settings_with(cases=cases, index=index, model=model)
    if knowledge:
        print_knowledge(settings)
    elif not examine(settings):
        sys.exit(1)


def new_options(command: Command) -> Command:
    """Add one option for each question of `premortem new`."""
    for name, metavar, multiple, help_text in reversed(
        [
            ("title", "TEXT", False, "What was attempted and how it went, in one sentence."),
            ("organisation", "TEXT", False, "Left out: anonymous."),
            ("country", "TEXT", False, "By its plain English name."),
            ("years", "YEARS", False, "2011 or 2011-2018."),
            ("industry", "TERM", False, "E.g. retail."),
            ("undertaking", "TERM", False, "Kind of project, e.g. system-replacement."),
            ("category", "TERM", True, "Contributing factor, the main one first, e.g. data-mapping; of a strategy: what it works against."),
            ("phase", "TERM", False, "Where it broke, e.g. go-live; of a strategy: when to act."),
            ("outcome", "TERM", False, "How it ended, e.g. abandoned."),
            ("system", "TERM", True, "Kind of system, e.g. erp."),
            ("role", "TERM", True, "Of a strategy: who acts, e.g. project-lead."),
            ("effort", "TERM", False, "Of a strategy: hours, days or weeks."),
            ("source-title", "TEXT", False, "Title of the report or article that tells it."),
            ("source-url", "URL", False, "Its address."),
            ("source-publisher", "TEXT", False, "Its publisher."),
            ("source-date", "DATE", False, "2019, 2019-05 or 2019-05-31."),
            ("source-kind", "TERM", False, "E.g. company-postmortem."),
        ]
    ):
        command = click.option(f"--{name}", metavar=metavar, multiple=multiple, help=help_text)(command)
    return command


@cli.command()
@click.argument("name", required=False)
@click.option("--strategy", "is_strategy", is_flag=True, help="Make a prevention strategy instead of a case.")
@new_options
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder to write to. Default: that of the cases in use.")
@cases_option
def new(name: str | None, is_strategy: bool, out: Path | None, cases: tuple[Path, ...], **given: Any) -> None:
    """Make a case study or strategy to fill in: asks at a terminal, or takes flags. Gaps are marked TODO; nothing is overwritten.

    \b
    premortem new
    premortem new bakery-chain-tills-2024 --industry retail --undertaking system-replacement \\
        --category big-bang-rollout --category user-adoption --phase go-live --outcome rolled-back
    premortem new --strategy rehearse-the-cutover --phase migration --role operations --effort days
    """
    from api.creating import create

    settings = settings_with(cases=cases)
    create(name, "strategy" if is_strategy else "case", given, out=out, folders=settings.cases)


@cli.command("review-cases")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--base", metavar="COMMIT", help="Review the cases that differ from this commit. Default: origin/main, else main.")
@click.option(
    "--judged",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of judged descriptions; may be given more than once. Default: tests/eval and training of this checkout.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the review as JSON, as `python -m api.review` reads it.")
@cases_option
@index_option
def review_cases(
    paths: tuple[Path, ...],
    base: str | None,
    judged: tuple[Path, ...],
    as_json: bool,
    cases: tuple[Path, ...],
    index: Path | None,
) -> None:
    """Tell which judged descriptions new cases will answer, and which cases they are like: the comment on a pull request.

    PATHS are case files; default: those that differ from a commit. The index is brought up to date first.

    \b
    premortem review-cases
    premortem review-cases cases/studies/my-case-2024.md
    premortem review-cases --base origin/main --judged tests/eval
    """
    from api.reviewing import review

    review(paths, settings_with(cases=cases, index=index), base=base, folders=judged, as_json=as_json)


@cli.command("eval")
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


@cli.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--hold-out", type=click.IntRange(0, 4), metavar="FOLD", help="Leave a fifth of the descriptions and a quarter of the cases out."
)
@click.option("--epochs", type=click.IntRange(1), help="Times each description is seen. Default 4.")
@click.option("--learning-rate", type=float, help="Default 0.0001.")
@click.option("--batch", type=click.IntRange(2), help="Descriptions in a step. Default 20.")
@click.option("--seed", type=int, help="Default 0.")
@click.option(
    "--average",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Do not train: average the weights of models trained before; may be given more than once.",
)
@click.option("--keep", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="With --average: how far to go from the base.")
def train(out: Path, hold_out: int | None, average: tuple[Path, ...], keep: float, **given: Any) -> None:
    """Fine-tune the packaged model on the graded descriptions in training/ and write it to OUT (two cores: about half an hour).

    \b
    premortem train /tmp/trained
    premortem train /tmp/fold0 --hold-out 0 --epochs 6 --batch 16 --learning-rate 0.00008
    premortem train /tmp/final --average /tmp/trained --average /tmp/fold0
    """
    from api import training

    if average:
        training.average(out, average, keep=keep)
        return
    training.train(out, hold_out=hold_out, given={name: value for name, value in given.items() if value is not None})


def main() -> None:
    """Run the command; errors of ours become one message and an exit code."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        cli(prog_name="premortem")
    except PremortemError as error:
        for problem in getattr(error, "problems", ()):
            click.echo(str(problem), err=True)
        click.echo(f"premortem: {error}\n  → {error.next_step}", err=True)
        sys.exit(EXIT_CODES[type(error)])


if __name__ == "__main__":
    main()
