"""A record of named fields → the parts of a case, by the names alone or by a mapping of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kb.importers.aliases import exact_place_of, normalised, place_of
from kb.importers.dates import iso_date
from kb.importers.filling import as_markdown, fill_value
from kb.importers.prose import fill_prose
from kb.importers.record import Record, is_blank

_NAMES: dict[str, str] = {
    "title": ("title, name, headline, subject, incident title, incident name, case, case name, titel, titre, título, 标题, 件名"),
    "id": ("id, uuid, guid, incident id, case id, number, incident number, key, ref, reference, lesson number, lesson id, ticket, issue"),
    "url": "url, link, permalink, href, source url, web url, document url, html url, address, source link",
    "archive_url": "archive url, archived url, archive link",
    "organisation": (
        "organisation, organization, company, company name, operator, vendor, firm, agency, institution, employer, org, unternehmen, firma"
    ),
    "country": "country, land, pays, país",
    "industry": "industry, sector, branche",
    "categories": (
        "categories, category, tags, keywords, labels, failure modes, failure mode, cause category, root cause tags, topics, topic"
    ),
    "systems": "systems, system, stack, technologies, technology, components, tech stack, involved",
    "date": (
        "date, incident date, start, started, start time, started at, start date, begin, began, occurred, occurred at, "
        "date of incident, event date, date occurred, end, ended, end time, ended at, end date, resolved at, detected, "
        "detected at, year, years, datum, fecha, data, created at"
    ),
    "body": ("body, content, markdown, report, text, article, full text, html, document, postmortem, post mortem, body markdown, message"),
}
_BY_NAME = {normalised(name): field for field, names in _NAMES.items() for name in names.split(",")}
_COPIED = {"title", "organisation", "country", "url", "archive_url", "id"}
"""Fields that stand in the draft as they are."""


def fill_fields(record: Record, values: Mapping[str, Any], *, group: str = "fields", inside: str = "") -> None:
    """Place each field by its name; what has no place is kept word for word under `x_import`.

    Args:
        record: takes them.
        values: by name.
        group: part of `x_import` that keeps the rest.
        inside: name of the field that holds these, if one does.
    """
    for key, value in values.items():
        if value in (None, "", [], {}) or (isinstance(value, str) and not value.strip()):
            continue
        name = f"{inside}.{key}" if inside else str(key)
        field = _BY_NAME.get(normalised(str(key)))
        place = None if field else place_of(str(key))
        if field:
            _set(record, field, name, value, group)
        elif isinstance(value, dict) and (place is None or place.target == "kept") and _knows(value):
            fill_fields(record, value, group=group, inside=name)
        elif place is None or place.target == "kept" or not fill_value(record, place, str(key).replace("_", " "), value):
            record.keep(group, name, value)


def _knows(values: Mapping[str, Any]) -> bool:
    """Return whether at least two of the names say what they hold."""
    known = [
        key for key in values if (name := normalised(str(key))) in _BY_NAME or ((place := exact_place_of(name)) and place.target != "kept")
    ]
    return len(known) >= 2


def _set(record: Record, field: str, name: str, value: Any, group: str) -> None:
    text = as_markdown(value).strip() if not isinstance(value, dict | list) else ""
    if field == "body" and text:
        fill_prose(record, text)
        return
    if field in _COPIED and text and not is_blank(text) and not getattr(record, field):
        if field not in {"url", "archive_url"} or text.startswith(("http://", "https://")):
            setattr(record, field, " ".join(text.split()))
            return
    elif field == "date" and (day := iso_date(text)):
        record.dates.append(day)
    elif field in {"categories", "systems"}:
        getattr(record, field).extend(words_of(value))
    elif field == "industry" and text:
        record.industry = text
    record.keep(group, name, value)


def words_of(value: Any, split: str = ",") -> list[str]:
    """Return the words of a field that holds several: a list, or a text with them side by side."""
    if isinstance(value, str):
        parts = value.replace(";", split).split(split) if split == "," else value.split(split)
        return [part.strip() for part in parts if part.strip()]
    if isinstance(value, list):
        return [as_markdown(each).strip() for each in value if not isinstance(each, dict | list)]
    return [] if isinstance(value, dict) else [str(value)]


def first_text(values: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that holds a text, as one line."""
    for name in names:
        value = values.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and not is_blank(str(value)):
            return " ".join(str(value).split())
    return ""
