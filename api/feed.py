"""Cases as an Atom feed (RFC 4287), the latest changed first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

from kb.records import StoredCase
from kb.text import plain

_ATOM = "http://www.w3.org/2005/Atom"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no XML document may hold, not even escaped."""
MOST = 50
"""Entries in a feed."""


def atom_feed(
    cases: Sequence[StoredCase], *, title: str, address: str, site: str, built_at: str, told_of: Callable[[StoredCase], Sequence[str]]
) -> bytes:
    """Return the feed of some cases.

    Args:
        cases: any order.
        title: of the feed.
        address: of the feed itself; also its id.
        site: address of the site, without a slash at the end.
        built_at: used as the feed's date when it has no entry.
        told_of: what stands behind the title of a case, such as that it is a draft.
    """
    ET.register_namespace("", _ATOM)
    latest = sorted(cases, key=lambda stored: stored.case.id)
    latest.sort(key=lambda stored: stored.updated, reverse=True)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    _text(feed, "title", title)
    _text(feed, "id", address)
    _text(feed, "updated", latest[0].updated if latest else built_at)
    _element(feed, "link", rel="self", href=address)
    author = _element(feed, "author")
    _text(author, "name", "Premortem")
    for stored in latest[:MOST]:
        page = f"{site}/cases/{stored.case.id}"
        entry = _element(feed, "entry")
        told = ", ".join(told_of(stored))
        _text(entry, "title", f"{stored.case.meta.title} ({told})" if told else stored.case.meta.title)
        _text(entry, "id", page)
        _text(entry, "updated", stored.updated)
        _element(entry, "link", rel="alternate", href=page)
        for category in stored.case.meta.categories:
            _element(entry, "category", term=category)
        prose = stored.case.undertaking or stored.case.story  # a draft may have neither
        _text(entry, "summary", plain(prose[0].text) if prose else stored.case.meta.title)
    document: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def _element(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)


def _text(parent: ET.Element, name: str, text: str) -> None:
    _element(parent, name).text = _NOT_XML.sub("", text)
