"""The command `premortem`. Parts that take long to import are imported by the commands that need them."""

from __future__ import annotations

import os
import sys

import click

from api.cli.measuring import evaluate, train
from api.cli.running import doctor, index, serve
from api.cli.searching import list_, search, show
from api.cli.writing import import_, lint, new, review_cases
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
Settings: PREMORTEM_INDEX, _CASES, _MODEL, _ENCODER, _HOST, _PORT, _PROXIES, _THREADS, _LENIENT, _REPOSITORY,
_CHECKS_PER_MINUTE; options on the command line win."""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="premortem", prog_name="premortem")
def cli() -> None:
    """Documented failures of projects like yours, why they match, and what would have helped.

    \b
    premortem index                         build the search index (once, and after cases change)
    premortem search "We will replace …"    precedents, reasons, prevention, signs to watch
    premortem serve                         the same as a web site at http://127.0.0.1:8000
    """


for _command in (search, list_, show, index, serve, doctor, new, lint, import_, review_cases, evaluate, train):
    cli.add_command(_command)


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
