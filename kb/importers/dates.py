"""When something happened: the many ways in which it is written → the one that cases use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from kb.case import TODO

_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {name: number for number, month in enumerate(_NAMES, 1) for name in (month, month[:3])} | {"sept": 9}
_MONTH = "(?P<{0}>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + ")"
_ZONES = "UTC|GMT|Z|CET|CEST|EET|EEST|WET|WEST|BST|IST|JST|SGT|AEST|AEDT|NZST|NZDT|MSK|PST|PDT|PT|MST|MDT|CST|CDT|CT|EST|EDT|ET"
_ISO = r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"
_WORDS = "|".join(
    (
        rf"{_MONTH.format('m1')}\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y1>\d{{4}})",
        rf"(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+{_MONTH.format('m2')}\.?,?\s+(?P<y2>\d{{4}})",
        r"(?P<d4>\d{1,2})\.(?P<m4>\d{1,2})\.(?P<y4>\d{4})",
        rf"(?P<d3>\d{{1,2}})-{_MONTH.format('m3')}-(?P<y3>\d{{4}})",
    )
)
_CLOCK = r"(?P<h>\d{1,2}):(?P<min>\d\d)(?::(?P<s>\d\d)(?:\.\d+)?)?(?:\s*(?P<ampm>[ap]\.?m\.?))?"
_ZONE = rf"(?:\s*\(?(?P<zone>{_ZONES}|[+-]\d\d:?\d\d)\)?)?"
_DATE_RE = re.compile(rf"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+)?(?:{_ISO}|{_WORDS})", re.IGNORECASE)
_CLOCK_RE = re.compile(_CLOCK + _ZONE, re.IGNORECASE)
_WHEN_RE = re.compile(
    rf"(?P<date>{_DATE_RE.pattern})(?:(?:\s*(?:,|T|at|@|-|–)\s*|\s+){_CLOCK})?{_ZONE}(?![\w:])",
    re.IGNORECASE,
)
_YEAR_MONTH = re.compile(r"(\d{4})(?:-(\d\d))?")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
# What a timeline entry begins with: a time of day, a day, both, an offset, or one of these up to another.
_STAMP = (
    rf"(?:~|≈|circa |about |approx\.? |around )?(?:{re.sub(r'[?]P<[a-z0-9]+>', '', _DATE_RE.pattern)})"
    rf"(?:(?:\s*(?:,|T|at|@)\s*|\s+)\d{{1,2}}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[ap]\.?m\.?)?)?(?:\s*\(?(?:{_ZONES}|[+-]\d\d:?\d\d)\b\)?)?"
    rf"|(?:~|≈|circa |about |approx\.? |around )?\d{{1,2}}[:h]\d\d(?::\d\d)?(?:\s*[ap]\.?m\.?)?(?:\s*\(?(?:{_ZONES})\b\)?)?"
    rf"|\d{{1,2}}\s?[ap]\.?m\.?\b(?:\s*\(?(?:{_ZONES})\b\)?)?"
    rf"|(?:day|week|month|hour)\s+\d+(?:\s*,?\s*\d{{1,2}}:\d\d)?"
    rf"|T\s?[+-]\s?\d+(?:[:.]\d+)*\s*(?:h|hours?|m|min(?:utes)?|s|sec(?:onds)?|d|days?)?"
    rf"|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}(?:,?\s+\d{{1,2}}:\d\d)?"
    rf"|{re.sub(r'[?]P<[{]0[}]>', '?:', _MONTH)}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+(?:at\s+)?\d{{1,2}}:\d\d)?"
    rf"|\d{{4}}(?:-\d\d)?(?=\s*[:–—-]\s)"
)
_LEADING = re.compile(
    rf"(?P<open>[\[(*_`]*)(?P<when>(?:{_STAMP})(?:\s*(?:-|–|—|to|until)\s*(?:{_STAMP}))?)(?P<close>[\])*_`]*)"
    r"\s*(?:Uhr\b)?\s*(?P<mark>(?:[:|,;]|-+>?|–|—|→|=>)?[\])*_`]*)(?:\s+|$)",
    re.IGNORECASE,
)


def _parts(match: re.Match[str]) -> tuple[int, int, int] | None:
    groups = match.groupdict()
    year = groups["y"] or groups["y1"] or groups["y2"] or groups["y3"] or groups["y4"]
    # Without regard to case a pattern takes `Auguſt` for a month, and no month is written so.
    month = groups["m"] or groups["m4"] or _MONTHS.get((groups["m1"] or groups["m2"] or groups["m3"] or "").lower(), 0)
    day = groups["d"] or groups["d1"] or groups["d2"] or groups["d3"] or groups["d4"]
    try:
        return (found := date(int(year), int(month), int(day))).year, found.month, found.day
    except ValueError:
        return None


def iso_date(text: str) -> str:
    """Return `2024-03-01` for a text that is a date, with or without a time; YYYY or YYYY-MM as they are; else nothing."""
    text = text.strip()
    match = _DATE_RE.match(text)
    if match and (parts := _parts(match)):
        return "{:04}-{:02}-{:02}".format(*parts)
    exact = _YEAR_MONTH.fullmatch(text)
    return text if exact and 1 <= int(exact[2] or 1) <= 12 and int(exact[1]) else ""


def day_in(text: str) -> list[str]:
    """Return the first day that a text names, if it names one."""
    match = _DATE_RE.search(text)
    return [match[0]] if match and _parts(match) else []


def is_date(text: str) -> bool:
    """Return whether a text is a day and nothing else."""
    match = _DATE_RE.fullmatch(text.strip(" :*_#"))
    return bool(match and _parts(match))


def when(text: str, day: str = "") -> str:
    """Return a moment as the timeline of a case has it; `TODO` and the words as they are where that would be guessing.

    Args:
        text: e.g. `May 4, 2024 2:51 pm`, `14:51`, `2024-03-01T07:10:00Z`.
        day: the day that stood above the entry, if one did.
    """
    text = " ".join(text.split()).strip(" -–—:|*_`[]")
    if day and _CLOCK_RE.fullmatch(text):
        text = f"{day} {text}"
    match = _WHEN_RE.fullmatch(text)
    if match and (parts := _parts(match)) and match["s"] in (None, "00"):
        stamp = "{:04}-{:02}-{:02}".format(*parts)
        if match["h"] is None:
            return stamp if not match["zone"] else f"{TODO} {text}"
        hour = int(match["h"])
        if match["ampm"]:
            hour = hour % 12 + 12 * match["ampm"].lower().startswith("p")
        zone = (match["zone"] or "").upper()
        if hour < 24 and int(match["min"]) < 60 and (not zone or zone.isalpha()):
            return f"{stamp} {hour:02}:{match['min']}" + (f" {'UTC' if zone == 'Z' else zone}" if zone else "")
    if re.fullmatch(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?", text):
        return text
    return f"{TODO} {text}".strip()


def split_when(text: str) -> tuple[str, str]:
    """Return (when, rest) of a line that begins with a moment; ("", line) where none stands there."""
    match = _LEADING.match(text)
    if not match or not (rest := text[match.end() :].strip()):
        return "", text
    return match["when"], rest


def years_of(texts: Iterable[str]) -> str | None:
    """Return the year, or the span of years, that dates speak of; None when none does."""
    years = sorted(int(found) for text in texts if (found := iso_date(text)[:4]) and _YEAR.fullmatch(found))
    if not years:
        return None
    return str(years[0]) if years[0] == years[-1] else f"{years[0]}-{years[-1]}"
