"""A case's dated events, with the time between them, so that a page can draw it to scale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from kb.case import Event

_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_STEPS = (1, 3, 12, 36)
"""Months at least → one step further apart on the page; distances to scale would leave most of it blank."""


class Dated(NamedTuple):
    """An event, and how long after the one before."""

    event: Event
    step: int
    """0 (within a month, or unknown) to 4 (three years or more)."""
    after: str
    """In words, where it is two years or more: "2 years later"."""


def timeline(events: Sequence[Event]) -> list[Dated]:
    """Return the events in their own order with the time since the one before."""
    dated = []
    before: tuple[float, float] | None = None
    for event in events:
        months = _months(event.when)
        step, after = 0, ""
        if months and before:
            # From the end of the one to the start of the other, so that "2011" and "2011-05" do not stand apart.
            step = sum(months[0] - before[1] >= least for least in _STEPS)
            years = int((months[0] - before[0]) / 12 + 0.5)
            after = f"{years} years later" if years > 1 else ""
        dated.append(Dated(event, step, after))
        before = months or before
    return dated


def _months(when: str) -> tuple[float, float] | None:
    """Return first and last moment of a date or a span of dates, in months; None when it names no year."""
    found = _DATE.findall(when)
    if not found:
        return None
    (first_year, first_month, first_day), (last_year, last_month, last_day) = found[0], found[-1]
    start = int(first_year) * 12 + (int(first_month) - 1 if first_month else 0) + (int(first_day) / 31 if first_day else 0)
    end = int(last_year) * 12 + (int(last_month) - 1 + (int(last_day) / 31 if last_day else 1) if last_month else 12)
    return start, end
