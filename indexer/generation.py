"""Index generations: complete folders that appear at once, are verified by checksum, and are pruned.

INDEX/current               name of the generation that answers; replaced by one rename
INDEX/<content hash>/       manifest.json, store.sqlite, cases.faiss, headlines.faiss, passages.faiss, strategies.faiss, map.npy
INDEX/exports/<weights>/    the exported model
INDEX/embeddings.sqlite     embeddings by text, so that an unchanged text is never encoded twice
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from indexer.encoder import Fingerprint
from kb.errors import (
    FolderNotWritableError,
    IndexDamagedError,
    IndexFormatError,
    IndexLockedError,
    IndexMissingError,
    IndexUnavailableError,
)

FORMAT = 2
KEPT = 2
"""Generations kept, the current one included."""
STORE = "store.sqlite"
MAP = "map.npy"
_MANIFEST = "manifest.json"
_CURRENT = "current"
_NAME = re.compile(r"[0-9a-f]{16}(?:-\d+)?")


class CorpusStamp(msgspec.Struct, frozen=True, kw_only=True):
    """A corpus as it was when it was indexed."""

    name: str
    folder: str
    files: dict[str, str]
    """Path inside the folder → sha256."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    generation: str
    """Content hash: the same corpora, encoder and release give the same name."""
    built_at: str
    encoder: Fingerprint
    model: str
    """Setting the encoder was chosen by: a model folder, or empty for the packaged one."""
    model_name: str
    corpora: tuple[CorpusStamp, ...]
    skipped: tuple[str, ...]
    """Invalid files that were left out."""
    lenient: bool = False
    """Whether plain post-mortems were read, too."""
    made_with: str = ""
    """sha256 of what the release adds to the corpora, see `indexer.build.release_digest`."""
    counts: dict[str, int]
    checksums: dict[str, str]
    """File → sha256."""


def current_generation(index: Path) -> tuple[Path, Manifest]:
    """Return the folder and manifest of the generation that answers.

    Raises:
        IndexMissingError: there is none.
        IndexFormatError: it was written by another release.
        IndexDamagedError: what is there is not a whole generation.
    """
    build = "run `premortem index`"
    try:
        name = (index / _CURRENT).read_text("utf-8").strip()
    except FileNotFoundError:
        if index.is_dir() and any(index.iterdir()) and not (index / "exports").is_dir():
            raise IndexDamagedError(
                f"{index} is not a Premortem index", next_step="give --index (PREMORTEM_INDEX) a folder of its own, then `premortem index`"
            ) from None
        raise IndexMissingError(f"there is no index in {index} yet", next_step=f"run `premortem index --index {index}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamagedError(f"{index / _CURRENT} cannot be read: {error}", next_step=build) from error
    folder = index / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise IndexDamagedError(f"{index / _CURRENT} names {name!r}, which is not there", next_step=build)
    return folder, read_manifest(folder)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a generation.

    Raises:
        IndexFormatError: written by another release.
        IndexDamagedError: missing, unreadable or not a manifest, or a file it lists is missing.
    """
    rebuild = "run `premortem index --rebuild`"
    try:
        data = (folder / _MANIFEST).read_bytes()
        found = msgspec.json.decode(data, type=dict)
        if found.get("format") != FORMAT:
            newer = isinstance(found.get("format"), int) and found["format"] > FORMAT
            raise IndexFormatError(
                f"the index has format {found.get('format')!r}; this release reads {FORMAT}",
                next_step="upgrade premortem, or run `premortem index --rebuild`" if newer else rebuild,
            )
        manifest = msgspec.convert(found, Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise IndexDamagedError(f"{folder / _MANIFEST} is damaged: {error}", next_step=rebuild) from error
    for name in manifest.checksums:
        if not (folder / name).is_file():
            raise IndexDamagedError(f"the index is half-written: {folder / name} is missing", next_step=rebuild)
    return manifest


def damaged_files(folder: Path, manifest: Manifest) -> list[str]:
    """Return the files of a generation whose checksum does not fit."""
    return [name for name, sha256 in manifest.checksums.items() if not (folder / name).is_file() or file_sha256(folder / name) != sha256]


def file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def write_lock(index: Path, *, wait_s: float) -> Iterator[None]:
    """Hold the right to change an index folder, creating the folder.

    Raises:
        FolderNotWritableError: it cannot be written to.
        IndexLockedError: another process kept the right for `wait_s` seconds.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=index):
            pass
    except OSError as error:
        raise FolderNotWritableError(
            f"cannot write to {index}: {error.strerror}", next_step="give a folder you may write to with --index or PREMORTEM_INDEX"
        ) from error
    lock = FileLock(index / ".lock")
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as error:
        raise IndexLockedError(f"another process is building {index}", next_step="wait for it to end, then try again") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def building_folder(index: Path) -> Iterator[Path]:
    """Give an empty folder to build in; remove it and what killed builds left. Call under `write_lock`."""
    for left in index.glob(".building-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=index))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(index: Path, building: Path, manifest: Manifest) -> None:
    """Make a finished folder the current generation. A crash at any moment leaves the earlier one answering."""
    checksums = {path.name: file_sha256(path) for path in sorted(building.iterdir())}
    manifest = msgspec.structs.replace(manifest, checksums=checksums)
    (building / _MANIFEST).write_bytes(_encoded(manifest))
    for path in building.iterdir():
        _sync(path)
    _sync(building)
    folder, number = index / manifest.generation, 2
    while folder.exists():  # damaged, or asked to be rebuilt: it may be the one that answers, so it stays until the new one does
        folder, number = index / f"{manifest.generation}-{number}", number + 1
    building.rename(folder)
    point_to(index, folder.name)
    prune(index, folder.name)


def restate(folder: Path, manifest: Manifest) -> None:
    """Give a finished generation another manifest, by one rename: the same content, from elsewhere."""
    _replace(folder / _MANIFEST, _encoded(manifest))


def point_to(index: Path, folder_name: str) -> None:
    """Let `current` name another generation, by one rename."""
    _replace(index / _CURRENT, f"{folder_name}\n".encode())


def whole_generation(index: Path, generation: str) -> tuple[Path, Manifest] | None:
    """Return an undamaged generation of this content hash, the latest first, or None."""
    folders = [path for path in index.glob(f"{generation}*") if _NAME.fullmatch(path.name)]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            manifest = read_manifest(folder)
        except IndexUnavailableError:
            continue
        if not damaged_files(folder, manifest):
            return folder, manifest
    return None


def prune(index: Path, current: str) -> None:
    """Remove all but the current generation and the latest others."""
    others = [path for path in index.iterdir() if _NAME.fullmatch(path.name) and path.name != current]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [*others[KEPT - 1 :], *index.glob(".building-*")]:
        shutil.rmtree(old, ignore_errors=True)


def _encoded(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def _replace(path: Path, data: bytes) -> None:
    """Write a file beside and rename it over: whoever reads finds the one or the other, whole."""
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(data)
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":  # which cannot open a folder, and keeps its entries safe itself
        return
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
