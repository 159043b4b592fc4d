"""The error tree: every error says what is wrong and what to do next.

PremortemError
├── InvalidCasesError      one or more files of a corpus break the format
├── CorpusError            a corpus folder is missing or cannot be read
├── NotFoundError          no case, strategy or category has this id
├── CaseExistsError        a new file would take the place of an existing one
├── QueryError             a description cannot be searched
│   ├── QueryTooLongError  it is longer than the stated limit
│   └── FilterError        a filter names an unknown facet or value
├── IndexUnavailableError  the index cannot answer
│   ├── IndexMissingError  there is none yet
│   ├── IndexDamagedError  files are missing, foreign or fail their checksum
│   ├── IndexFormatError   it was written by a newer or an older release
│   └── IndexLockedError   another process is building it
├── EncoderError           the embedding model cannot be loaded or does not fit the index
├── MissingExtraError      a library of an optional extra is not installed
├── SettingsError          a setting or environment variable is wrong
├── FolderNotWritableError a folder that must be written to cannot be
└── ServerError            the server cannot start or answer
    ├── PortInUseError     another program listens on the port
    └── OverloadedError    too many requests are under way
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """One thing wrong in one place of a corpus file."""

    source: str
    """Path of the file, as the user gave it."""
    line: int
    """1-based line."""
    column: int = 1
    """1-based, in characters."""
    rule: str
    """Id of a rule of `kb.lint.rules`."""
    message: str
    advice: str
    """What to write instead."""
    severity: Severity = "error"
    """A warning is no obstacle: the file may be published, or is a draft that may have gaps."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column} {self.rule} {self.message} → {self.advice}"


class PremortemError(Exception):
    """Root of all errors a user may see."""

    code = "premortem-error"

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


class InvalidCasesError(PremortemError):
    code = "invalid-cases"

    def __init__(self, problems: Sequence[Problem], *, next_step: str | None = None) -> None:
        files = len({problem.source for problem in problems})
        super().__init__(
            f"{len(problems)} problem{'s' * (len(problems) != 1)} in {files} file{'s' * (files != 1)}",
            next_step=next_step or "mend the files listed, or index the good cases alone with --skip-invalid",
        )
        self.problems = tuple(problems)


class CorpusError(PremortemError):
    code = "corpus-unreadable"


class NotFoundError(PremortemError):
    code = "not-found"


class CaseExistsError(PremortemError):
    code = "case-exists"


class QueryError(PremortemError):
    code = "bad-query"


class QueryTooLongError(QueryError):
    code = "query-too-long"


class FilterError(QueryError):
    code = "bad-filter"


class IndexUnavailableError(PremortemError):
    code = "index-unavailable"


class IndexMissingError(IndexUnavailableError):
    code = "index-missing"


class IndexDamagedError(IndexUnavailableError):
    code = "index-damaged"


class IndexFormatError(IndexUnavailableError):
    code = "index-format"


class IndexLockedError(IndexUnavailableError):
    code = "index-locked"


class EncoderError(PremortemError):
    code = "encoder"


class MissingExtraError(PremortemError):
    code = "missing-extra"


class SettingsError(PremortemError):
    code = "bad-setting"


class FolderNotWritableError(PremortemError):
    code = "folder-not-writable"


class ServerError(PremortemError):
    code = "server"


class PortInUseError(ServerError):
    code = "port-in-use"


class OverloadedError(ServerError):
    code = "overloaded"
