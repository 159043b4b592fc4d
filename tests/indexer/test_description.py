from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.description import MAX_CHARACTERS, read_description
from kb.errors import QueryError, QueryTooLongError
from kb.text import words
from tests.conftest import ROOT


def test_sentences_are_verbatim_at_their_offsets():
    text = "  We move all sites.\n- first point, with detail;\n- second point is here\n\n3) A third one follows. And a last."
    read = read_description(text)
    assert [sentence.text for sentence in read.sentences] == [
        "We move all sites.", "first point, with detail;", "second point is here", "A third one follows.", "And a last."
    ]  # fmt: skip
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in read.sentences)


@given(st.text(min_size=1, max_size=400))
def test_any_text_is_read_or_refused_with_offsets_that_hold(text):
    try:
        read = read_description(text)
    except QueryError:
        return
    assert len(read.text) == len(text)
    for sentence in read.sentences:
        assert read.text[sentence.start : sentence.end] == sentence.text
        assert sentence.text.strip() == sentence.text != ""


def test_a_very_long_sentence_is_split_without_losing_words():
    text = ", ".join(f"we will connect system number {number} to the new hub" for number in range(30)) + "."
    read = read_description(text)
    assert len(read.sentences) > 3
    assert [word for sentence in read.sentences for word in words(sentence.text)] == words(text)


@pytest.mark.parametrize("before, after", [(300, 0), (300, 2), (2, 300), (120, 120), (51, 3), (51, 1)])
def test_a_stretch_without_commas_is_split_too(before, after):
    text = " ".join(f"depot{number}" for number in range(before)) + ", " + " ".join(f"route{number}" for number in range(after))
    read = read_description(text)
    assert max(len(sentence.text.split()) for sentence in read.sentences) <= 75
    assert [word for sentence in read.sentences for word in words(sentence.text)] == words(text)


def test_a_wrapped_sentence_is_one_sentence():
    text = "We will connect our 20-year-old warehouse system to a new\nanalytics tool in 8 weeks. It reads stock in real time.\nScope"
    read = read_description(text)
    assert [" ".join(sentence.text.split()) for sentence in read.sentences] == [
        "We will connect our 20-year-old warehouse system to a new analytics tool in 8 weeks.",
        "It reads stock in real time.",
    ]
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in read.sentences)


def test_a_very_long_description_is_read_in_windows():
    text = "".join(f"Depot {number} moves in week {number} with its own crew. " for number in range(600))
    read = read_description(text)
    assert len(read.sentences) < 150
    assert [word for sentence in read.sentences for word in words(sentence.text)] == words(text)


def test_boilerplate_is_not_matched():
    read = read_description(
        "We are looking for a partner with experience. We will switch all depots on one day. Please submit your bid by May."
    )
    assert [sentence.text for sentence in read.sentences] == ["We will switch all depots on one day."]


def test_boilerplate_alone_is_matched_rather_than_nothing():
    assert read_description("We are looking for a partner with experience.").sentences


def test_function_words_are_dropped_and_repeats_kept():
    assert read_description("We will migrate the payroll and the payroll interfaces to it").terms == (
        "migrate", "payroll", "payroll", "interfaces"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "   \n\t ", "!!! ... ---"])
def test_empty_descriptions_are_refused(text):
    with pytest.raises(QueryError, match="empty"):
        read_description(text)


def test_binary_data_is_refused():
    with pytest.raises(QueryError, match="not readable"):
        read_description(bytes(range(256)).decode("latin-1") * 20)


def test_too_long_descriptions_are_refused_with_the_limit():
    assert read_description("word " * (MAX_CHARACTERS // 5)).text
    with pytest.raises(QueryTooLongError, match="50,000"):
        read_description("word " * (MAX_CHARACTERS // 5) + "x")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ERP rollout delay", "short"),
        ("Wir ersetzen unser altes Lagersystem durch eine neue Software und schulen alle Mitarbeiter im Mai", "language"),
        ("おはようございます。今日はとても寒いですね。", "language"),
        ("We will replace the billing\x00 system of two regions in spring", "control-characters"),
    ],
)
def test_doubtful_descriptions_are_answered_with_a_notice(text, code):
    assert code in [notice.code for notice in read_description(text).notices]


def test_a_plain_description_has_no_notice():
    assert not read_description("We will replace the billing system of two regions in spring and train staff in one day.").notices


def test_a_long_run_of_blanks_does_not_hold_up_the_rest():
    script = "from indexer.description import read_description as read; print(len(read('word ' * 60 + ' ' * 49_000 + 'end.').sentences))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    assert int(ran.stdout) >= 1
