"""Reading a project description: checks, sentences with their places, lexical terms."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from sentencex import get_sentence_boundaries

from indexer.answer import AnswerNotice
from kb.errors import QueryError, QueryTooLongError
from kb.text import words

MAX_CHARACTERS = 50_000
"""About twenty pages. Longer descriptions are refused, never cut silently."""
_MAX_WORDS = 50
"""Longer sentences are split at their commas, since an encoder blurs many statements into one."""
_MIN_WORDS = 3
_MOST_SENTENCES = 150
_WRAPPED = 40
"""A line at least this long, in characters, that ends within a sentence was wrapped; a shorter one is a heading or an entry."""
_FEW_WORDS = 6

STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "down",
        "during",
        "each",
        "few",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "me",
        "might",
        "more",
        "most",
        "must",
        "my",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "per",
        "same",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "upon",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "without",
        "would",
        "you",
        "your",
        "yours",
    ]
)

# Sentences that ask for bids, describe paperwork or praise the organisation say nothing of the project: never a reason, never matched.
_BOILERPLATE = re.compile(
    r"""\b(?:
    looking\ for\ an?\ (?:\w+\ )?(?:partner|vendor|supplier|contractor|consultant|agency|firm|developer|freelancer)
    | (?:request|invitation)\ (?:for|to)\ (?:proposals?|tender|quotations?|bids?)
    | proposals?\ (?:are|is|must\ be)\ due | submit\ (?:your|a|their)\ (?:proposal|bid|quote|tender)
    | proposers?\ (?:have\ to|must|shall|should|will) | presentations\ follow | the\ right\ to\ reject
    | questions?\ (?:about|regarding)\ this\ (?:rfp|request) | (?:evaluated|scored)\ on
    | please\ (?:contact|send|submit|include|provide|feel\ free) | equal\ opportunity | thank\ you\ (?:for|in\ advance)
    | any\ (?:help|advice|thoughts)\ (?:is|are|would\ be|appreciated)
    | (?:late|incomplete)\ (?:offers|bids|proposals|tenders|submissions)
    | (?:bids|offers|proposals|tenders)\ (?:must|shall|should|will)\ (?:be|remain)
    | (?:bidders?|vendors?|offerors?|tenderers?|respondents?|suppliers?)\ (?:shall|must|should|may\ not)
      \ (?:submit|bear|provide\ references|include|complete)
    | governed\ by\ (?:the\ )?(?:\w+\ )?laws? | within\ (?:thirty|sixty|\d+)\ days\ of\ (?:receipt|a\ correct|the\ invoice)
    | (?:was|were)\ founded | founded\ (?:in|by) | (?:is|are)\ a\ (?:world\W)?leading | headquarter(?:s|ed)\ in
    | (?:our|its)\ (?:mission|vision|values|core\ values) | employer\ of\ the\ year | certified\ (?:to|under|according\ to)\ ISO
    | mutual\ respect | at\ the\ heart\ of\ (?:our|everything) | long\Wterm\ partnerships? | record\ (?:results|profits|year)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd\ud800-\udfff]")
_BULLET = re.compile(r"(?:[-*+•–—>#|]+|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s+")
_BREAK = re.compile(r"(?<=[,;:])\s+|(?<!\s)\s+(?:–|—|-)\s+")  # a run of blanks is tried from its start alone: from each it takes its square


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the description, or a part of a long one."""

    text: str
    """Verbatim."""
    start: int
    """Character offset in the description."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Description:
    text: str
    """As given, control characters replaced by blanks, so that offsets hold."""
    sentences: tuple[Sentence, ...]
    """What is matched, in order; boilerplate left out unless there is nothing else."""
    terms: tuple[str, ...]
    """Words for lexical search, function words dropped, repeats kept."""
    notices: tuple[AnswerNotice, ...]

    @property
    def matched(self) -> str:
        """The sentences that are matched, as one text."""
        return " ".join(sentence.text for sentence in self.sentences)


def read_description(raw: str) -> Description:
    """Split a description into what is searched for.

    Raises:
        QueryTooLongError: more than `MAX_CHARACTERS` characters.
        QueryError: empty, or not text.
    """
    if len(raw) > MAX_CHARACTERS:
        raise QueryTooLongError(
            f"the description has {len(raw):,} characters; the limit is {MAX_CHARACTERS:,}",
            next_step="send the part that says what will be done, with which systems, by whom and by when",
        )
    controls = len(_CONTROL.findall(raw))
    if controls > max(8, len(raw) // 50):
        raise QueryError(
            "the description is not readable text: it holds control or undecodable characters",
            next_step="send plain text; for a .docx or .pdf file, paste its text",
        )
    text = _CONTROL.sub(" ", raw)
    all_words = words(text)
    if not all_words:
        raise QueryError("the description is empty", next_step="say in a few sentences what will be done, with which systems and by when")
    parts = [part for sentence in _sentences(text) for part in _parts(sentence)]
    telling = [part for part in parts if not _BOILERPLATE.search(part.text) and len(words(part.text)) >= _MIN_WORDS]
    if len(telling) > _MOST_SENTENCES:
        telling = _windows(telling, text)
    terms = tuple(word for word in all_words if word not in STOP_WORDS)
    return Description(
        text=text,
        sentences=tuple(telling or parts),
        terms=terms or tuple(all_words),
        notices=tuple(_notices(text, all_words, controls)),
    )


def _sentences(text: str) -> list[Sentence]:
    found: list[Sentence] = []
    for boundary in get_sentence_boundaries("en", text):
        start = boundary["start_index"]
        spans: list[tuple[int, int]] = []
        previous = ""
        for line in boundary["text"].splitlines(keepends=True):
            body = line.lstrip()
            marker = _BULLET.match(body)
            begin = start + len(line) - len(body) + (marker.end() if marker else 0)
            start += len(line)
            if spans and not marker and len(previous) >= _WRAPPED and not previous.endswith(":"):
                spans[-1] = (spans[-1][0], start)  # the line before was only wrapped
            elif body.strip():
                spans.append((begin, start))
            previous = line.strip()
        found.extend(Sentence(text[begin:end].rstrip(), begin) for begin, end in spans if text[begin:end].strip())
    return found


def _windows(sentences: list[Sentence], text: str) -> list[Sentence]:
    """Join neighbours into windows of about `_MAX_WORDS` words: of a very long description, sentence by sentence would take too long."""
    windows: list[Sentence] = []
    for sentence in sentences:
        if windows and len(text[windows[-1].start : sentence.end].split()) <= _MAX_WORDS:
            windows[-1] = Sentence(text[windows[-1].start : sentence.end], windows[-1].start)
        else:
            windows.append(sentence)
    return windows


def _parts(sentence: Sentence) -> list[Sentence]:
    """Split a very long sentence into parts of at most about `_MAX_WORDS` words, at commas where there are any; all text is kept."""
    if len(sentence.text.split()) <= _MAX_WORDS:
        return [sentence]
    commas = [match.end() for match in _BREAK.finditer(sentence.text)]
    cuts: list[int] = []
    for begin, end in pairwise([0, *commas, len(sentence.text)]):
        words = [begin + match.end() for match in re.finditer(r"\S+\s*", sentence.text[begin:end])]
        if len(words) > _MAX_WORDS:
            cuts += words[_MAX_WORDS // 2 - 1 : -1 : _MAX_WORDS // 2]
        cuts.append(end)
    cuts.pop()
    starts = [0]
    for cut, following in pairwise([*cuts, len(sentence.text)]):
        part, rest = sentence.text[starts[-1] : cut].split(), sentence.text[cut:].split(maxsplit=_MIN_WORDS)
        # A part of a word or two would say nothing alone.
        if len(sentence.text[starts[-1] : following].split()) > _MAX_WORDS // 2 and min(len(part), len(rest)) >= _MIN_WORDS:
            starts.append(cut)
    ends = [*starts[1:], len(sentence.text)]
    return [Sentence(sentence.text[start:end].rstrip(), sentence.start + start) for start, end in zip(starts, ends, strict=True)]


def _notices(text: str, all_words: list[str], controls: int) -> list[AnswerNotice]:
    notices = []
    if len(all_words) < _FEW_WORDS:
        notices.append(
            AnswerNotice(
                code="short",
                message=f"{len(all_words)} words say little",
                next_step="add what will be done, with which systems, by whom and by when",
            )
        )
    letters = [character for character in text if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    function_words = sum(word in STOP_WORDS for word in all_words)
    if letters and (latin < 0.7 * len(letters) or (len(all_words) >= 8 and function_words < 0.12 * len(all_words))):
        notices.append(
            AnswerNotice(
                code="language",
                message="this does not look like English, which is all the matcher reads",
                next_step="translate the description into English",
            )
        )
    if controls:
        message = f"{controls} control characters were read as blanks"
        notices.append(AnswerNotice(code="control-characters", message=message, next_step="send plain text"))
    return notices
