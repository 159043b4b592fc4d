"""Inline Markdown as a reader sees it, and the words in it."""

from __future__ import annotations

import re

_FOOTNOTE = re.compile(r"(?<!\s)\s*\[\^[^\]\s]{1,200}\]")
_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)*)\]\([^()]*\)")
_EMPHASIS = re.compile(r"(?<!\\)(\*\*|\*|`)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)*")
"""A word as a reader sees it: letters and digits, apostrophes within."""


def plain(markdown: str) -> str:
    """Return inline Markdown without footnotes, links and emphasis marks."""
    text = _LINK.sub(r"\1", _FOOTNOTE.sub("", markdown))
    return _ESCAPE.sub(r"\1", _EMPHASIS.sub("", text)).strip()


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, repeats kept."""
    return [word.lower().replace("’", "'") for word in WORD.findall(text)]
