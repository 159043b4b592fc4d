"""Any CSV, JSON or YAML: by the names of its fields, or by a mapping file of the user's."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kb.errors import CorpusError
from kb.importers.aliases import Place
from kb.importers.data import attempt, read_json, read_table, read_yaml, records_in
from kb.importers.dates import iso_date
from kb.importers.fields import fill_fields, words_of
from kb.importers.filling import as_markdown, fill_value
from kb.importers.prose import fill_prose
from kb.importers.record import Record, Reference, content_of, keys_of, leaves
from kb.importers.source import SourceFile, UnreadableError

_TEXTS = {"title", "organisation", "country", "industry", "phase", "outcome", "evidence", "id", "url", "archive_url"}
_WORDS = {"categories", "systems"}
_PLACES = {
    "summary": Place("story"),
    "undertaking": Place("undertaking"),
    "background": Place("story", label=True),
    "detection": Place("story", label=True),
    "resolution": Place("story", label=True),
    "timeline": Place("timeline"),
    "impact": Place("impact"),
    "symptoms": Place("symptoms"),
    "causes": Place("factors"),
    "lessons": Place("lessons"),
    "preventions": Place("prevention"),
}
_SAME = {
    "story": "summary",
    "stack": "systems",
    "factors": "causes",
    "prevention": "preventions",
    "project_kind": "kind",
    "evidence_grade": "evidence",
    "organization": "organisation",
    "company": "organisation",
    "start": "started",
    "end": "ended",
    "date": "started",
    "content": "body",
}
TARGETS = (*_TEXTS, *_WORDS, *_PLACES, "kind", "started", "ended", "detected", "published", "body", "sources", "x_import", "records")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the value of one part comes from."""

    source: str | list[str] | None = msgspec.field(default=None, name="from")
    """Field, or fields to be joined; a dot goes into a field."""
    value: str | None = None
    """The same for every record, in place of a field."""
    type: str | None = None
    """`date`, `markdown` or `text`."""
    split: str | None = None
    """What stands between the items of a text."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    rules: dict[str, Rule]
    sources: tuple[dict[str, Rule], ...] = ()
    records: str = ""
    """Field that holds the list of records; a dot goes into a field."""


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        CorpusError: it cannot be read, or names something that there is not.
    """
    value = _read_mapping_file(path)
    if not isinstance(value, dict) or not value:
        raise _wrong(path, "is not a list of `part: field` lines")
    rules: dict[str, Rule] = {}
    sources: list[dict[str, Rule]] = []
    records = ""
    for key, given in value.items():
        target = _SAME.get(str(key), str(key))
        if target not in TARGETS:
            near = difflib.get_close_matches(target, [*TARGETS, *_SAME], 1)
            raise _wrong(
                path, f"unknown part {key!r}", f"did you mean {near[0]!r}?" if near else f"the parts are: {', '.join(sorted(TARGETS))}"
            )
        try:
            if target == "records":
                records = str(given)
            elif target == "sources":
                entries = given if isinstance(given, list) else [given]
                sources = [{name: _rule(its) for name, its in entry.items()} for entry in entries]
            elif target != "x_import":  # whatever is not mapped is kept, named here or not
                rules[target] = _rule(given)
        except (msgspec.ValidationError, AttributeError) as error:
            raise _wrong(path, f"`{key}`: {error}") from error
        unknown = {name for entry in sources for name in entry} - {"url", "title", "publisher", "date", "kind"}
        if unknown:
            raise _wrong(path, f"a source has no {', '.join(sorted(unknown))}", "a source has title, url, publisher, date and kind")
    return Mapping(rules=rules, sources=tuple(sources), records=records)


def _read_mapping_file(path: Path) -> Any:
    try:
        return read_yaml(path.read_text("utf-8-sig"))
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}", "check the path after --map") from error
    except UnicodeDecodeError as error:
        raise _wrong(path, "is not UTF-8 text", "save it as UTF-8") from error
    except UnreadableError as error:
        raise _wrong(path, str(error)) from error


def _wrong(path: Path, message: str, advice: str = "see docs/importing.md for the form of a mapping file") -> CorpusError:
    return CorpusError(f"{path}: {message}", next_step=advice)


def _rule(given: Any) -> Rule:
    if isinstance(given, str | list):
        return Rule(source=given)
    return msgspec.convert(given, Rule)


class TableImporter:
    """Records of named fields."""

    def __init__(self, name: str, mapping: Mapping | None = None, *, guessing: bool = False) -> None:
        """Make one.

        Args:
            name: `csv`, `json`, `yaml`, or another for any of them.
            mapping: where the fields go; by their names when not given.
            guessing: whether nobody has said that the file is one of post-mortems: then settings and the like are left out.
        """
        self.name = name
        self._guessing = guessing
        self._mapping = mapping
        self._readers = {"csv": (read_table,), "json": (read_json,), "yaml": (read_yaml,)}.get(name, (read_json, read_table, read_yaml))

    def recognises(self, file: SourceFile) -> bool:
        if self.name == "yaml":
            return file.suffix in {".yaml", ".yml"}
        if self.name == "json":
            return file.text.lstrip()[:1] in ("{", "[") and attempt(read_json, file) is not None
        return file.suffix in {".csv", ".tsv", ".tab", ".psv"} or (file.suffix in {"", ".txt"} and self._is_wide_table(file))

    @staticmethod
    def _is_wide_table(file: SourceFile) -> bool:
        """Return whether a text without extension is a table: prose with commas would be one of two columns."""
        head = file.text.lstrip("\n").split("\n", 1)[0]
        if head.startswith(("#", "|", "-", "*")) or max(head.count(each) for each in ",;\t") < 2:
            return False
        rows = attempt(read_table, file)
        return bool(rows) and all(len(row) == len(rows[0]) for row in rows)

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        problem = UnreadableError("not a table, JSON or YAML")
        for read in self._readers:
            try:
                value = read(file.text)
                break
            except UnreadableError as error:
                problem = error
        else:
            raise problem
        inner = _at(value, self._mapping.records) if self._mapping and self._mapping.records else value
        values = records_in(inner)
        for number, each in enumerate(values, 1):
            if isinstance(each, UnreadableError):
                yield each
                continue
            if not isinstance(each, dict):
                yield UnreadableError(f"record {number} has no named fields")
                continue
            record = self._record(each, file, number if len(values) > 1 else 0)
            lacking = record.is_empty or (self._guessing and not _tells_enough(record))
            yield UnreadableError(f"record {number} has no field that a post-mortem has") if lacking else record

    def _record(self, value: dict[str, Any], file: SourceFile, number: int) -> Record:
        record = Record(self.name, f"{file.name}#{number}" if number else file.name, content_of(value))
        record.original = "\n".join(as_markdown(each) for each in leaves(value))
        if self._mapping:
            self._map(record, value, self._mapping)
        else:
            fill_fields(record, value)
        record.title = record.title or " ".join(part for part in (file.stem.replace("_", " "), record.id or str(number or "")) if part)
        record.consumed.append(" ".join(keys_of(value)))
        return record

    def _map(self, record: Record, value: dict[str, Any], mapping: Mapping) -> None:
        used: set[str] = set()
        for target, rule in mapping.rules.items():
            its = _value(value, rule)
            if its not in (None, "", []) and self._place(record, target, rule, its):
                used |= {name for name in _fields(rule) if "." not in name}
        for entry in mapping.sources:
            parts = {name: " ".join(as_markdown(_value(value, rule)).split()) for name, rule in entry.items()}
            if any(parts.values()):
                parts["date"] = iso_date(parts.get("date", ""))
                record.references.append(Reference(**parts))
                record.url = record.url or parts.get("url", "")
                # A date is written anew in the source, so the field stays beside it.
                used |= {name for part, rule in entry.items() if part in {"url", "title", "publisher"} for name in _fields(rule)}
        for name, its in value.items():
            if name not in used:
                record.keep("fields", name, its)

    @staticmethod
    def _place(record: Record, target: str, rule: Rule, its: Any) -> bool:
        """Put a value where the mapping says; return whether it stands there word for word."""
        if target in _PLACES:
            if rule.split and isinstance(its, str):
                its = words_of(its, rule.split)
            return fill_value(record, _PLACES[target], target.capitalize(), its)
        text = " ".join(as_markdown(its).split())
        if target == "body":
            fill_prose(record, as_markdown(its))
            return True
        if target in _WORDS:
            setattr(record, target, words_of(its, rule.split or ","))
        elif target in {"started", "ended", "detected", "published"}:
            if (day := iso_date(text)) and target != "published":
                record.dates.append(day)
        elif target == "kind":
            record.undertaking_kind = text
        else:
            setattr(record, target, text)
            return target in {"title", "organisation", "country", "id", "url", "archive_url"}
        return False


def _tells_enough(record: Record) -> bool:
    """Return whether a record is more than a name with a description, which many kinds of files hold."""
    telling = [name for name in ("timeline", "factors", "lessons", "prevention") if getattr(record, name)]
    return bool(telling) or sum(bool(getattr(record, name)) for name in ("story", "impact", "symptoms", "undertaking")) > 1


def _fields(rule: Rule) -> list[str]:
    return [rule.source] if isinstance(rule.source, str) else list(rule.source or ())


def _value(value: dict[str, Any], rule: Rule) -> Any:
    if rule.value is not None:
        return rule.value
    found = [its for name in _fields(rule) if (its := _at(value, name)) not in (None, "", [])]
    if len(found) <= 1:
        return found[0] if found else None
    return "\n\n".join(as_markdown(each) for each in found)


def _at(value: Any, path: str) -> Any:
    """Return the field of a name; a dot goes into a field, unless a field has it in its name."""
    if isinstance(value, dict) and path in value:
        return value[path]
    for part in path.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return None
    return value
