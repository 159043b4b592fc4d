"""From an idea to a checked case: `premortem new`, `lint`, `import` and `review-cases`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from api.cli.options import Command, cases_option, index_option, settings_with
from api.settings import load_settings
from kb.errors import PremortemError
from kb.importers import FORMATS

_LINT_EPILOG = """\b
Exit codes: 0 no errors · 1 errors found (with --strict: or warnings) · 2 wrong use, or something cannot be read or written
Rules: file file-name front-matter vocabulary section block item timeline date source-form source-missing source-undefined
source-unused evidence figure link unsafe-link raw-html duplicate duplicate-source near-duplicate secret personal-data blame advice
todo form"""


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


@click.command()
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


@click.command(epilog=_LINT_EPILOG)
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


@click.command("import")
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


@click.command("review-cases")
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
