"""Shared words are marked by stem, in text and in HTML, and nothing else of either is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from api.markdown import in_new_tab, inline_html
from api.marking import marked, shared_stems


def test_words_are_shared_by_stem_whatever_their_case():
    both = shared_stems("We document all Interfaces", "**The interface had no documentation**")
    assert marked("We document all Interfaces", both) == "We <mark>document</mark> all <mark>Interfaces</mark>"
    assert marked("The interface had no documentation", both) == "The <mark>interface</mark> had no <mark>documentation</mark>"


def test_function_words_are_not_marked():
    assert shared_stems("It was in the house of the owner", "It was in the cellar of the bank") == frozenset()


def test_numbers_and_parts_of_compounds_are_words():
    assert "20" in shared_stems("a 20-year-old system", "20 years")


def test_text_is_escaped():
    assert marked("<b>payroll</b>", shared_stems("payroll", "payroll")) == "&lt;b&gt;<mark>payroll</mark>&lt;/b&gt;"


@pytest.mark.parametrize("word", ["href", "example", "quot", "noopener", "amp", "strong", "title"])
def test_nothing_inside_tags_or_entities_is_marked(word):
    html = inline_html('**A & "b"** [c](https://example.org/example "title > example") [^s1]')
    assert marked(html, shared_stems(word, word)) == html


@given(st.text(), st.text())
def test_taking_the_marks_away_gives_back_the_text(one, other):
    found = marked(one, shared_stems(one, other))
    assert isinstance(found, Markup)
    assert found.replace("<mark>", "").replace("</mark>", "") == escape(one)


@given(st.text(), st.text())
def test_sharing_goes_both_ways(one, other):
    assert shared_stems(one, other) == shared_stems(other, one)


def test_only_links_that_leave_the_page_open_a_new_tab():
    html = in_new_tab(inline_html("As [told](https://example.org/a 'the </a> <a>') and [here](/cases/vasa-1628). [^s1]"))
    told, here, footnote = html.split("<a")[1:]
    for leaving in (told, here):
        assert leaving.startswith(' target="_blank" href=')
        assert leaving.count('<span class="vh"> (opens in a new tab)</span></a>') == 1
    assert "target" not in footnote
