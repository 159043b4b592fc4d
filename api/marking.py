"""The words that two texts share, marked in both, so that a reader sees at once why they were put side by side."""

from __future__ import annotations

import re
from html import unescape

import Stemmer
from markupsafe import Markup, escape

from indexer.description import STOP_WORDS
from kb.text import WORD, plain

# A tag, an entity or a word. Tags come first and whole, quoted attributes included, so that nothing inside one is marked.
_TOKEN = re.compile(rf"""<(?:"[^"]*"|[^">])*>|&\#?\w+;|{WORD.pattern}""")


def shared_stems(one: str, other: str) -> frozenset[str]:
    """Return the stems of the content words that two texts of inline Markdown have in common."""
    return frozenset(_stems(plain(one)).values()) & frozenset(_stems(plain(other)).values())


def marked(text: str | Markup, stems: frozenset[str]) -> Markup:
    """Return a text, escaped unless it is HTML already, with a `mark` around each word of these stems."""
    html = str(escape(text))
    if not stems:
        return Markup(html)  # noqa: S704  # escaped above, or HTML that was safe before
    known = _stems(unescape(html))

    def mark(found: re.Match[str]) -> str:
        return f"<mark>{found[0]}</mark>" if known.get(found[0]) in stems else found[0]

    return Markup(_TOKEN.sub(mark, html))  # noqa: S704  # only marks were added, and never inside a tag


def _stems(text: str) -> dict[str, str]:
    """Return content word as written → stem."""
    written = [word for word in dict.fromkeys(WORD.findall(text)) if word.lower() not in STOP_WORDS]
    # A stemmer of its own: one must not be used by two threads at once, and making one takes a microsecond.
    return dict(zip(written, Stemmer.Stemmer("english").stemWords([word.lower().replace("’", "'") for word in written]), strict=True))
