"""What a search returns: the same from the command line, the API and the pages, byte for byte."""

from __future__ import annotations

from typing import Literal

import msgspec

Band = Literal["strong", "related", "weak"]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a case was found: two verbatim texts that met."""

    query: str
    """Sentence of the description."""
    query_start: int
    """Character offset of `query` in the description."""
    query_end: int
    lead: str
    """The point of the case's item in a few words; empty for prose."""
    passage: str
    """Verbatim text of the case."""
    kind: str
    tag: str | None
    line: int
    """Line of the passage in the case's file."""


class FoundCase(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    band: Band
    probability: float
    """Calibrated probability that a reader would call the case strongly useful, 0 to 1."""
    corpus: str
    status: str
    organisation: str | None
    years: str | None
    industry: str
    undertaking: str
    categories: tuple[str, ...]
    phase: str
    outcome: str
    evidence: str
    impact: str
    """First impact of the case; empty when none is recorded."""
    reasons: tuple[Reason, ...]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A case that points at a strategy, and where."""

    case: str
    title: str
    corpus: str
    status: str
    line: int
    text: str
    inferred: bool


class RankedStrategy(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    phase: str
    """When to act."""
    effort: str
    roles: tuple[str, ...]
    addresses: tuple[str, ...]
    score: float
    evidence: tuple[Evidence, ...]


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """An early-warning sign that the teams of the matched cases saw."""

    text: str
    detail: str
    phase: str
    cases: tuple[str, ...]


class AnswerNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Something the reader of an answer should know about the description or the index."""

    code: str
    message: str
    next_step: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    generation: str
    verdict: Literal["close", "nothing-close"]
    n_cases: int
    """Cases that were searched, after filters."""
    cases: tuple[FoundCase, ...]
    strategies: tuple[RankedStrategy, ...]
    signs: tuple[Sign, ...]
    notices: tuple[AnswerNotice, ...]


class SimilarCase(msgspec.Struct, frozen=True, kw_only=True):
    """A neighbour of a case, with the statements that are most alike."""

    id: str
    title: str
    corpus: str
    status: str
    shared_categories: tuple[str, ...]
    ours: str
    theirs: str
    line: int
    """Line of `theirs` in the neighbour's file."""
