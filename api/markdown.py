"""Texts of cases → HTML that is safe to show: raw HTML is off, the result passes through nh3, and nothing turns the page's text around."""

from __future__ import annotations

import re

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from kb.case import INFERRED
from kb.parse import SOURCE_LABEL
from kb.text import plain

# No images: nh3 would take them away, and their nested brackets take quadratic time.
_parser = MarkdownIt("commonmark", {"html": False}).disable("image")
_FOOTNOTE = re.compile(rf"\[\^({SOURCE_LABEL.pattern}|{INFERRED})\]")
_LONGEST = 4_000
"""Longest paragraph read as Markdown, four times the longest of any case here; a hostile one could take minutes."""
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Characters that embed, override or isolate the direction of text: with them, what is read is not what is written."""
_ADDRESS = re.compile(r"https?://|mailto:|#|/(?!/)")
_LINK = re.compile(r'<a((?: [a-z]+="[^"]*")*)>(.*?)</a>', re.DOTALL)
_TAGS = {"a", "code", "em", "strong", "sup"}
_ATTRIBUTES = {"a": {"href", "class", "title"}}


def inline_html(markdown: str) -> Markup:
    """Return one paragraph of inline Markdown as HTML, footnote references as links to `#s1` and `#inferred`."""
    if len(markdown) > _LONGEST:
        return escape(plain(markdown))
    html = _parser.renderInline(markdown)
    html = _FOOTNOTE.sub(lambda match: f'<sup><a class="ref" href="#{match[1]}">{mark(match[1])}</a></sup>', html)
    return Markup(nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=_plain_address, link_rel="noopener"))  # noqa: S704


def _plain_address(_: str, name: str, value: str) -> str | None:
    """Drop addresses that are neither of this site nor plain web or mail addresses: javascript:, data:, other hosts by `//`."""
    return value if name != "href" or _ADDRESS.match(value) else None


def in_new_tab(html: Markup) -> Markup:
    """Return HTML of ours with each link that leaves the page opening a new tab, and saying so, as where leaving would lose a form."""

    def opened(link: re.Match[str]) -> str:
        attributes, said = link.groups()
        if ' href="#' in attributes:
            return link[0]
        return f'<a target="_blank"{attributes}>{said}<span class="vh"> (opens in a new tab)</span></a>'

    # Every link is matched with the whole of its attributes, so that what only looks like one within a title is left alone.
    return Markup(_LINK.sub(opened, html))  # noqa: S704


def mark(label: str) -> str:
    """Return what a source is shown as: its number; its whole label where that is not one of a source, as in the preview of a slip."""
    match = SOURCE_LABEL.fullmatch(label)
    return match[1] if match else "advice" if label == INFERRED else label


def references_html(sources: tuple[str, ...]) -> Markup:
    """Return the trailing footnotes of an item as links."""
    return inline_html("".join(f"[^{source}]" for source in sources))


def unturned(value: object) -> object:
    """Return what a template puts out, without characters that turn the direction of text."""
    return value.translate(_TURNING) if isinstance(value, str) else value
