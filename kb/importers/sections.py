"""Prose → sections: what its author meant as headings, in whichever markup, and the lines under each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kb.importers.aliases import cleaned, exact_place_of

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(\s+|(?=[^\s#]))(.*?)[\s#]*$")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})\s*$")
_UNDERLINE = re.compile(r"([~^\"'*+.:_`])\1{2,}\s*$")
LAYOUT = re.compile(r"[ \t]*</?(?:details|div|p|center|section|article|br|hr)\b[^<>\n]*>[ \t]*$", re.MULTILINE | re.IGNORECASE)
"""A line that is nothing but a tag for the looks of a page."""
_HTML = re.compile(r"\s*<h([1-6])\b[^<>]*>(.*?)</h\1>\s*$", re.IGNORECASE)
_WIKI = re.compile(r"h([1-6])\.\s+(\S.*)$")
_EQUALS = re.compile(r"(={1,6})\s+(\S.*?)\s*(?:={1,6})?\s*$")
_ORG = re.compile(r"(\*{1,6}) (\S.*)$")
_BOLD = re.compile(r"\s{0,3}(?:>\s*)?(\*\*\*|\*\*|__)(?=\S)([^*_].*?)\1\s*[:：]?\s*(?:<br\s*/?>)?\s*$")
_LIST = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+")
_LABEL = re.compile(
    r"(?P<bullet>\s{0,3}[-*+•]\s+)?(?P<bold>\*\*|__)?(?P<label>[^\s:：|*_#>\[\]`][^:：|*_#>\[\]`]{0,60}?)\s*(?:\*\*|__)?[:：](?:\*\*|__)?(?P<text>\s+\S.*|(?<=：)\S.*)$"
)
_QUICK = re.compile(
    r"/(?:label|unlabel|relabel|assign|unassign|assign_reviewer|milestone|due|relate|confidential|cc|epic|weight|severity|close|todo|type|iteration)\b"
)
_MOST_BOLD = 90
_DEEP = 7
"""Level of what only looks like a heading: deeper than all that are marked as such."""


@dataclass(slots=True)
class Section:
    """A heading with the lines under it, up to the next heading of any level."""

    level: int
    """0: what stands before the first heading."""
    heading: str
    """As a reader sees it."""
    line: str
    """As it is written."""
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


@dataclass(slots=True)
class Split:
    """A text in pieces; nothing of it is missing but the marks of its headings."""

    sections: list[Section]
    asides: dict[str, list[str]] = field(default_factory=dict)
    """What no reader of the text sees: comments, scripts and the commands of trackers."""


def split_sections(text: str, *, org: bool = False) -> Split:
    """Split a text at its headings.

    Args:
        text: Markdown, or text in which headings stand as in AsciiDoc, reStructuredText, wikis or plain mail.
        org: whether a star at the start of a line is a heading, as in Org files.
    """
    text, asides = _without_asides(text)
    lines = text.split("\n")
    sections = [Section(0, "", "")]
    fence = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence or _FENCE.match(line):
            fence = _fence_after(line, fence)
            sections[-1].lines.append(line)
            at += 1
            continue
        if LAYOUT.match(line):
            sections[-1].lines.append("")
            at += 1
            continue
        if _QUICK.match(line):
            asides.setdefault("commands", []).append(line)
            at += 1
            continue
        found, used = _heading(lines, at, org=org) or _label(line, sections[-1]) or (None, 0)
        if found:
            sections.append(found)
            at += used
        else:
            sections[-1].lines.append(line)
            at += 1
    return Split(sections, asides)


def _fence_after(line: str, fence: str) -> str:
    """Return the fence that is open after a line; empty when none is."""
    match = _FENCE.match(line)
    if not fence:
        return match[1] if match else ""
    closes = match and match[1][0] == fence[0] and len(match[1]) >= len(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence


_COMMENT, _SCRIPT = (
    re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL),
    re.compile(r"<(script|style)\b[^>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE),
)
_OPENERS = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})|(?P<comment><!--)|(?P<script><(?:script|style)\b)", re.MULTILINE | re.IGNORECASE)


def _without_asides(text: str) -> tuple[str, dict[str, list[str]]]:
    """Take comments, scripts and styles out of a text, but not those that are shown inside a fence."""
    asides: dict[str, list[str]] = {}
    kept: list[str] = []
    at = 0
    while match := _OPENERS.search(text, at):
        if match["fence"]:
            closing = re.compile(rf"^ {{0,3}}{re.escape(match['fence'])}[`~]*\s*$", re.MULTILINE).search(text, match.end())
            end = closing.end() if closing else len(text)
            kept.append(text[at:end])
        else:
            whole = (_COMMENT if match["comment"] else _SCRIPT).match(text, match.start())
            end = whole.end() if whole else match.end()
            kept.append(text[at : match.start()])
            words = whole[1] if whole and match["comment"] else text[match.start() : end]
            if words.strip():
                asides.setdefault("comments" if match["comment"] else "scripts", []).append(words.strip("\n"))
        at = end
    kept.append(text[at:])
    return "".join(kept), asides


def _heading(lines: list[str], at: int, *, org: bool) -> tuple[Section, int] | None:
    """Return the section that begins here, and how many lines its heading takes."""
    line = lines[at]
    if not line.strip():
        return None
    return _marked(line, org=org) or _underlined(lines, at) or _implied(lines, at)


def _marked(line: str, *, org: bool) -> tuple[Section, int] | None:
    if match := _HTML.match(line):
        return Section(int(match[1]), cleaned(match[2]), line), 1
    if (match := _ATX.match(line)) and ((match[2].strip() == "" and match[2]) or exact_place_of(match[3])):
        return Section(len(match[1]), cleaned(match[3]), line), 1
    for pattern in (_EQUALS, _ORG) if org else (_EQUALS,):
        if match := pattern.match(line):
            return Section(len(match[1]), cleaned(match[2]), line), 1
    if match := _WIKI.match(line):
        return Section(int(match[1]), cleaned(match[2]), line), 1
    return None


def _underlined(lines: list[str], at: int) -> tuple[Section, int] | None:
    line, following = lines[at], lines[at + 1] if at + 1 < len(lines) else ""
    starts = at == 0 or not lines[at - 1].strip() or _SETEXT.match(lines[at - 1])
    if not following or line[0] in " >|#" or _LIST.match(line) or _SETEXT.match(line):
        return None
    if (match := _SETEXT.match(following)) and (starts or exact_place_of(line)):
        return Section(1 if match[1][0] == "=" else 2, cleaned(line), f"{line}\n{following}"), 2
    if _UNDERLINE.match(following) and starts and len(following.strip()) >= len(line.strip()) - 1:
        return Section(3, cleaned(line), f"{line}\n{following}"), 2
    return None


def _implied(lines: list[str], at: int) -> tuple[Section, int] | None:
    """A line in bold, or one that says nothing but the name of a section."""
    line = lines[at]
    if line.lstrip().startswith("<"):
        return None
    before = at == 0 or not lines[at - 1].strip()
    if match := _BOLD.match(line):
        name = match[2].strip()
        known = exact_place_of(name) is not None
        after = at + 1 == len(lines) or not lines[at + 1].strip() or _LIST.match(lines[at + 1])
        if known or (before and after and "**" not in name and len(name) <= _MOST_BOLD and name[-1] not in ".!,;"):
            return Section(_DEEP, cleaned(name), line), 1
    numbered = re.match(r"\s{0,3}(?:\d+|[IVX]+)[.)]\s+\S", line)
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if before and (not _LIST.match(line) or (numbered and not re.match(r"\s{0,3}\d+[.)]\s", following))):
        bare, *breaks = re.split(r"<br\s*/?>", line)
        bare = (line if any(map(str.strip, breaks)) else bare).strip()
        if len(bare) <= _MOST_BOLD and bare[-1:] not in (".", "!", ",", ";", "|") and exact_place_of(bare):
            return Section(_DEEP, cleaned(bare), line), 1
    return None


def _label(line: str, above: Section) -> tuple[Section, int] | None:
    """A line such as `**Impact:** twelve shops`: a section of its own where no heading of a known kind stands above."""
    known = exact_place_of(above.heading) is not None
    match = None if known and above.level < _DEEP else _LABEL.match(line)
    if not match or (match["bullet"] and known and above.level == _DEEP):
        return None
    if len(match["label"].split()) > 6 or not (place := exact_place_of(match["label"])) or place.target == "kept":
        return None
    section = Section(_DEEP + 1, cleaned(match["label"]), line)
    section.lines.append(match["text"].strip())
    return section, 1


_FIELD = re.compile(
    r"\s{0,3}(?:[-*+•>]\s+)?(?:\*\*|__)?(?P<name>[^\W\d_][^:：*_|#\[\]`]{0,40}?)\s*(?:\*\*|__)?[:：](?:\*\*|__)?\s*(?P<value>.*)$"
)


def split_fields(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """Take `Name: value` lines out of what stands before the first section; return them and the other lines."""
    fields: dict[str, str] = {}
    rest: list[str] = []
    for line in lines:
        match = _FIELD.match(line)
        value = match["value"].strip() if match else ""
        short = bool(match and len(match["name"].split()) <= 4 and not match["name"].strip().lower().startswith(("http", "note", "tl")))
        if match and short and value and len(value) <= 200 and match["name"].strip() not in fields:
            fields[match["name"].strip()] = value
        else:
            rest.append(line)
    return fields, rest
