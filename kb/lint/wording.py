"""Rules on wording: figures with their source, no blame, advice as advice, no gap left."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from kb.case import INFERRED, TODO, Item, is_gap, items_of
from kb.errors import Problem
from kb.lint._words import IMPERATIVES
from kb.lint.page import Page, lowered
from kb.text import plain

_ABILITY = "tell what was done, and what made it seem right at the time"
_CULPRIT = "tell which conditions made it possible; there are several contributing factors and no culprit"
_ERROR = "tell what made the mistake likely: the screen, the procedure, the hour"
_HINDSIGHT = "tell what was known then, and what could have shown it"


class _Blame(msgspec.Struct, frozen=True):
    """Words for what persons are. What one party says of another is a fact ("the vendor blamed the airline") and not among them."""

    stems: str
    """The patterns are tried only where one of these stands: nearly every file holds none."""
    pattern: str
    advice: str
    reported: bool = False
    """Whether a dispute may report it."""


_BLAME = [
    _Blame(
        "incompeten stupid idiot moron laz careless slopp reckless foolish clueless amateurish inept dumb",
        r"incompeten(?:t|ce|tly)|stupid(?:ity|ly)?|idiot(?:s|ic|ically)?|moron(?:s|ic)?|laz(?:y|ily|iness)|careless(?:ly|ness)?"
        r"|slopp(?:y|ily|iness)|reckless(?:ly|ness)?|foolish(?:ly|ness)?|clueless|amateurish(?:ly)?|inept(?:itude|ly)?|dumb",
        _ABILITY,
    ),
    _Blame(
        "negligen irresponsib unprofessional ignoran arrogan shoddy pathetic disgraceful shameful ridiculous",
        # Negligent misrepresentation is what a court finds.
        r"negligen(?:t(?! misrepresentation)|tly|ce)|irresponsib(?:le|ly)|unprofessional(?:ly)?|ignoran(?:t|ce)|arrogan(?:t|ce|tly)"
        r"|shoddy|pathetic|disgraceful|shameful|ridiculous",
        _ABILITY,
    ),
    _Blame(
        "botch blunder bungl screw mess_up messed_up messes_up",
        r"botch(?:ed|es|ing)?|blunder(?:s|ed|ing)?|bungl(?:ed|es|ing)|(?:screw|mess)(?:ed|es|s)? up",
        _ABILITY,
    ),
    _Blame("culprit scapegoat bad_apple wrongdoer", r"culprits?|scapegoats?|bad apples?|wrongdoers?", _CULPRIT),
    _Blame(
        "to_blame at_fault his_fault her_fault their_fault whose_fault own_fault the_fault_of",
        r"(?:is|are|was|were|be) (?:solely |entirely |largely |mainly )?to blame|at fault"
        r"|(?:his|her|their|whose) (?:own )?fault|the fault of",
        _CULPRIT,
        reported=True,
    ),
    _Blame(
        "human_err user_err operator_err pilot_err driver_err engineer_err developer_err administrator_err staff_err individual_err",
        # "Complaints were closed as user error" tells of blame, it does not lay it.
        r"(?<!\bas )(?<![“\"])(?:human|user|operator|pilot|driver|engineer|developer|administrator|staff|individual) errors?",
        _ERROR,
    ),
    _Blame(
        "have_known have_noticed have_seen have_realised have_realized have_foreseen",
        r"should (?:simply |just |clearly |obviously |easily )?have (?:known|noticed|seen|realised|realized|foreseen)",
        _HINDSIGHT,
    ),
    _Blame("inexcusabl unforgivabl no_excuse", r"inexcusabl[ey]|unforgivabl[ey]|no excuse", _HINDSIGHT),
    _Blame(
        "to_think to_care to_bother not_think not_care not_bother their_job his_job her_job",
        r"(?:failed to|did not) (?:think|care|bother|do (?:their|his|her) job)",
        _HINDSIGHT,
    ),
]
_BLAMING = [(tuple(stem.replace("_", " ") for stem in each.stems.split()), each, re.compile(rf"\b(?:{each.pattern})\b")) for each in _BLAME]

# Not after a letter, slash or hyphen: S3, AS/400 and COBOL-85 are names.
_FIGURE = re.compile(
    r"(?<![\w/.-])[$€£¥]?\d"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|fifty|hundreds? of|thousands? of|several|half a) "
    r"(?:hundred|thousand|million|billion|percent|per cent|dollars|euros|pounds)\b"
)
_CITED = re.compile(r"\[\^[^\]\s]{1,200}\]")

_MODAL = re.compile(
    r"\b(?:consider|could|would|should|might|may|must|needs?|ought|can|cannot|will|worth|better|advisable)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.;!?])\s+")
_CLAUSE = re.compile(r"(?<=[.:;,])\s+")
# "Compare what was sent with what was received" asks; "the desks were never asked" tells.
_TOLD = re.compile(r"\b(?<!what )(?<!who )(?<!which )(?<!that )(?<!when it )(?:was|were|had|did)\b")
_PAST = re.compile(
    r"\b(?:was|were|had|did|been)\b|\b(?!need|unneed)[a-z]{3,20}ed\b(?= (?:the|a|an|no|not|to|its|their|it|all|only|every|never)\b)"
)
_MARKS = (TODO, "FIXME", "TBD", "XXX")
_GAP = re.compile(rf"\b(?:{'|'.join(_MARKS)})\b")


def blame(page: Page) -> Iterator[Problem]:
    """Yield words that judge people. A dispute may report who was held to be at fault."""
    text = lowered(page.prose)
    for stems, kind, pattern in _BLAMING:
        if any(stem in text for stem in stems):
            for match in pattern.finditer(text):
                if not (kind.reported and page.section_at(match.start()) == "Disputed"):
                    words = page.prose[match.start() : match.end()]
                    yield page.at_offset(match.start(), "blame", f"{words!r} blames", kind.advice)


def figures(page: Page) -> Iterator[Problem]:
    """Yield figures that no footnote follows in their paragraph, and in a list of facts those that rest on advice alone."""
    if not page.case:
        return
    for paragraph in (*page.case.undertaking, *page.case.story):
        cited = max((match.end() for match in _CITED.finditer(paragraph.text)), default=0)
        for match in _FIGURE.finditer(paragraph.text, cited):
            shown = _word(paragraph.text, match.start())
            advice = "end the sentence with the footnote of the source that says so"
            yield page.problem(paragraph.line, "figure", f"{shown!r} has no source", advice, at=shown)
            break
    for kind, item in items_of(page.case):
        if kind in {"impact", "symptom", "factor"} and set(item.sources) == {INFERRED} and not _CITED.search(item.text):
            text = plain(f"{item.lead} {item.text}")
            if figure := _FIGURE.search(text):
                shown = _word(text, figure.start())
                advice = "cite the source that says so, or tell the sign without a figure"
                yield page.problem(item.line, "figure", f"{shown!r} rests on [^{INFERRED}] alone", advice, at=shown)


def _word(text: str, start: int) -> str:
    """Return the word at an offset, without the punctuation that ends it."""
    return text[start : start + 40].split(maxsplit=1)[0].rstrip(".,;:)!?”")


def advice(page: Page) -> Iterator[Problem]:
    """Yield items marked as advice of ours that are worded as facts, and facts marked as advice.

    Advice has a verb that asks (`keep`, `let`, at the start of a clause) or one that leaves it open (`would`, `consider`). A sign to
    look for may be a statement in the present.
    """
    if not page.case:
        return
    for paragraph in (*page.case.undertaking, *page.case.story):
        if f"[^{INFERRED}]" in paragraph.text:
            yield page.problem(
                paragraph.line, "advice", f"what happened cites [^{INFERRED}]", "cite the source that says so", at=f"[^{INFERRED}]"
            )
    for event in page.case.timeline:
        if INFERRED in event.sources:
            yield page.problem(
                event.line, "advice", f"what happened cites [^{INFERRED}]", "cite the source that says so", at=f"[^{INFERRED}]"
            )
    for kind, item in items_of(page.case):
        if set(item.sources) != {INFERRED} or is_gap(item.lead) or is_gap(item.text):
            continue
        if kind == "impact":
            yield page.problem(
                item.line, "advice", f"what it cost cites [^{INFERRED}]", "cite the source that says so", at=f"[^{INFERRED}]"
            )
        elif not _is_advice(kind, item):
            yield page.problem(item.line, "advice", f"[^{INFERRED}] marks advice, and this is worded as a fact", _REWORD)


_REWORD = "write what to do (“keep …”, “consider …”) or what it would have changed, or cite the source that says so"


def _is_advice(kind: str, item: Item) -> bool:
    text = plain(item.text if item.strategy else f"{item.lead} {item.text}")
    if not text and item.strategy:
        return True  # the strategy itself is the advice
    if any(_TOLD.search(sentence) and not _advises(sentence) for sentence in _SENTENCE.split(text)):
        return False
    return _advises(text) or (kind in {"symptom", "factor"} and not _PAST.search(text))


def _advises(text: str) -> bool:
    """Return whether a modal verb stands in a text, or an imperative at the start of a clause."""
    if _MODAL.search(text):
        return True
    return any(clause.split(maxsplit=1)[0].lower().strip(".,:;") in IMPERATIVES for clause in _CLAUSE.split(text) if clause.strip())


def gaps(page: Page, *, told: Collection[int] = ()) -> Iterator[Problem]:
    """Yield what is marked as still to be written: one finding a line, and none where another (`told`) says that its form is wrong."""
    if any(mark in page.text for mark in _MARKS):
        advice = "write it" if page.strategy else "write it, or keep `status: draft` until somebody can"
        lines = set(told)
        for match in page.found(_GAP, page.text):
            message = "this is still to be written" if match[0] == TODO else f"{match[0]} marks a gap"
            problem = page.at_offset(match.start(), "todo", message, advice)
            if problem.line not in lines:
                lines.add(problem.line)
                yield problem
