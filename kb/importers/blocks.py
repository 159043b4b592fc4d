"""The text of a section → paragraphs, list items, tables and what else stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Inside of paragraphs everything stays as it is; "reference" would swallow `[name]: address` lines.
_parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table").disable(["inline", "reference"])
_BULLET = re.compile(r"^(\s*)[•‣◦▪●○–]\s+", re.MULTILINE)
_TASK = re.compile(r"\[(?P<mark>[ xX~-])\]\s+")


@dataclass(slots=True)
class Entry:
    """A list item: its own words, then those of the items under it."""

    text: str
    below: list[Entry] = field(default_factory=list)

    def words(self) -> str:
        """Return the item with all that stands under it as one text."""
        below = [each.words() for each in self.below]
        if not below:
            return self.text
        text = self.text
        joined = below[0]
        for each in below[1:]:
            joined += f" {each}" if joined[-1:] in ".!?;:" else f"; {each}"
        if not text:
            return joined
        return f"{text} {joined}" if text[-1] in ".!?:;,–—" else f"{text}: {joined}"


@dataclass(slots=True)
class Piece:
    """Part of a section."""

    kind: str
    """`paragraph`, `list`, `table` or `code`."""
    text: str = ""
    lines: list[str] = field(default_factory=list)
    """Of a paragraph, as they are written."""
    entries: list[Entry] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    """Of a table, the header first."""


def read_pieces(text: str) -> list[Piece]:
    """Return what stands in a section, in order. Nothing is left out but rules and the marks of Markdown."""
    tokens = _parser.parse(_BULLET.sub(r"\1- ", text))
    pieces: list[Piece] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        end = _closing(tokens, at)
        inner = tokens[at : end + 1]
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            entries, codes = _entries(inner)
            pieces.append(Piece("list", entries=entries))
            pieces.extend(Piece("code", text=code) for code in codes)
        elif token.type == "table_open":
            pieces.append(Piece("table", rows=_rows(inner)))
        elif token.type in {"fence", "code_block"}:
            pieces.append(Piece("code", text=f"{token.info.strip()}\n{token.content}" if token.info.strip() else token.content))
        else:
            pieces.extend(_paragraphs(inner))
        at = end + 1
    return pieces


def _closing(tokens: list[Token], start: int) -> int:
    depth = 0
    for at in range(start, len(tokens)):
        depth += tokens[at].nesting
        if depth <= 0:
            return at
    return len(tokens) - 1


def _paragraphs(tokens: list[Token]) -> Iterator[Piece]:
    """Paragraphs of a block that is none of the others, such as a quotation; a heading inside it is one, too."""
    for token in tokens:
        if (token.type == "inline" and token.content.strip()) or (token.type == "html_block" and token.content.strip()):
            yield _paragraph(token.content)
        elif token.type in {"fence", "code_block"}:
            yield Piece("code", text=token.content)


def _paragraph(text: str) -> Piece:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return Piece("paragraph", text=" ".join(line.removesuffix("\\") for line in lines), lines=lines)


def _entries(tokens: list[Token]) -> tuple[list[Entry], list[str]]:
    """Read a list; code inside of it is returned beside it."""
    top: list[Entry] = []
    stack: list[Entry] = []
    codes: list[str] = []
    for token in tokens:
        if token.type == "list_item_open":
            entry = Entry("")
            (stack[-1].below if stack else top).append(entry)
            stack.append(entry)
        elif token.type == "list_item_close":
            stack.pop()
        elif token.type in {"inline", "html_block"} and stack:
            words = _TASK.sub(_status, " ".join(token.content.split()), count=1) if not stack[-1].text else " ".join(token.content.split())
            stack[-1].text = f"{stack[-1].text} {words}".strip()
        elif token.type in {"fence", "code_block"}:
            if stack and "\n" not in token.content.strip():
                stack[-1].text = f"{stack[-1].text} {token.info.strip()} {token.content.strip()}".strip().replace("  ", " ")
            else:
                codes.append(f"{token.info.strip()}\n{token.content}" if token.info.strip() else token.content)
    return [entry for entry in top if entry.words()], codes


def _status(match: re.Match[str]) -> str:
    if match.start():
        return match[0]
    return {" ": "(open) ", "x": "(done) "}.get(match["mark"].lower(), match[0])


def _rows(tokens: list[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(" ".join(re.sub(r"<br\s*/?>", " ", token.content).split()))
    return rows
