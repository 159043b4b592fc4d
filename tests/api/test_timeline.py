"""Time between events, as pages draw it."""

from __future__ import annotations

import pytest

from api.timeline import timeline
from kb.case import Event


def steps(*dates: str) -> list[tuple[int, str]]:
    return [(step, after) for _, step, after in timeline([Event(when=when, text="it happened") for when in dates])]


@pytest.mark.parametrize(
    "dates, second",
    [
        (("2018-07-04", "2018-07-05"), (0, "")),
        (("2018-07-04 09:30", "2018-07-04 10:00"), (0, "")),
        (("2018-07", "2018-09"), (1, "")),
        (("2018-01", "2018-08"), (2, "")),
        (("2011", "2011-05"), (0, "")),
        (("2011", "2012"), (0, "")),
        (("2011", "2013"), (3, "2 years later")),
        (("2000-09", "2002-06"), (3, "2 years later")),
        (("1999 to 2000", "2010"), (4, "11 years later")),
        (("2010", "2005"), (0, "")),
        (("some day", "2005"), (0, "")),
    ],
)
def test_distance_grows_with_the_time_between(dates, second):
    assert steps(*dates) == [(0, ""), second]


def test_undated_event_does_not_hide_the_distance():
    assert steps("2000", "later", "2010")[2] == (4, "10 years later")
