"""One file under lint: its text, what of it is prose, and where things stand."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from kb.case import DRAFT, Case, Strategy
from kb.corpus import CaseFile
from kb.errors import Problem
from kb.parse import place

_FRONT = re.compile(r"---\n.*?^---[ \t]*$", re.DOTALL | re.MULTILINE)
_DEFINITION = re.compile(r"^\[\^[^\]\s]{1,200}\]:.*$", re.MULTILINE)
# Bounded throughout: an unbounded class before a rarer character takes quadratic time on a long run of it.
_MARKUP = re.compile(
    r"`[^`\n]{1,2000}`"
    r"|\]\((?:[^()\n]|\([^()\n]{0,500}\)){0,2000}\)"
    r"|<https?://[^<>\n]{0,2000}>"
    r"|\[\^[^\]\s]{1,200}\]"
    r"|https?://[^\s<>]{1,2000}"
)
_HEADING = re.compile(r"^## +(.+?)[ \t]*$", re.MULTILINE)
LINK = re.compile(
    r"\[((?:[^\[\]\\\n]|\\.){0,500})\]\([ ]?(<[^<>\n]{0,2000}>|(?:[^()\s]|\([^()\s]{0,500}\)){0,2000})(?:[ ]+\"[^\"\n]{0,500}\")?\)"
)


class Page:
    """A file with its text in the forms that rules look at; every form keeps the offsets of the file."""

    def __init__(self, file: CaseFile) -> None:
        self.file = file
        self.source = str(file.path)
        self.text = file.text

    @property
    def case(self) -> Case | None:
        return self.file.case

    @property
    def strategy(self) -> Strategy | None:
        return self.file.strategy

    @property
    def is_draft(self) -> bool:
        return self.file.case is not None and self.file.case.meta.status == DRAFT

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def front_end(self) -> int:
        """Offset at which the front matter ends."""
        match = _FRONT.match(self.text)
        return match.end() if match else 0

    @cached_property
    def imported(self) -> tuple[int, int]:
        """Offsets between which the texts of an import stand, word for word; what they say is not the case's."""
        start = self.text.find("\nx_import:", 0, self.front_end)
        if start < 0:
            return 0, 0
        following = re.compile(r"^\S", re.MULTILINE).search(self.text, start + len("\nx_import:"))
        return start, following.start() if following else self.front_end

    @cached_property
    def body(self) -> str:
        """The text with its front matter blanked, all but the title; footnotes blanked, too."""
        front = self.text[: self.front_end]
        title = re.search(r"^title:(.*)$", front, re.MULTILINE)
        shown = "" if not title else " " * title.start(1) + title[1]
        return _blanked(_DEFINITION, shown.ljust(len(front)) + self.text[len(front) :])

    @cached_property
    def prose(self) -> str:
        """The body without code, addresses and footnote references: the words a reader sees."""
        return _blanked(_MARKUP, self.body)

    @cached_property
    def _headings(self) -> tuple[list[int], list[str]]:
        found = list(_HEADING.finditer(self.text, self.front_end))
        return [match.start() for match in found], [match[1] for match in found]

    @property
    def headings(self) -> list[str]:
        return self._headings[1]

    def section_at(self, offset: int) -> str:
        """Return the name of the section that holds an offset, or an empty one before the first."""
        starts, names = self._headings
        at = bisect_right(starts, offset)
        return names[at - 1] if at else ""

    def front_line(self, name: str) -> int:
        """Return the line of a front matter field, 1 when it is not there."""
        return next((number for number, line in enumerate(self.lines, 1) if line.startswith(f"{name}:")), 1)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def at_offset(self, offset: int, rule: str, message: str, advice: str) -> Problem:
        """Return a problem of what stands at an offset of the text."""
        line = bisect_right(self._line_starts, offset)
        return self._problem(line, offset - self._line_starts[line - 1] + 1, rule, message, advice)

    def problem(self, line: int, rule: str, message: str, advice: str, *, at: str = "") -> Problem:
        """Return a problem of `at` in the paragraph or item that begins at a line, or of the whole of it."""
        return self._problem(*place(self.lines, line, at), rule, message, advice)

    def _problem(self, line: int, column: int, rule: str, message: str, advice: str) -> Problem:
        return Problem(source=self.source, line=line, column=column, rule=rule, message=message, advice=advice)

    def found(self, pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
        """Yield matches outside the texts of an import."""
        start, end = self.imported
        return (match for match in pattern.finditer(text) if not start <= match.start() < end)


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def lowered(text: str) -> str:
    """Return the text with A to Z in lower case; unlike `lower`, this keeps every offset."""
    return text.translate(_LOWER)
