"""Where the host of the first corpus's repository edits a case, and takes a new one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from api.settings import Settings
from kb.corpus import corpus_names, shipped
from kb.records import StoredCase

_MAX_LINK = 7_500
"""Longest address that hosts of repositories take; they refuse one from about 8,000 bytes on."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where a contribution can be proposed."""

    address: str
    is_filled: bool
    """Whether the address carries the text; otherwise it must be pasted."""


def edit_address(settings: Settings, stored: StoredCase) -> str:
    """Return where a case's file is edited in its repository; empty when the settings name none or it lies elsewhere."""
    if not settings.repository or stored.corpus != _corpus(settings):
        return ""
    return _address(settings.repository, "edit", f"{stored.corpus}/{stored.path}")


def propose(settings: Settings, name: str, markdown: str) -> Proposal | None:
    """Return the address where a host of repositories opens an editor for the new file; None when the settings name no repository."""
    if not settings.repository:
        return None
    where = _address(settings.repository, "new", f"{_corpus(settings)}/studies")
    if _is_gitlab(settings.repository):  # takes a name, but leaves its editor empty whatever text the address carries
        return Proposal(f"{where}?{urlencode({'file_name': f'{name}.md'})}", is_filled=False)
    filled = f"{where}?{urlencode({'filename': f'{name}.md', 'value': markdown}, quote_via=quote)}"
    if len(filled) <= _MAX_LINK:
        return Proposal(filled, is_filled=True)
    return Proposal(f"{where}?{urlencode({'filename': f'{name}.md'})}", is_filled=False)


def _corpus(settings: Settings) -> str:
    return corpus_names(settings.cases or (shipped("cases"),))[0]


def _address(repository: str, action: str, path: str) -> str:
    base = repository.rstrip("/").removesuffix(".git")
    return f"{base}/{'-/' if _is_gitlab(repository) else ''}{action}/main/{path}"


def _is_gitlab(repository: str) -> bool:
    return "gitlab" in (urlsplit(repository).hostname or "")
