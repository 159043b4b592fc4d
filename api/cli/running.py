"""What keeps search going: `premortem index`, `serve` and `doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from api.cli.options import cases_option, index_option, lenient_option, model_option, settings_with


@click.command()
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


@click.command()
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


@click.command()
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
