"""Cases and strategies → the texts that are embedded."""

from __future__ import annotations

from sentencex import segment

from kb.case import Case, Item, Strategy
from kb.records import Passage
from kb.text import plain

PASSAGES_VERSION = 1
"""Raised when the same case would give other passages, so that indexes are rebuilt."""


def case_passages(case: Case) -> list[Passage]:
    """Return the passages of a case in file order: its undertaking sentence by sentence, then one an item.

    A draft without undertaking gives its story, too.
    """
    undertaking = [
        Passage(case_id=case.id, kind="undertaking", line=paragraph.line, text=sentence, embedded=sentence)
        for paragraph in case.undertaking
        for sentence in sentences(plain(paragraph.text))
    ]
    passages = list(undertaking)
    for kind, items in (
        ("likeness", case.likenesses),
        ("symptom", case.symptoms),
        ("factor", case.factors),
        ("lesson", case.lessons),
        ("prevention", case.prevention),
    ):
        passages.extend(_item_passage(case.id, kind, item) for item in items)
    if not undertaking:  # a draft that does not say yet what was attempted can be met by what happened
        passages.extend(_story_passages(case))
    return passages


def _story_passages(case: Case) -> list[Passage]:
    """Return the story sentence by sentence; the title where there is none, since every case must have a passage."""
    told = [(paragraph.line, sentence) for paragraph in case.story for sentence in sentences(plain(paragraph.text))]
    return [
        Passage(case_id=case.id, kind="story", line=line, text=sentence, embedded=sentence)
        for line, sentence in told or [(1, case.meta.title)]
    ]


def _item_passage(case_id: str, kind: str, item: Item) -> Passage:
    lead, text = plain(item.lead), plain(item.text)
    return Passage(
        case_id=case_id,
        kind=kind,
        line=item.line,
        lead=lead if text else "",
        text=text or lead,
        tag=item.strategy or item.tag,
        embedded=f"{lead} {text}".strip(),
    )


def sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in segment("en", text) if sentence.strip()]


def case_text(case: Case) -> str:
    """Return what stands for the whole case: what it set out to do, whom it should meet, how it went wrong.

    Ordered by use for matching plans, because encoders read only the first few hundred tokens.
    """
    parts = [case.meta.title + "."]
    parts += [plain(paragraph.text) for paragraph in case.undertaking or case.story]
    parts += [plain(item.text) for item in case.likenesses]
    parts += [plain(item.lead) for item in (*case.factors, *case.symptoms)]
    return " ".join(parts)


def headline_text(case: Case) -> str:
    """Return title and undertaking: what kind of project it was, without how it went."""
    return " ".join([case.meta.title + ".", *(plain(paragraph.text) for paragraph in case.undertaking or case.story[:1])])


def strategy_text(strategy: Strategy) -> str:
    """Return what a strategy is for: its title, its steps' leads and the signs that it is missing."""
    parts = [strategy.meta.title + "."]
    parts += [plain(item.lead or item.text) for item in strategy.steps]
    parts += [plain(item.text) for item in strategy.missing_signs]
    return " ".join(parts)
