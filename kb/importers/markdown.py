"""Post-mortems that are one document each: Markdown and its relatives, with or without front matter."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from kb.case import CaseMeta
from kb.importers.data import read_yaml
from kb.importers.fields import fill_fields
from kb.importers.html import looks_like_html, to_markdown
from kb.importers.prose import fill_prose, has_sections
from kb.importers.record import STATEMENTS, Record, plain_data
from kb.importers.source import MOST_DOCUMENT, SourceFile, UnreadableError

PROSE = {
    "",
    ".md",
    ".markdown",
    ".mdown",
    ".mkd",
    ".mdx",
    ".qmd",
    ".rmd",
    ".txt",
    ".text",
    ".rst",
    ".adoc",
    ".asciidoc",
    ".asc",
    ".org",
    ".html",
}
PROSE |= {".htm", ".xhtml", ".wiki", ".mediawiki", ".textile", ".creole"}
_FRONT = re.compile(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"(?:```+\s*toml\s*\n(.*?)\n```+[ \t]*(?:\n|\Z)|\+\+\+[ \t]*\n(.*?)\n\+\+\+[ \t]*(?:\n|\Z))", re.DOTALL)
_ID = re.compile(r"([A-Z]{2,12}-\d{1,8}|[A-Za-z]{2,12}[-_ ]?\d{2,8}(?:[-_]\d{1,6})?)(?=$|[\s_–—:.-])")
_FIELDS = {"industry", "undertaking", "categories", "phase", "outcome", "evidence", "status"}


class MarkdownImporter:
    """Headings by the alias table, whatever the template: Google SRE, Atlassian, PagerDuty, GitLab, Kubernetes, DFDS and others."""

    def __init__(self, name: str = "markdown") -> None:
        self.name = name

    def recognises(self, file: SourceFile) -> bool:
        return file.suffix in PROSE or (file.suffix not in _DATA and has_sections(file.text[:MOST_DOCUMENT]))

    def read(self, file: SourceFile) -> Iterator[Record | UnreadableError]:
        yield read_document(self.name, file)


_DATA = {
    ".json",
    ".jsonl",
    ".ndjson",
    ".yaml",
    ".yml",
    ".csv",
    ".tsv",
    ".toml",
    ".xml",
    ".log",
    ".py",
    ".sh",
    ".js",
    ".ts",
    ".go",
    ".java",
    ".c",
    ".h",
}
_DATA |= {".rs", ".rb", ".php", ".sql", ".css", ".ini", ".cfg", ".conf", ".lock", ".svg", ".tf", ".ps1", ".bat"}


def read_document(name: str, file: SourceFile) -> Record:
    """Return the post-mortem in a document.

    Raises:
        UnreadableError: it is too long, a template, one of our own cases, or holds no text.
    """
    text = file.text
    if len(text) > MOST_DOCUMENT:
        raise UnreadableError(f"longer than {MOST_DOCUMENT:,} characters")
    front, body = split_front(text)
    if is_own(front):
        raise UnreadableError("already a case of Premortem")
    record = Record(name, file.name, file.sha256)
    record.evidence = "company-postmortem"
    markup = body
    if looks_like_html(body) or (file.suffix in {".html", ".htm", ".xhtml"} and "<" in body):
        record.title = _html_title(body)
        markup = to_markdown(body)
    record.original = f"{text[: len(text) - len(body)] if front is not None else ''}\n{markup}"
    fill_fields(record, front or {})
    record.consumed += ["toml"]  # the fence of front matter
    fill_prose(record, markup, org=file.suffix == ".org")
    if match := _ID.match(file.stem):
        record.id = record.id or match[1]
    record.title = record.title or " ".join(re.sub(r"[_]+", " ", file.stem).split())
    if "template" in file.stem.lower() and len(record.timeline) < 2 and not any(getattr(record, name) for name in STATEMENTS):
        raise UnreadableError("a template that nobody has filled in")
    if record.is_empty:
        raise UnreadableError("no section of a post-mortem has any text")
    return record


def split_front(text: str) -> tuple[dict[str, Any] | None, str]:
    """Return front matter and body of a document; None when it has no front matter that can be read."""
    start = text.lstrip("\n")
    if match := _FRONT.match(start):
        try:
            value = read_yaml(match[1])
        except UnreadableError:
            return None, start
        return (value, start[match.end() :]) if isinstance(value, dict) else (None, start)
    if match := _TOML.match(start):
        try:
            return plain_data(tomllib.loads(match[1] or match[2])), start[match.end() :]
        except (tomllib.TOMLDecodeError, RecursionError):
            return None, start
    return None, start


def is_own(front: dict[str, Any] | None) -> bool:
    """Return whether front matter is that of a case of ours."""
    return front is not None and len(_FIELDS & set(front)) >= 4 and set(front) <= {*CaseMeta.__struct_fields__}


def _html_title(text: str) -> str:
    match = re.search(r"<title[^>]*>(.*?)</title>", text, re.DOTALL | re.IGNORECASE)
    return " ".join(to_markdown(match[1]).split()) if match and not re.search(r"<h1\b", text, re.IGNORECASE) else ""
