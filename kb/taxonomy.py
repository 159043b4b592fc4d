"""The controlled vocabularies: which words front matter and tags may use."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml
from rapidfuzz import fuzz, process

from kb.errors import CorpusError, NotFoundError

_LEAST_PART = 4
"""Shorter words are part of too many terms to say anything."""
_MOST_NAMED = 40
"""Words listed where none is near: a whole vocabulary, but ids of cases and strategies go into the hundreds."""


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    definition: str
    examples: tuple[str, ...]
    since: str
    """Date on which the term entered the vocabulary."""
    aliases: tuple[str, ...] = ()
    """Earlier ids of the same term."""


class Taxonomy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every vocabulary, terms in their order of display."""

    undertaking: tuple[Term, ...]
    category: tuple[Term, ...]
    phase: tuple[Term, ...]
    outcome: tuple[Term, ...]
    evidence: tuple[Term, ...]
    status: tuple[Term, ...]
    effort: tuple[Term, ...]
    role: tuple[Term, ...]
    industry: tuple[Term, ...]
    system: tuple[Term, ...]

    def terms(self, vocabulary: str) -> tuple[Term, ...]:
        """Return a vocabulary's terms in order. Raises AttributeError for a name that is no vocabulary."""
        terms: tuple[Term, ...] = getattr(self, vocabulary)
        return terms

    def ids(self, vocabulary: str) -> list[str]:
        return [term.id for term in self.terms(vocabulary)]

    def term(self, vocabulary: str, term_id: str) -> Term:
        """Return one term.

        Raises:
            NotFoundError: no such term; names the nearest.
        """
        for term in self.terms(vocabulary):
            if term.id == term_id:
                return term
        raise NotFoundError(f"no {vocabulary} {term_id!r}", next_step=did_you_mean(term_id, self.ids(vocabulary)))

    def name(self, vocabulary: str, term_id: str) -> str:
        """Return the display name of a term, or the id itself when it is unknown."""
        return next((term.name for term in self.terms(vocabulary) if term.id == term_id), term_id)

    def aliases(self, vocabulary: str) -> dict[str, str]:
        """Return earlier id → present id of the terms that were renamed."""
        return {alias: term.id for term in self.terms(vocabulary) for alias in term.aliases}

    def order(self, vocabulary: str, term_id: str) -> int:
        """Return the rank of a term in its vocabulary; unknown ones come last."""
        ids = self.ids(vocabulary)
        return ids.index(term_id) if term_id in ids else len(ids)

    def extended(self, other: Taxonomy) -> Taxonomy:
        """Return this taxonomy with the terms of `other` that it lacks."""
        merged = {}
        for vocabulary in self.__struct_fields__:
            known = set(self.ids(vocabulary))
            merged[vocabulary] = self.terms(vocabulary) + tuple(t for t in other.terms(vocabulary) if t.id not in known)
        return Taxonomy(**merged)


def nearest(word: str, words: list[str]) -> str | None:
    """Return the word most like `word`, or None when nothing is alike."""
    best = process.extractOne(word.lower(), words, scorer=_likeness, score_cutoff=70)
    return best[0] if best else None


def _likeness(word: str, term: str, **_: object) -> float:
    """Return 0 to 100: likeness of a word to a term, to one of the words it is made of, or as a part of it."""
    contained = 90.0 if len(word) >= _LEAST_PART and word in term else 0.0
    return max(contained, *(fuzz.ratio(word, part) for part in (term, *term.split("-"))))


def did_you_mean(word: str, words: list[str]) -> str:
    """Return a hint naming the nearest word; where none is near, listing the first few and how many more there are."""
    near = nearest(word, words)
    if near:
        return f"did you mean {near!r}?"
    if not words:
        return "there is none to choose from"
    more = f" and {len(words) - _MOST_NAMED} more" * (len(words) > _MOST_NAMED)
    return f"use one of: {', '.join(words[:_MOST_NAMED])}{more}"


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy file.

    Raises:
        CorpusError: missing, not YAML, or not in the form of a taxonomy.
    """
    try:
        raw = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for terms in (raw or {}).values():
            for term in terms:
                term["since"] = str(term.get("since", ""))
        return msgspec.convert(raw, Taxonomy)
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}", next_step="give a folder that holds taxonomy.yaml") from error
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, AttributeError, TypeError) as error:
        raise CorpusError(f"{path} is not a taxonomy: {error}", next_step="compare it with cases/taxonomy.yaml") from error
