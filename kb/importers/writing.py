"""Where drafts go: a folder in which nothing that is there is ever damaged, and the same source meets its earlier draft."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from kb._markdown import read_document
from kb.errors import FolderNotWritableError
from kb.importers.draft import draft_text, own_hash
from kb.importers.record import Record
from kb.taxonomy import Taxonomy
from kb.template import slug_of

Did = Literal["drafted", "updated", "unchanged", "edited"]
_WORLD_WIDE = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_WAYBACK = re.compile(r"https?://web\.archive\.org/web/[0-9a-z_*]+/(.+)", re.IGNORECASE)


class Drafts:
    """The drafts in one folder."""

    def __init__(self, folder: Path) -> None:
        """Look at what is there.

        Raises:
            FolderNotWritableError: no drafts can be written there.
        """
        self.folder = folder / "studies" if (folder / "studies").is_dir() else folder
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderNotWritableError(
                f"cannot write to {folder}: {error.strerror}", next_step="give --out a folder of your own"
            ) from error
        if not os.access(self.folder, os.W_OK):
            raise FolderNotWritableError(f"cannot write to {folder}", next_step="give --out a folder of your own")
        self._taken = {path.name.casefold() for path in self.folder.iterdir()}
        self._titles: dict[Path, str] = {}
        self._by_hash: defaultdict[str, list[Path]] = defaultdict(list)
        self._by_key: defaultdict[str, list[Path]] = defaultdict(list)
        self._hashes: dict[Path, str] = {}
        self._dates: dict[Path, str] = {}
        self._claimed: set[Path] = set()
        for path in sorted(self.folder.glob("*.md")):
            self._look_at(path)

    def _look_at(self, path: Path) -> None:
        try:
            front = read_document(path.read_text("utf-8")).front
        except (OSError, UnicodeDecodeError):
            return
        title = str(front.get("title", "")).casefold()
        self._titles[path] = title
        origin = front.get("x_import")
        if isinstance(origin, dict):
            self._hashes[path] = str(origin.get("draft_sha256"))
            self._dates[path] = str(origin.get("imported"))
            self._by_hash[str(origin.get("sha256"))].append(path)
            self._by_key[_key(str(origin.get("id", "")), str(origin.get("url", "")), str(origin.get("file", "")))].append(path)

    def write(self, record: Record, taxonomy: Taxonomy, *, imported: str) -> tuple[Did, Path]:
        """Write the draft of a record, unless it is there already; an earlier one that was edited by hand is left alone.

        Raises:
            UnreadableError: the record makes no case.
            FolderNotWritableError: the draft cannot be written.
        """
        earlier = self._free(self._by_hash[record.sha256])
        if earlier is None:
            earlier = self._free([path for path in self._by_key[_key(record.id, record.url, record.file)] if self._is_of(path, record)])
        if earlier is not None:
            if not self._is_as_written(earlier):
                return "edited", earlier
            del self._titles[earlier]
        record.title = self._own_title(record)
        path = earlier or self.folder / f"{self._slug(record)}.md"
        # The same source may be read otherwise than before: by a corrected mapping, or a later release.
        as_before = earlier is not None and own_hash(draft_text(record, taxonomy, imported=self._dates[earlier])) == self._hashes[earlier]
        if not as_before:
            _put(path, draft_text(record, taxonomy, imported=imported))
        self._claimed.add(path)
        self._taken.add(path.name.casefold())
        self._titles[path] = record.title.casefold()
        if as_before:
            return "unchanged", path
        return ("updated" if earlier else "drafted"), path

    def _is_of(self, path: Path, record: Record) -> bool:
        """Return whether a draft with the same key is of the same post-mortem: two archives may both have an `INC-1`."""
        return bool(_WORLD_WIDE.fullmatch(record.id)) or self._titles[path].startswith(record.title.casefold())

    def _free(self, paths: list[Path]) -> Path | None:
        """Return the first draft that no other record of this run has met, and meet it."""
        found = next((path for path in paths if path not in self._claimed), None)
        if found is not None:
            self._claimed.add(found)
        return found

    def _is_as_written(self, path: Path) -> bool:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return False
        return own_hash(text) == self._hashes[path]

    def _own_title(self, record: Record) -> str:
        """Return the record's title, with what tells it from others of the same title."""
        taken = set(self._titles.values())
        for title in (
            record.title,
            f"{record.title} ({record.id})",
            f"{record.title} ({record.file})",
            f"{record.title} ({record.sha256[:8]})",
        ):
            if title.casefold() not in taken and "()" not in title:
                return title
        return f"{record.title} ({record.sha256})"

    def _slug(self, record: Record) -> str:
        name = slug_of(record.title)
        base = name if len(name) >= 3 else "-".join(part for part in ("case", name, record.sha256[:8]) if part)
        year = next(
            (found[0] for text in [*record.dates, *(moment for moment, _ in record.timeline)] if (found := re.search(r"\d{4}", text))), ""
        )
        candidates = [f"{base}-{year}" if year and year not in base else base]
        candidates += [f"{candidates[0]}-{extra}" for extra in (slug_of(record.id), record.sha256[:8], record.sha256) if extra]
        return next(each for each in candidates if f"{each}.md".casefold() not in self._taken)


def _key(source_id: str, url: str, file: str) -> str:
    """Return by what a record is known again: its id, else its address, else its file."""
    if source_id:
        return f"id {source_id}"
    return f"url {canonical_url(url)}" if url else f"file {file}"


def canonical_url(url: str) -> str:
    """Return an address in the form in which two are compared: without archive, `www.`, fragment and slash at the end."""
    if match := _WAYBACK.match(url.strip()):
        url = match[1]
    if not re.match(r"https?:", url, re.IGNORECASE):
        url = f"https://{url}"
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    return urlunsplit(("https", parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/"), parts.query, ""))


def _put(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        raise FolderNotWritableError(
            f"cannot write {path}: {error.strerror}", next_step="check the folder's permissions and space"
        ) from error
