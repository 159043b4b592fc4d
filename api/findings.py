"""Findings of `premortem lint` in the forms that people, programs and hosts of repositories read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from kb.errors import Problem
from kb.lint.rules import RULES, Rule, explain

# Control characters could steer a terminal, marks of direction could make a line read differently from what it says.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_COLOURS = {"error": "red", "warning": "yellow"}


def as_text(problems: Sequence[Problem], *, n_files: int, n_mendable: int) -> str:
    """Return `path:line:column: error: message [rule]` with the advice below, one block a file, then counts and what to do next.

    The first line of each finding has the form of compilers, which editors and terminals turn into links.
    """
    if not problems:
        return f"{_count(n_files, 'file')}, no problems\n"
    files: dict[str, list[Problem]] = {}
    for problem in problems:
        files.setdefault(problem.source, []).append(problem)
    blocks = ["".join(map(_lines, its)) for its in files.values()]
    return "\n".join([*blocks, _summary(problems, n_files, n_mendable)])


def _lines(problem: Problem) -> str:
    place = click.style(f"{shown(problem.source)}:{problem.line}:{problem.column}:", bold=True)
    severity = click.style(f"{problem.severity}:", fg=_COLOURS[problem.severity], bold=True)
    return f"{place} {severity} {shown(problem.message)} [{problem.rule}]\n    → {shown(problem.advice)}\n"


def _summary(problems: Sequence[Problem], n_files: int, n_mendable: int) -> str:
    rules = Counter(problem.rule for problem in problems)
    counts = [_count(number, name) for name, number in severities(problems).items() if number]
    files = len({problem.source for problem in problems})
    lines = [
        f"{' and '.join(counts)} in {files} of {_count(n_files, 'file')}",
        f"  {', '.join(f'{rule} {number}' for rule, number in rules.most_common())}",
        f"`premortem lint --explain {next(iter(rules.most_common()))[0]}` tells more about a rule, with a bad and a good example.",
    ]
    if n_mendable:
        lines.append(f"`premortem lint --fix` mends what is mechanical, in {_count(n_mendable, 'file')}.")
    return "\n".join(lines) + "\n"


def severities(problems: Sequence[Problem]) -> dict[str, int]:
    """Return the number of errors and of warnings."""
    counts = Counter(problem.severity for problem in problems)
    return {"error": counts["error"], "warning": counts["warning"]}


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number != 1)}"


def shown(text: str) -> str:
    """Return text as one line that cannot steer a terminal: control characters are written as escapes."""
    return _UNSHOWN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def as_json(problems: Sequence[Problem], *, n_files: int, n_mendable: int) -> str:
    """Return one JSON object: counts, and the findings with the fields of `Problem`."""
    counts = severities(problems)
    whole = {
        "files": n_files,
        "mendable": n_mendable,
        "errors": counts["error"],
        "warnings": counts["warning"],
        "findings": [_plain(each) for each in problems],
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _plain(problem: Problem) -> dict[str, Any]:
    fields = {"file" if name == "source" else name: value for name, value in msgspec.structs.asdict(problem).items()}
    return {name: _encodable(value) if isinstance(value, str) else value for name, value in fields.items()}


def _encodable(text: str) -> str:
    """Return text without lone surrogates, as which undecodable bytes of a file name are read."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_github(problems: Sequence[Problem], *, n_files: int, n_mendable: int) -> str:
    """Return workflow commands, which GitHub shows as annotations beside the lines of a pull request; then the counts."""
    commands = [
        f"::{each.severity} file={_property(each.source)},line={each.line},col={each.column},title={_property(f'premortem {each.rule}')}"
        f"::{_data(f'{each.message} → {each.advice}')}\n"
        for each in problems
    ]
    return (
        "".join(commands)
        + (_data(_summary(problems, n_files, n_mendable).split("\n")[0]) if problems else f"{_count(n_files, 'file')}, no problems")
        + "\n"
    )


def _data(text: str) -> str:
    escaped = _encodable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return shown(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(problems: Sequence[Problem], *, n_files: int, n_mendable: int) -> str:
    """Return a SARIF 2.1.0 log of one run; it has every rule, with its documentation as help."""
    ids = list(RULES)
    run = {
        "tool": {
            "driver": {
                "name": "premortem lint",
                "version": version("premortem"),
                "rules": [_sarif_rule(rule) for rule in RULES.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            {
                "ruleId": problem.rule,
                "ruleIndex": ids.index(problem.rule),
                "level": problem.severity,
                "message": {"text": f"{_encodable(problem.message)} → {_encodable(problem.advice)}"},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": _uri(problem.source)},
                            "region": {"startLine": problem.line, "startColumn": problem.column},
                        }
                    }
                ],
            }
            for problem in problems
        ],
        "properties": {"files": n_files, "mendable": n_mendable},
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    page = explain(rule.id)
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": " ".join(page.split("\n\n")[2].split())},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": rule.severity},
    }


def _uri(source: str) -> str:
    """Return a path as the URI of an artifact: relative to the folder of the run where it lies below it."""
    path = Path(source)
    absolute = path.absolute()
    if absolute.is_relative_to(Path.cwd()):
        path = absolute.relative_to(Path.cwd())
    return quote(path.as_posix(), errors="surrogateescape") if not path.is_absolute() else path.as_uri()


FORMATS = {"text": as_text, "json": as_json, "sarif": as_sarif, "github": as_github}
"""Name → writer. `n_files` counts the files that were read, `n_mendable` those that `--fix` would change."""
