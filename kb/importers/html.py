"""HTML → Markdown, without scripts and styles."""

from __future__ import annotations

import re
from typing import Any

import nh3
from markdownify import MarkdownConverter

_TAG = re.compile(
    r"</?(?:p|div|br|ul|ol|li|h[1-6]|table|tr|td|th|tbody|span|b|strong|i|em|a|html|body|section|article|font|blockquote|pre)\b[^<>]*>",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"\s*(?><\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b", re.DOTALL | re.IGNORECASE)
_MARKDOWN = re.compile(r"^(?: {0,3}#{1,6}\s|\s{0,3}(?:[-*+]|\d+[.)])\s+\S|\s{0,3}\|.*\|\s*$|\s{0,3}```)", re.MULTILINE)
"""Headings, lists, tables and fences: signs that line ends mean something."""
_START = re.compile(r"\s*<(?:p|div|ul|ol|h[1-6]|table|section|article)\b[^<>]*>", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:p|div|ul|ol|li|h[1-6]|table|tr|td|section|article)>", re.IGNORECASE)
_LEAST_CLOSING = 3
_HIDDEN = re.compile(
    r"<(script|style|noscript|template|head)\b[^>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<!doctype[^>]*>|<\?xml[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_MOST_TAGS = 200_000


def looks_like_html(text: str) -> bool:
    """Return whether a text is marked up in HTML rather than in Markdown with a tag here and there."""
    if _DOCUMENT.match(text):
        return True
    if _MARKDOWN.search(text):
        return False
    return bool(_START.match(text)) or len(_CLOSING.findall(text)) >= _LEAST_CLOSING


_OPTIONS: dict[str, Any] = {
    "heading_style": "atx",
    "bullets": "-",
    "escape_asterisks": False,
    "escape_underscores": False,
    "escape_misc": False,
    "table_infer_header": True,
}


def to_markdown(text: str) -> str:
    """Return the text of some HTML as Markdown; of what cannot be converted, the words alone."""
    shown = _HIDDEN.sub("", text)
    if len(_TAG.findall(shown)) <= _MOST_TAGS:
        try:
            return str(MarkdownConverter(**_OPTIONS).convert(shown)).strip()
        except RecursionError:
            pass
    return nh3.clean(shown, tags=set()).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
