"""Markdown of cases → HTML that is safe to show: raw HTML is off and the result passes through nh3."""

from __future__ import annotations

import re

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_parser = MarkdownIt("commonmark", {"html": False})
_FOOTNOTE = re.compile(r"\[\^(s(\d+)|inferred)\]")
_TAGS = {"a", "code", "em", "strong", "sup"}
_ATTRIBUTES = {"a": {"href", "class", "title"}}


def inline_html(markdown: str) -> Markup:
    """Return one paragraph of inline Markdown as HTML, footnote references as links to `#s1` and `#inferred`."""
    html = _parser.renderInline(markdown)
    html = _FOOTNOTE.sub(lambda match: f'<sup><a class="ref" href="#{match[1]}">{match[2] or "advice"}</a></sup>', html)
    # nh3 allows only plain schemes, so javascript: and data: links lose their address.
    return Markup(nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel="noopener"))  # noqa: S704


def references_html(sources: tuple[str, ...]) -> Markup:
    """Return the trailing footnotes of an item as links."""
    return inline_html("".join(f"[^{source}]" for source in sources))
