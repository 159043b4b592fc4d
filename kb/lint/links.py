"""Rules on links and HTML: where an address leads, and what a browser could take for more than text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

from kb.errors import Problem
from kb.lint.known import Known
from kb.lint.page import LINK, Page
from kb.parse import CASE_SECTIONS, STRATEGY_SECTIONS
from kb.taxonomy import did_you_mean

_CODE = re.compile(r"`[^`\n]{1,2000}`")
_HTML = re.compile(r"<(?:[A-Za-z][A-Za-z0-9-]{0,30}(?=[\s/>])|/[A-Za-z]|!--|![A-Z]|\?)[^<>\n]{0,2000}>")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):")
_HOST = re.compile(r"https?://[\w\[]", re.IGNORECASE)
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,30}:[^\s<>]{0,2000})>")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_WEB = {"http", "https", "mailto"}
_TARGET = re.compile(r"(?P<path>[^#?]*)(?:\?[^#]*)?(?:#(?P<anchor>.*))?")
_FILE = re.compile(r"(?:(?:\.\.?/)*(?P<folder>studies|strategies)/|\./)?(?P<slug>[^/]+)\.md")
_COMPANIONS = {"../README.md", "../taxonomy.yaml"}
"""Other files of a corpus that a case may point at."""


def html_in_text(page: Page, told: set[int]) -> Iterator[Problem]:
    """Yield the first tag or comment of each line that is not told already."""
    if "<" not in page.text:
        return
    for match in page.found(_HTML, page.prose):
        problem = page.at_offset(
            match.start(), "raw-html", f"{match[0][:40]} is HTML", "write Markdown, or `code` where the tag itself is meant"
        )
        if problem.line not in told:
            told.add(problem.line)
            yield problem


def links(page: Page, known: Known) -> Iterator[Problem]:
    """Yield the links in the text that lead nowhere, or to what is no web page."""
    text = _CODE.sub(lambda match: " " * len(match[0]), page.body)
    prevention = {item.line: item.strategy for item in page.case.prevention if item.strategy} if page.case else {}
    for match in page.found(LINK, text):
        target = _destination(match[2])
        problem = _wrong(page, match.start(2), target, known)
        if problem and not (problem.line in prevention and f"/{prevention[problem.line]}.md" in f"/{target}"):
            yield problem
    if "<" in text:
        for match in page.found(_AUTOLINK, text):
            if not _is_safe(match[1]):
                yield _unsafe(page, match.start(1), match[1])


def _destination(written: str) -> str:
    """Return an address as a browser would read it: entities and percent signs decoded, invisible characters dropped."""
    return _INVISIBLE.sub("", html.unescape(written.removeprefix("<").removesuffix(">")))


def _is_safe(target: str) -> bool:
    scheme = _SCHEME.match(_INVISIBLE.sub("", unquote(target)))
    return scheme is None or scheme[1].lower() in _WEB


def _unsafe(page: Page, offset: int, target: str) -> Problem:
    return page.at_offset(
        offset, "unsafe-link", f"{target[:60]!r} is no web address", "give one that begins with https://, or write the words alone"
    )


def _wrong(page: Page, offset: int, target: str, known: Known) -> Problem | None:
    """Return what is wrong with a link, or None."""
    if not _is_safe(target):
        return _unsafe(page, offset, target)
    if _SCHEME.match(target) and (_HOST.match(target) or not target.lower().startswith("http")):
        return None
    if not target or target.startswith("//") or _SCHEME.match(target):
        message, advice = f"{target!r} is no address", "give one that begins with https://, or write the words alone"
        return page.at_offset(offset, "link", message, advice)
    parts = _TARGET.fullmatch(unquote(target))
    path, anchor = (parts["path"], parts["anchor"]) if parts else (target, None)
    if path in _COMPANIONS:
        return None
    if not path:
        return _wrong_anchor(page, offset, anchor or "", page.headings)
    kind = _kind(page, path)
    match = _FILE.fullmatch(path)
    if not match or not kind:
        message, advice = f"{path[:60]!r} is no file of this corpus", "point at ../strategies/slug.md, slug.md or a web address"
        return page.at_offset(offset, "link", message, advice)
    ids = known.cases if kind == "case" else known.strategies
    if match["slug"] not in ids:
        return page.at_offset(offset, "link", f"no {kind} {match['slug'][:60]!r}", did_you_mean(match["slug"], sorted(ids)))
    sections = CASE_SECTIONS if kind == "case" else STRATEGY_SECTIONS
    return _wrong_anchor(page, offset, anchor, list(sections)) if anchor else None


def _kind(page: Page, path: str) -> str | None:
    """Return what a relative path leads to from this file: a case, a strategy, or None."""
    match = _FILE.fullmatch(path)
    if not match:
        return None
    here = "strategies" if page.strategy else "studies"
    folder = match["folder"] or here
    climbs = path.startswith("../")
    if (folder != here) != climbs and match["folder"]:
        return None
    return "strategy" if folder == "strategies" else "case"


def _wrong_anchor(page: Page, offset: int, anchor: str, names: list[str]) -> Problem | None:
    anchors = [anchor_of(name) for name in names]
    if anchor in anchors:
        return None
    return page.at_offset(offset, "link", f"no section `#{anchor[:60]}`", did_you_mean(anchor, anchors))


def anchor_of(heading: str) -> str:
    """Return the anchor that Markdown hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
