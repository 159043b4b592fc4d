"""Which texts of a case are embedded."""

from __future__ import annotations

import msgspec
import pytest

from indexer.passages import case_passages
from kb.parse import parse_case
from tests.kb.conftest import CASE, CASE_TEXT


@pytest.mark.parametrize("story", [True, False])
def test_an_undertaking_of_a_mark_alone_still_gives_passages(story):
    case = parse_case(CASE_TEXT, source=CASE)
    mark = msgspec.structs.replace(case.undertaking[0], text="[^s1]")
    nothing_else = dict.fromkeys(("likenesses", "symptoms", "factors", "lessons", "prevention"), ())
    draft = msgspec.structs.replace(case, undertaking=(mark,), story=case.story if story else (), **nothing_else)
    passages = case_passages(draft)
    assert passages
    assert {passage.kind for passage in passages} == {"story"}
    assert all(passage.text for passage in passages)
