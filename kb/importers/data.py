"""Files of records: JSON, JSON Lines, YAML and tables, told by what they hold and not by their names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from kb._markdown import Loader, first_alias
from kb.importers.record import plain_data
from kb.importers.source import SourceFile, UnreadableError

_DELIMITERS = ",;\t|"
_MOST_COLUMNS = 2_000
csv.field_size_limit(2**31 - 1)


class _Loader(Loader):
    """Keeps both values of a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002
        self.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            key = key if isinstance(key, str | int | float | bool | type(None)) else str(key)
            name, number = key, 2
            while name in found:
                name, number = f"{key} ({number})", number + 1
            found[name] = self.construct_object(value_node, deep=True)
        return found

    def construct_yaml_map(self, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
        data: dict[Any, Any] = {}
        yield data
        data.update(self.construct_mapping(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)


def read_json(text: str) -> Any:
    """Return the value of a JSON text, or the list of the values of JSON Lines; lines that are no JSON become `UnreadableError`s in it.

    Raises:
        UnreadableError: it is neither.
    """
    if text.lstrip()[:1] not in ("{", "["):
        raise UnreadableError("not JSON")
    try:
        return plain_data(json.loads(text))
    except (ValueError, RecursionError):
        pass
    values: list[Any] = []
    good = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.strip().rstrip(","))
            if not isinstance(value, dict):
                raise ValueError
            values.append(plain_data(value))
            good += 1
        except (ValueError, RecursionError):
            values.append(UnreadableError(f"line {number} is not JSON"))
    if not good or good * 2 < len(values):
        raise UnreadableError("not JSON, or cut off")
    return values


def read_yaml(text: str) -> Any:
    """Return the value of a YAML text, a list of those of several documents.

    Raises:
        UnreadableError: it is not YAML, or has aliases.
    """
    if _depth_is_unsafe(text):
        raise UnreadableError("nested too deep")
    try:
        if alias := first_alias(text):
            line, name = alias
            raise UnreadableError(f"`*{name}` repeats a value from elsewhere, line {line}: write the value out")
        values = [value for value in yaml.load_all(text, Loader=_Loader) if value is not None]
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, AttributeError, TypeError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "not YAML"
        mark = getattr(error, "problem_mark", None)
        raise UnreadableError(f"not YAML: {problem}" + (f", line {mark.line + 1}" if mark else "")) from error
    if not values:
        raise UnreadableError("empty")
    return plain_data(values[0] if len(values) == 1 else values)


def _depth_is_unsafe(text: str) -> bool:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > 100:
                return True
    except (yaml.YAMLError, ValueError):
        return False
    return False


def read_table(text: str) -> list[dict[str, Any]]:
    """Return the rows of a table in text, by the names of its columns. Delimiter and quoting are found out.

    Raises:
        UnreadableError: it is no table of at least two columns and one row.
    """
    best: tuple[int, list[list[str]]] | None = None
    header = text.lstrip("\n").split("\n", 1)[0]
    for delimiter in sorted(_DELIMITERS, key=lambda each: -header.count(each)):
        if delimiter not in header:
            continue
        for style in ({"doublequote": True}, {"doublequote": False, "escapechar": "\\"}):
            rows = _rows(text, delimiter, style)
            if rows and len(rows[0]) > 1:
                bad = sum(len(row) != len(rows[0]) for row in rows[1:])
                if best is None or bad * len(best[1]) < best[0] * len(rows):
                    best = (bad, rows)
    if best is None or len(best[1]) < 2 or len(best[1][0]) > _MOST_COLUMNS:
        raise UnreadableError("not a table with a header")
    bad, rows = best
    if bad > max(1, len(rows) // 2):
        raise UnreadableError("not a table: its rows differ in length")
    names = [name.strip() or f"column {at}" for at, name in enumerate(rows[0], 1)]
    records = []
    for row in rows[1:]:
        cells = dict[str, Any]()
        for at, cell in enumerate(row):
            name = names[at] if at < len(names) else f"column {at + 1}"
            number, free = 2, name
            while free in cells:
                free, number = f"{name} ({number})", number + 1
            cells[free] = cell
        records.append(plain_data(cells))
    return records


def _rows(text: str, delimiter: str, style: dict[str, Any]) -> list[list[str]]:
    try:
        read = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, **style)
        return [row for row in read if any(cell.strip() for cell in row)]
    except csv.Error:
        return []


def records_in(value: Any) -> list[Any]:
    """Return the records of a value: the elements of a list, of the list that a wrapper holds, or the value alone."""
    if isinstance(value, list):
        if not any(isinstance(each, dict) for each in value):
            raise UnreadableError("holds no records")
        return value
    if not isinstance(value, dict):
        raise UnreadableError("holds no records")
    lists = [each for each in value.values() if isinstance(each, list) and each and all(isinstance(one, dict) for one in each)]
    wrappers = [key for key in value if str(key).lower() in _WRAPPERS]
    for key in wrappers:
        inner = value[key]
        if isinstance(inner, dict) or (isinstance(inner, list) and any(isinstance(one, dict) for one in inner)):
            return records_in(inner)
    if len(lists) == 1 and len(value) == 1:
        return list(lists[0])
    return [value]


_WRAPPERS = {
    "data",
    "items",
    "incidents",
    "results",
    "postmortems",
    "post_mortems",
    "records",
    "hits",
    "entries",
    "rows",
    "lessons",
    "cases",
    "reports",
    "nodes",
}


def attempt(read: Callable[[str], Any], file: SourceFile) -> Any:
    """Return what a reader makes of a file; None when it cannot."""
    try:
        return read(file.text)
    except UnreadableError:
        return None
