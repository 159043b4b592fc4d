"""Files as an importer sees them: found, decoded, and refused with a reason where they hold no text."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

MOST_BYTES = 400_000_000
"""Larger files are skipped; a whole export of reports fits."""
MOST_DOCUMENT = 4_000_000
"""Most characters of a file that is one post-mortem; a longer one is a log or an archive."""
_NO_POSTMORTEM = re.compile(
    r"(readme|licen[cs]e|licen[cs]e-\w+|copying|notice|authors|contributing|code.of.conduct|changelog|security|codeowners|makefile|dockerfile)"
    r"(\.\w+)?",
    re.IGNORECASE,
)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x84\x86-\x9f\ufeff]")
_MOST_CONTROL = 0.02
"""Share of control characters above which a file is no text."""


class UnreadableError(Exception):
    """A file, or a record of one, cannot become a draft; the message says why."""


@contextmanager
def whatever_is_wrong() -> Iterator[None]:
    """Turn errors that nobody foresaw into UnreadableError: one odd file must not cost the others."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError) as error:
        said = " ".join(str(error).split())[:120]
        raise UnreadableError(f"could not be read ({type(error).__name__}: {said})") from error


@dataclass
class SourceFile:
    """One file of the archive that is imported."""

    path: Path
    name: str
    """Address inside the imported folder, with forward slashes."""
    chosen: bool = False
    """Whether the user named this very file."""
    notes: list[str] = field(default_factory=list)

    @cached_property
    def data(self) -> bytes:
        """Raises UnreadableError: not a file that can be read, empty, or too large."""
        try:
            if self.path.stat().st_size > MOST_BYTES:
                raise UnreadableError(f"larger than {MOST_BYTES // 1_000_000} MB")
            data = self.path.read_bytes()
        except OSError as error:
            raise UnreadableError(f"cannot be read: {error.strerror}") from error
        if not data.strip():
            raise UnreadableError("empty")
        return data

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def text(self) -> str:
        """The file's text with `\\n` line ends and without control characters.

        Raises:
            UnreadableError: it holds no text.
        """
        text, encoding = decoded(self.data)
        if encoding:
            self.notes.append(f"{self.name}: read as {encoding}, since it is not UTF-8")
        return text

    @property
    def suffix(self) -> str:
        """The extension in lower case; empty where what follows the last dot is no extension."""
        suffix = self.path.suffix.lower()
        return suffix if re.fullmatch(r"\.\w{1,10}", suffix) else ""

    @property
    def stem(self) -> str:
        return self.path.name.removesuffix(self.path.suffix) if self.suffix else self.path.name


def decoded(data: bytes) -> tuple[str, str]:
    """Return the text of some bytes and, where it had to be guessed, its encoding.

    Raises:
        UnreadableError: the bytes are no text.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "")
    guessed = ""
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding.startswith("utf-") and encoding != "utf-8-sig":
            raise UnreadableError("binary") from None
        guessed = "cp1252"
        text = data.decode(guessed, "replace")
    text = _ANSI.sub(
        "", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n").replace("\x85", "\n")
    )
    cleaned = _CONTROL.sub("", text)
    if len(text) - len(cleaned) > _MOST_CONTROL * len(text) or (guessed and b"\x00" in data):
        raise UnreadableError("binary")
    if not cleaned.strip():
        raise UnreadableError("empty")
    return cleaned, guessed


def files_of(path: Path, *, leave_out: Path | None = None) -> Iterator[SourceFile]:
    """Yield the files of a folder, or the file itself, sorted by address, so that nothing depends on the file system.

    Args:
        path: a file or a folder.
        leave_out: a folder inside it that is not searched: where the drafts go.
    """
    if path.is_file():
        yield SourceFile(path, path.name, chosen=True)
        return
    found = []
    for each in path.rglob("*"):
        parts = each.relative_to(path).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and each.is_file() and not (leave_out and each.resolve().is_relative_to(leave_out.resolve())):
            found.append(("/".join(parts), each))
    for name, each in sorted(found):
        yield SourceFile(each, name)


def is_no_postmortem(file: SourceFile) -> bool:
    """Return whether a file's name says that it is about the archive, not part of it."""
    return not file.chosen and bool(_NO_POSTMORTEM.fullmatch(file.path.name))
