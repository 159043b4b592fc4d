"""A record → the text of a draft: a case in canonical form, its gaps marked, everything else kept under `x_import`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import msgspec

from kb.case import DRAFT, TODO, Case, CaseMeta, Event, Item, Prose, Source, is_gap
from kb.importers.dates import day_in, iso_date, years_of
from kb.importers.record import Record, Reference, known_term
from kb.importers.sections import LAYOUT
from kb.importers.source import UnreadableError
from kb.parse import read_case
from kb.render import render_case
from kb.taxonomy import Taxonomy

UNWRITTEN = "0" * 64
"""Stands for the draft's own hash while that is taken."""
_LEAD = 160
"""Most characters of a lead; a longer first sentence is left for a person to shorten."""
_GAPS = {
    "undertaking": "TODO: what was attempted, how big, and what it replaced or connected, in two to five sentences.",
    "story": "TODO: what happened, in order, as your sources tell it.",
    "symptoms": Item(lead="TODO: a sign that could be seen, in a few words.", tag=TODO),
    "factors": Item(lead="TODO: what made it fail, in a few words.", tag=TODO),
    "lessons": Item(lead="TODO: what to do another time, in a few words."),
    "prevention": Item(lead="TODO: what would have changed it, in a few words."),
}
_TAGGED = {"symptoms", "factors"}
_NOTE = re.compile(r"\[\^([^\]\s]+)\]")
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\((?:<([^<>]*)>|([^()\s]*(?:\([^()\s]*\)[^()\s]*)*))(?:\s+[\"'][^\"']*[\"'])?\)")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLOCK = re.compile(r"#{1,6}(?:\s|$)|>|[-+*](?:\s|$)|`{3}|~{3}|([-*_])(?:\s*\1){2,}\s*$|\[[^\]]*\]:|<[A-Za-z/!?]|=+\s*$|\|")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_BOLD_LEAD = re.compile(r"(?:\*\*|__)(?=\S)(.+?)(?<=\S)(?:\*\*|__)\s*[:.–—-]?\s+(.*)|(?:\*\*|__)(?=\S)(.+?)(?<=\S)(?:\*\*|__)\s*[:.]?")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])[\"”’')\]]*\s+(?=[\"“‘'(\[`*]*[A-Z0-9À-ÞΑ-ΩА-Я])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|approx|no|nos|dr|mr|mrs|ms|st|fig|inc|ltd|co|corp|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|[a-z])\.$",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"(?m)^[>\s]*\d{1,3}[.)]\s")
_WORD = re.compile(r"\w+")


def inline(text: str) -> str:
    """Return a text as inline Markdown on one line that means the same outside of its own file."""
    text = _NOTE.sub(r"(note \1)", _BREAK.sub(" ", text))
    return " ".join(_LINK.sub(_link, text).split())


def _link(match: re.Match[str]) -> str:
    words, target = match[2].strip(), match[3] or match[4] or ""
    if target.startswith(("https://", "http://")):
        return f"[{words or target}]({match[0].rsplit('](', 1)[1]}"
    return f"{words} ({target})" if words and target else words or target


def _first(text: str) -> str:
    """Return a text that begins no block: `# 1` would be a heading, `12. May` a list."""
    if match := _NUMBERED.match(text):
        return f"{match[1]}\\{match[2]}{text[match.end() :]}"
    return f"\\{text}" if _BLOCK.match(text) else text


def _item(lead: str, text: str, *, tag: str | None, sources: tuple[str, ...]) -> Item:
    lead, text = inline(lead), inline(text)
    if not lead:
        lead, text = _split_lead(text)
    lead = _unbold(lead)
    if text.endswith("`") and tag is None:
        text += "."  # a code span at the end of an item would be its tag
    return Item(lead=lead or TODO, text=text, tag=tag, sources=sources)


def _split_lead(text: str) -> tuple[str, str]:
    """Return what stands in bold at the beginning, or the first sentence, and the rest; no lead where that would be long."""
    if match := _BOLD_LEAD.fullmatch(text):
        lead = (match[1] or match[3]).rstrip(":")
        if len(lead) <= _LEAD:
            return lead, match[2] or ""
    for match in _SENTENCE_END.finditer(text):
        sentence = text[: match.end()].rstrip()
        whole = sentence.count("`") % 2 == 0 and sentence.count("**") % 2 == 0 and sentence.count("(") <= sentence.count(")")
        if whole and sentence.count("[") <= sentence.count("]") and not _ABBREVIATION.search(text[: match.start()]):
            return (sentence, text[match.end() :]) if len(sentence) <= _LEAD else ("", text)
    return (text, "") if len(text) <= _LEAD else ("", text)


def _unbold(lead: str) -> str:
    lead = re.sub(r"\*\*(\S|\S.*?\S)\*\*", r"\1", lead).replace("**", r"\*\*").strip()
    return lead.strip("*") if lead.startswith("*") != lead.endswith("*") else lead


def _sources(record: Record, taxonomy: Taxonomy) -> tuple[Source, ...]:
    found: dict[str, Reference] = {}
    references = record.references or [Reference(title=record.title, url=record.url, kind=record.evidence)]
    for each in references:
        found.setdefault(each.url or f"{each.title} {each.publisher}", each)
    return tuple(
        Source(
            id=f"s{number}",
            title=" ".join((each.title or record.title).replace("\\", " ").split()),
            url=each.url if re.fullmatch(r"https?://[^\s<>]+", each.url) else "",
            publisher=" ".join(each.publisher.split()).rstrip(" .,"),
            date=_source_date(each.date),
            kind=each.kind if each.kind in taxonomy.ids("evidence") else TODO,
        )
        for number, each in enumerate(found.values(), 1)
    )


def _source_date(text: str) -> str:
    found = iso_date(text)
    return found if re.fullmatch(r"\d{4}(?:-\d\d(?:-\d\d)?)?", found) else ""


def _meta(record: Record, sources: tuple[Source, ...], taxonomy: Taxonomy, x_import: dict[str, Any]) -> CaseMeta:
    kinds = sorted({source.kind for source in sources if source.kind != TODO}, key=lambda kind: taxonomy.order("evidence", kind))
    categories = list(dict.fromkeys(term for word in record.categories if (term := known_term(taxonomy, "category", word))))[:4]
    systems = list(dict.fromkeys(term for word in record.systems if (term := known_term(taxonomy, "system", word))))
    return CaseMeta(
        title=record.title,
        organisation=" ".join(record.organisation.split()) or None,
        country=" ".join(record.country.split()) or None,
        industry=known_term(taxonomy, "industry", record.industry) or TODO,
        years=years_of(record.dates) or years_of(moment for moment, _ in record.timeline) or years_of(day_in(record.title)),
        undertaking=known_term(taxonomy, "undertaking", record.undertaking_kind) or TODO,
        categories=tuple(categories) or (TODO,),
        phase=known_term(taxonomy, "phase", record.phase) or TODO,
        outcome=known_term(taxonomy, "outcome", record.outcome) or TODO,
        systems=tuple(systems),
        evidence=kinds[0] if kinds else TODO,
        status=DRAFT,
        x_import=x_import,
    )


def _case(record: Record, taxonomy: Taxonomy, x_import: dict[str, Any], escape: Callable[[str], str]) -> Case:
    sources = _sources(record, taxonomy)
    cited = tuple(source.id for source in sources)
    refs = "".join(f"[^{each}]" for each in cited)

    def prose(name: str) -> tuple[Prose, ...]:
        texts = [_first(escape(inline(text))) for text in getattr(record, name) if inline(text)]
        return tuple(Prose(f"{text}{refs}") for text in texts) or (Prose(str(_GAPS[name])),)

    def items(name: str) -> tuple[Item, ...]:
        tag = TODO if name in _TAGGED else None
        found = [_item(escape(lead), escape(text), tag=tag, sources=cited) for lead, text in getattr(record, name) if lead or text]
        gap = _GAPS.get(name)
        return tuple(found) or ((msgspec.structs.replace(gap, sources=cited),) if isinstance(gap, Item) else ())

    return Case(
        id="",
        meta=_meta(record, sources, taxonomy, x_import),
        undertaking=prose("undertaking"),
        story=prose("story"),
        timeline=tuple(
            Event(when=moment, text=_event_text(escape(inline(text))), sources=cited)
            for moment, text in map(_event, _in_order(record.timeline))
        ),
        impact=items("impact"),
        symptoms=items("symptoms"),
        factors=items("factors"),
        lessons=items("lessons"),
        prevention=items("prevention"),
        sources=sources,
    )


def _in_order(timeline: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the entries in order of time; those without a day stay behind the one that they stood behind."""
    key = ""
    keyed = []
    for event in timeline:
        key = key if is_gap(event[0]) else event[0]
        keyed.append((key, event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]


def _event(event: tuple[str, str]) -> tuple[str, str]:
    """Return an entry of which the moment holds no colon but that of a time, since the text begins after one."""
    moment, text = event
    if re.search(r":(?!\d)", moment) or len(moment) > 60 or "[^" in moment:
        return TODO, f"{moment.removeprefix(TODO).strip()} {text}".strip()
    return moment, text


def _event_text(text: str) -> str:
    return text or "–"


_MARKS = re.compile(r"([\\`*_\[\]<>#|~])")


def draft_text(record: Record, taxonomy: Taxonomy, *, imported: str) -> str:
    """Return the draft of a record: it parses without a problem, and rendering what is parsed gives the same text.

    Where a text cannot stand as Markdown, its marks are escaped; where words of the source are missing from the draft, the
    whole source is kept beside it.

    Raises:
        UnreadableError: even its bare words do not make a case.
    """
    origin = {"format": record.format, "file": record.file, "id": record.id, "url": record.url, "archive_url": record.archive_url}
    x_import = {name: value for name, value in origin.items() if value}
    x_import |= {"imported": imported, "sha256": record.sha256, "draft_sha256": UNWRITTEN, **record.rest}
    for escape in (str, lambda text: _MARKS.sub(r"\\\1", text)):
        text = render_case(_case(record, taxonomy, x_import, escape))
        if lost_words(record, text):
            original = (record.original if record.original is not None else record.content).strip("\n")
            text = render_case(_case(record, taxonomy, {**x_import, "original": original}, escape))
        if _is_sound(text):
            return stamped(text)
    raise UnreadableError("its text cannot be written as a case")


def _is_sound(text: str) -> bool:
    case, problems = read_case(text, source="draft.md")
    return not problems and render_case(case) == text


def lost_words(record: Record, text: str) -> set[str]:
    """Return the words of the source that are nowhere in the draft, those left out that stand there in another form."""

    def words(of: str) -> set[str]:
        return set(_WORD.findall(of.casefold()))

    known = words(text) | words(" ".join(record.consumed))
    source = record.original if record.original is not None else record.content
    return words(_BREAK.sub(" ", LAYOUT.sub("", _LIST_NUMBER.sub("", source)))) - known


_OWN_HASH = re.compile(r"(?m)^(    draft_sha256: )'?[0-9a-f]{64}'?$")


def stamped(text: str) -> str:
    """Return a draft with its own hash in it, by which an edit by hand is noticed later."""
    return _OWN_HASH.sub(lambda match: f"{match[1]}{_as_yaml(own_hash(text))}", text, count=1)


def own_hash(text: str) -> str:
    """Return the hash of a draft, its own hash left out."""
    return hashlib.sha256(_OWN_HASH.sub(r"\1", text, count=1).encode()).hexdigest()


def _as_yaml(digest: str) -> str:
    return f"'{digest}'" if digest.isdigit() else digest  # digits alone would be a number
