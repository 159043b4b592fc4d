"""Sections of prose and values of fields → the parts of a record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kb.importers.aliases import Place, exact_place_of, normalised
from kb.importers.blocks import Entry, Piece, read_pieces
from kb.importers.dates import is_date, iso_date, split_when, when
from kb.importers.html import looks_like_html, to_markdown
from kb.importers.record import STATEMENTS, Record, is_blank

_GENERIC = frozenset(
    (
        *("action item", "action items", "action", "item", "items", "task", "description", "lesson", "name", "no", "nr"),
        *("id", "title", "event", "events", "what", "details", "detail", "metric", "value", "field", "key", "impact"),
        *("measure", "amount", "count", "summary", "cause", "factor", "root cause", "time", "date", "when", "timestamp"),
        *("notes", "note", "comment", "entry", "activity", "what happened", ""),
    )
)
"""Names of columns that say no more than the section does."""
_TIME_HEADER = re.compile(
    r"\b(?:time|date|when|timestamp|clock|utc|gmt|cet|cest|[ecmp][sd]t|zeit|uhrzeit|datum|heure|hora|fecha|data|tid|tijd)\b"
    r"|时间|時間|日期|日時|時刻",
    re.IGNORECASE,
)
_ZONE = re.compile(r"\b(UTC|GMT|CES?T|EES?T|BST|IST|JST|[ECMP][SD]?T)\b")


def fill(record: Record, place: Place, heading: str, text: str) -> bool:
    """Put the text of a section where it belongs.

    Args:
        record: takes it.
        place: see `aliases.place_of`.
        heading: of the section.
        text: Markdown.

    Returns:
        False when nothing of it could be placed.
    """
    before = _size(record)
    pieces = read_pieces(text)
    codes = [piece.text.rstrip("\n") for piece in pieces if piece.kind == "code"]
    pieces = [piece for piece in pieces if piece.kind != "code"]
    if place.target == "timeline":
        _timeline(record, pieces)
    elif place.target in STATEMENTS:
        _statements(record, place, heading, pieces)
    else:
        _prose(record, place, heading, pieces)
    placed = _size(record) > before
    if placed:
        record.consumed.append(heading)
    if placed and codes:
        record.keep("code", heading, codes if len(codes) > 1 else codes[0])
    return placed


def _size(record: Record) -> int:
    return sum(len(getattr(record, name)) for name in ("undertaking", "story", "timeline", *STATEMENTS))


def _prose(record: Record, place: Place, heading: str, pieces: list[Piece]) -> None:
    paragraphs: list[str] = []
    for piece in pieces:
        if piece.kind == "paragraph":
            paragraphs.append(piece.text)
        elif piece.kind == "list":
            paragraphs += [f"{'◦' if depth else '•'} {text}" for depth, text in _flat(piece.entries)]
        elif piece.kind == "table":
            paragraphs += [f"• {lead}{': ' if lead and text else ''}{text}" for lead, text in _table(piece.rows)]
            record.consumed += piece.rows[0]
    paragraphs = [each for each in paragraphs if not is_blank(each.lstrip("•◦ "))]
    if paragraphs and place.label:
        first = paragraphs[0]
        bare = _bare(heading)
        paragraphs[0] = f"**{bare}{'' if bare[-1:] in '?!' else '.'}** {first}"
    getattr(record, "undertaking" if place.target == "undertaking" else "story").extend(paragraphs)


def _bare(heading: str) -> str:
    return " ".join(heading.replace("*", "").split()).rstrip(".:")


def _flat(entries: list[Entry], depth: int = 0) -> Iterator[tuple[int, str]]:
    for entry in entries:
        if entry.text:
            yield depth, entry.text
        yield from _flat(entry.below, depth + bool(entry.text))


def _statements(record: Record, place: Place, heading: str, pieces: list[Piece]) -> None:
    found: list[tuple[str, str]] = []
    for piece in pieces:
        if piece.kind == "paragraph":
            if len(piece.lines) > 1 and all(_is_entry(line) for line in piece.lines):
                found += [("", line) for line in piece.lines]
            else:
                found.append(("", piece.text))
        elif piece.kind == "list":
            found += [_split_entry(entry) for entry in piece.entries]
        elif piece.kind == "table":
            found += _table(piece.rows)
            record.consumed += piece.rows[0]
    found = [(lead, text) for lead, text in found if not (is_blank(lead) and is_blank(text))]
    if place.label:
        found = [(lead or f"{_bare(heading)}:", text) for lead, text in found]
    getattr(record, place.target).extend(found)


def _is_entry(line: str) -> bool:
    """Return whether a line of a paragraph was meant as an entry of its own: `Rotate keys - ben - 2024-06-01`."""
    return bool(re.match(r"(?:[#A-Z]+-?\d+\b|\d+[.):]\s|.{3,80}\s[-–—|]\s)", line))


def _split_entry(entry: Entry) -> tuple[str, str]:
    """Return lead and text of a list item: with items under it, its own words are the lead when they are few."""
    if entry.below and entry.text and len(entry.text) <= 120 and not entry.text.endswith((",", ";")):
        return entry.text.rstrip(":"), Entry("", entry.below).words()
    return "", entry.words()


def _table(rows: list[list[str]]) -> list[tuple[str, str]]:
    """Return (lead, text) of each row. Of two columns the header is data too, unless it only names them."""
    header, body = rows[0], rows[1:]
    names = [normalised(cell) for cell in header]
    if len(header) == 2:
        keys = [(row[0], row[1] if len(row) > 1 else "") for row in body]
        if all(name in _GENERIC for name in names) or not any(names):
            return keys
        first = (header[0], header[1])
        return [first, *keys] if any(first) else keys
    found = []
    for row in body:
        cells = [(header[at] if at < len(header) else "", cell) for at, cell in enumerate(row)]
        filled = [(name, cell) for name, cell in cells if cell]
        if not filled:
            continue
        # The lead is the first cell that is more than a number.
        main = next((pair for pair in filled if re.search(r"[^\W\d_]{3}", pair[1])), filled[0])
        others = [pair for pair in filled if pair is not main]
        text = "; ".join(f"{name}: {cell}" if name else cell for name, cell in others)
        lead = main[1] if normalised(main[0]) in _GENERIC or exact_place_of(main[0]) else f"{main[0]}: {main[1]}"
        found.append((lead, f"({text})" if text else ""))
    return found


def _timeline(record: Record, pieces: list[Piece]) -> None:
    day = ""
    for piece in pieces:
        if piece.kind == "table":
            record.timeline += _table_events(record, piece.rows, day)
        elif piece.kind == "list":
            for entry in piece.entries:
                day = _list_event(record, entry, day)
        else:
            day = _lines_events(record, piece.lines, day)


def _list_event(record: Record, entry: Entry, day: str) -> str:
    """Add a list item to the timeline, or, where it is a day with items under it, those; return the day they were on."""
    if entry.below and is_date(entry.text):
        day = iso_date(entry.text.strip(" :*_"))
        record.consumed.append(entry.text)
        for each in entry.below:
            _add_event(record, each.words(), day)
    elif not entry.below and is_date(entry.text):
        record.consumed.append(entry.text)
        return iso_date(entry.text.strip(" :*_"))
    else:
        _add_event(record, entry.words(), day)
    return day


def _add_event(record: Record, text: str, day: str) -> None:
    moment, what = split_when(text)
    if not is_blank(text):
        record.timeline.append((_when(record, moment, day), what))


def _when(record: Record, moment: str, day: str) -> str:
    record.consumed += [moment, day, "Uhr"]
    return when(moment, day)


def _lines_events(record: Record, lines: list[str], day: str) -> str:
    """Lines that begin with a moment are entries; others go on with the entry above, or are a remark on the whole."""
    inside = False
    for line in lines:
        moment, what = split_when(line)
        if is_date(line):
            day, inside = iso_date(line.strip(" :*_#")), False
            record.consumed.append(line)
        elif is_date(moment) and what[0] in "([" and what[-1] in ")]":  # the day of all, with a remark
            day, inside = iso_date(moment), False
            record.consumed.append(moment)
            record.story.append(what)
        elif moment:
            record.timeline.append((_when(record, moment, day), what))
            inside = True
        elif inside:
            last, text = record.timeline[-1]
            record.timeline[-1] = (last, f"{text} {line}")
        elif not is_blank(line):
            record.story.append(line)
    return day


def _table_events(record: Record, rows: list[list[str]], day: str) -> list[tuple[str, str]]:
    header, body = rows[0], rows[1:]
    times = [at for at, name in enumerate(header) if _TIME_HEADER.search(name)] or [0]
    zone = next((match[1] for at in times if (match := _ZONE.search(header[at]))), "")
    if not any(_TIME_HEADER.search(name) for name in header) and split_when(f"{header[0]} x")[0]:
        body = rows  # there is no header: the first row is an entry like the others
    events = []
    for row in body:
        stamps = [row[at] for at in times if at < len(row) and row[at]]
        moment = " ".join(stamps)
        if zone and moment and not _ZONE.search(moment) and re.search(r"\d:\d\d", moment):
            moment = f"{moment} {zone}"
        others = [(header[at] if at < len(header) else "", cell) for at, cell in enumerate(row) if at not in times and cell]
        text = others[0][1] if others else ""
        if len(others) > 1:
            text += " (" + "; ".join(f"{name}: {cell}" if name and body is not rows else cell for name, cell in others[1:]) + ")"
        if is_date(moment) and not text:
            day = iso_date(moment)
        elif moment or text:
            events.append((_when(record, moment, day), text))
    if events and body is not rows:
        record.consumed += header
    return events


def fill_value(record: Record, place: Place, heading: str, value: Any) -> bool:
    """Put the value of a field, a text or anything made of texts, where it belongs; False when nothing of it could be placed."""
    return fill(record, place, heading, as_markdown(value, events=place.target == "timeline"))


def as_markdown(value: Any, *, events: bool = False) -> str:
    """Return a value of JSON, YAML or a table cell as Markdown: texts as they are, lists as lists."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, str):
        return to_markdown(value) if looks_like_html(value) else value
    if isinstance(value, dict):
        return "\n".join(f"- {line}" for key, each in value.items() if (line := _one_line(each)) and (line := f"{_words(key)}: {line}"))
    if isinstance(value, list):
        if events:
            return "\n".join(f"- {line}" for each in value if (line := _event_line(each)))
        if all(isinstance(each, dict) and set(each) <= {"value", "text"} for each in value) and value:
            value = [next(iter(each.values()), "") for each in value]
        return "\n".join(f"- {line}" for each in value if (line := item_line(each)))
    return str(value)


_MAIN = ("description", "title", "name", "text", "summary", "action", "item", "event", "content", "value", "what", "task", "lesson")
_MOMENT = ("at", "time", "timestamp", "date", "when", "datetime", "occurred_at", "created_at", "start", "started_at")


def item_line(value: Any) -> str:
    """Return an element of a list as one line: of a mapping its main text, and the other fields in brackets."""
    if not isinstance(value, dict):
        return _one_line(value)
    main = next((key for key in value for wanted in _MAIN if normalised(key) == wanted and _one_line(value[key])), None)
    others = "; ".join(f"{_words(key)}: {line}" for key, each in value.items() if key != main and (line := _one_line(each)))
    if main is None:
        return others
    return f"{_one_line(value[main])} ({others})" if others else _one_line(value[main])


def _event_line(value: Any) -> str:
    if not isinstance(value, dict):
        return _one_line(value)
    moment = next((key for wanted in _MOMENT for key in value if key.casefold() == wanted), None)
    line = item_line({key: each for key, each in value.items() if key != moment})
    stamp = _one_line(value[moment]) if moment is not None else ""
    if stamp and not split_when(f"{stamp}: x")[0]:
        return f"{line} ({_words(moment)}: {stamp})"
    return f"{stamp}: {line}" if stamp and line else line or stamp


def _one_line(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{_words(key)}: {line}" for key, each in value.items() if (line := _one_line(each)))
    if isinstance(value, list):
        return ", ".join(line for each in value if (line := _one_line(each)))
    text = as_markdown(value)
    return " ".join(re.sub(r"(?m)^\s*[-*+]\s+", "", text).split()) if "\n" in text else text.strip()


def _words(key: Any) -> str:
    return " ".join(str(key).replace("_", " ").split())
