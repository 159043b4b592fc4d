"""Options that several commands have, and the settings they make."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from api.settings import Settings, checked, load_settings
from kb.records import FIRST_YEAR, LAST_YEAR

Command = TypeVar("Command", bound=Callable[..., Any])


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
    year = click.IntRange(FIRST_YEAR, LAST_YEAR)
    command = click.option("--from-year", type=year, help="Only cases that ended in this year or later.")(command)
    return click.option("--to-year", type=year, help="Only cases that began in this year or earlier.")(command)


def settings_with(**given: Any) -> Settings:
    """Return the environment's settings with options of the command line put over them."""
    settings = load_settings(os.environ)
    return checked(msgspec.structs.replace(settings, **{name: value for name, value in given.items() if value not in (None, ())}))
