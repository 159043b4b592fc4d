"""HTML → Markdown, without scripts and styles."""

from __future__ import annotations

import re

import nh3
from markdownify import MarkdownConverter

_TAG = re.compile(
    r"</?(?:p|div|br|ul|ol|li|h[1-6]|table|tr|td|th|tbody|span|b|strong|i|em|a|html|body|section|article|font|blockquote|pre)\b[^<>]*>",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"<(?:p|div|br|ul|ol|li|h[1-6]|table|html|body|section|article|!doctype)\b[^<>]*>", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<(script|style|noscript|template|head)\b[^>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<!doctype[^>]*>|<\?xml[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_MOST_TAGS = 200_000


def looks_like_html(text: str) -> bool:
    """Return whether a text is marked up in HTML rather than Markdown with a tag here and there."""
    start = text.lstrip()[:200].lower()
    return (
        start.startswith(("<!doctype html", "<html"))
        or (bool(_BLOCK.search(text)) and start.startswith("<"))
        or len(_BLOCK.findall(text)) >= 3
    )


class _Converter(MarkdownConverter):  # type: ignore[misc]  # it has no types
    class DefaultOptions(MarkdownConverter.DefaultOptions):  # type: ignore[misc]
        heading_style = "atx"
        bullets = "-"
        escape_asterisks = False
        escape_underscores = False
        escape_misc = False
        autolinks = True
        table_infer_header = True


def to_markdown(text: str) -> str:
    """Return the text of some HTML as Markdown; of what cannot be converted, the words alone."""
    shown = _HIDDEN.sub("", text)
    if len(_TAG.findall(shown)) <= _MOST_TAGS:
        try:
            return str(_Converter().convert(shown)).strip()
        except RecursionError:
            pass
    return nh3.clean(shown, tags=set()).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
