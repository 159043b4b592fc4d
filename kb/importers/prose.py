"""Post-mortems in prose with headings: the alias table decides where each section goes."""

from __future__ import annotations

import re

from kb.importers.aliases import Place, cleaned, normalised, place_of
from kb.importers.blocks import read_pieces
from kb.importers.dates import day_in, is_date, iso_date
from kb.importers.filling import fill
from kb.importers.record import Record, is_blank
from kb.importers.sections import Section, Split, split_fields, split_sections

_GENERIC_TITLE = re.compile(
    r"(?:(?:incident|outage|project|blameless|service|problem|production|internal|public)\s+)*(?:post\s?mortems?|report|review|retrospective|incident|write\s?up|rca|template)"
    r"(?:\s+(?:report|review|document|analysis|template))?"
)
_MOST_TITLE = 120
_GOOD = re.compile(r"\b(?:well|right|worked|successes|positives|good)\b")


def fill_prose(record: Record, text: str, *, org: bool = False) -> None:
    """Put every section of a text where it belongs; those that no case has a place for are kept under `x_import`."""
    split = split_sections(text, org=org)
    title = _take_title(record, split)
    known = any(_target(section) for section in split.sections)
    for name, words in split.asides.items():
        record.keep("asides", name, words if len(words) > 1 else words[0])
    above: list[tuple[Section, Place | None]] = []
    for section in split.sections:
        while above and above[-1][0].level >= section.level:
            above.pop()
        if section is title or section.level == 0:
            _preamble(record, section, known=known)
            place = None
        else:
            place = _fill_section(record, section, [pair for pair in above if pair[0] is not title], known=known)
        above.append((section, place))


def has_sections(text: str) -> bool:
    """Return whether a text has a section of the kinds that post-mortems have."""
    return any(_target(section) for section in split_sections(text).sections)


def _target(section: Section) -> str:
    place = place_of(section.heading) if section.level else None
    return place.target if place and place.target != "kept" else ""


def _take_title(record: Record, split: Split) -> Section | None:
    """Return the heading that is the title of the whole, if there is one."""
    headed = [section for section in split.sections if section.level]
    first = headed[0] if headed else None
    if not record.title and split.sections[0].text:
        _take_first_line(record, split.sections[0])
    if first is None or place_of(first.heading) or first.level > min(section.level for section in headed):
        return None
    only = sum(section.level == first.level for section in headed) == 1 or first.level == 1
    if not only and any(_target(section) for section in headed) is False:
        return None
    generic = _GENERIC_TITLE.fullmatch(normalised(first.heading)) or is_blank(first.heading)
    if (record.title and normalised(record.title) != normalised(first.heading)) or generic:
        record.keep("fields", "heading", first.heading)
    else:
        record.title = " ".join(_title_words(first).split())
    return first


_KIND_OF_TEXT = re.compile(rf"(?:{_GENERIC_TITLE.pattern})", re.IGNORECASE)


def _take_first_line(record: Record, section: Section) -> None:
    """Take the title from a first line that stands alone, as in mail and plain text: `Post-mortem: the lost invoices`."""
    lines = "\n".join(section.lines).lstrip("\n").split("\n")
    line = lines[0].strip()
    alone = len(lines) == 1 or not lines[1].strip()
    name, colon, _ = line.partition(":")
    is_field = colon and not _KIND_OF_TEXT.fullmatch(normalised(name))
    if alone and line[:1].isalnum() and 8 <= len(line) <= _MOST_TITLE and line[-1] not in ".,;:" and not is_field and not iso_date(line):
        record.title = " ".join(line.split())
        section.lines = lines[1:]


def _title_words(section: Section) -> str:
    """Return a title with its emoji and numbers as they are, without the marks of a heading."""
    line = section.line.split("\n")[0].strip()
    line = re.sub(r"^(?:#{1,6}|={1,6}|h[1-6]\.|\*{1,6}(?=\s))\s*|\s*[#=]+$", "", line).strip()
    bare = re.sub(r"\*\*|__|`", "", re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", line)).strip()
    return bare or section.heading


def _preamble(record: Record, section: Section, *, known: bool) -> None:
    """What stands before the first section: fields such as owner and date, and perhaps an abstract."""
    fields, rest = split_fields(section.lines) if known else ({}, section.lines)
    for name, value in fields.items():
        if day := iso_date(value):
            record.dates.append(day)
        record.keep("fields", cleaned(name), value)
    text = "\n".join(rest).strip("\n")
    if text.strip() and not fill(record, Place("story"), section.heading, text) and not is_blank(text):
        record.keep("sections", section.heading or "(before the first heading)", text)


def _fill_section(record: Record, section: Section, above: list[tuple[Section, Place | None]], *, known: bool) -> Place | None:
    """Place one section; return where what stands under it goes unless its own heading says otherwise."""
    own = place_of(section.heading)
    record.consumed += re.findall(r"\d+", section.line)  # numbers of headings
    parent, inherited = next(((each, place) for each, place in reversed(above) if place), (None, None))
    goes_on = inherited is not None and (own is None or _stays(inherited, own, section))
    place = inherited if goes_on else own
    text = section.text
    if place is None:
        if not known:
            _unknown(record, section)
        elif text.strip():
            record.keep("sections", section.heading, text)
        return None
    if not text.strip():
        if goes_on:
            record.keep("headings", section.heading, parent.heading if parent else "")
        else:
            record.consumed.append(section.heading)  # of what the draft marks as a gap
        return place
    if place.target == "kept":
        record.keep("sections", section.heading if not goes_on else f"{parent.heading if parent else ''} > {section.heading}", text)
        if normalised(section.heading) in {"date", "dates"} and (day := iso_date(text.strip()) or next(iter(day_in(text)), "")):
            record.dates.append(day)
        return place
    if goes_on and place.target == "timeline" and is_date(day := _title_words(section)):
        text = f"{day}\n\n{text}"
    if goes_on and parent is not None:
        placed = fill(record, _labelled(place, text), section.heading, text)
        if placed and not _labelled(place, text).label:
            record.keep("headings", section.heading, parent.heading)
    else:
        placed = fill(record, place, section.heading, text)
    if not placed:
        record.keep("sections", section.heading, text)
    return place


def _stays(inherited: Place, own: Place, section: Section) -> bool:
    """Return whether a heading such as Detection, which may be a section of its own, is one kind of what it stands under."""
    may = own.label and own.target == "story"
    return may and inherited.target in {"prevention", "lessons", "timeline"} and not _GOOD.search(normalised(section.heading))


def _labelled(place: Place, text: str) -> Place:
    """Return the place with the heading as a label where that can stand before the text: with prose, and one single paragraph."""
    pieces = [piece for piece in read_pieces(text) if piece.kind != "code"]
    one = len(pieces) == 1 and pieces[0].kind == "paragraph" and len(pieces[0].lines) < 4
    return Place(place.target, label=place.target in {"story", "undertaking"} or (one and place.target != "timeline"))


def _unknown(record: Record, section: Section) -> None:
    """A section of a text that has none of the usual ones: part of the story."""
    if section.text.strip() and not fill(record, Place("story", label=True), section.heading, section.text):
        record.keep("sections", section.heading, section.text)
    elif not section.text.strip():
        record.keep("headings", section.heading, "")
