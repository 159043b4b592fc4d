"""Searching and browsing: `premortem search`, `list` and `show`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from api.cli.options import filter_options, index_option, model_option, settings_with
from api.settings import Settings
from kb.errors import CorpusError, QueryError


@click.command()
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
    from kb.records import Filters

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
        changed = f"Note: cases, their terms or this release have changed since the index in {settings.index} was built"
        click.echo(f"{changed}; run `premortem index`.", err=True)


@click.command("list")
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
    from kb.records import Filters
    from kb.store import Store

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


@click.command()
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
        click.echo(msgspec.json.encode(CaseDetail.of(case) if case else StrategyDetail.of(strategy, links, store.unsearchable)))  # type: ignore[arg-type]
        return
    stored = case or strategy
    assert stored is not None
    click.echo(stored.markdown) if raw else print_markdown(stored)
