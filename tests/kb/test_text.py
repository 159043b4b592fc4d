"""Inline Markdown as a reader sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.text import plain, words


@pytest.mark.parametrize(
    "markdown, seen",
    [
        ("as it is", "as it is"),
        ("", ""),
        ("A claim.[^s1]", "A claim."),
        ("A claim. [^s1][^s2] Another. [^inferred]", "A claim. Another."),
        ("**Bold** and *slanted* and `code`", "Bold and slanted and code"),
        ("***both***", "both"),
        ("see [the report](https://example.org/a) now", "see the report now"),
        ("see [**the** report]() now", "see the report now"),
        (r"[a \[b\] c](x.md)", "a [b] c"),
        (r"\[no link](x.md)", "[no link](x.md)"),
        ("[not a link] (at all)", "[not a link] (at all)"),
        (r"5 \* 3 \_ \`x\`", "5 * 3 _ `x`"),
        (r"C:\path", r"C:\path"),
        ("snake_case_name", "snake_case_name"),
        ("  blanks  ", "blanks"),
    ],
)
def test_plain_leaves_what_a_reader_sees(markdown, seen):
    assert plain(markdown) == seen


@given(st.text(st.characters(categories=["L", "N"], include_characters=" .,:;-"), max_size=80))
def test_text_without_marks_is_plain_already(text):
    assert plain(text) == text.strip()


@pytest.mark.timeout(10)  # a pattern that begins to search at every blank takes quadratic time
@pytest.mark.parametrize("run", [" ", "[", "**", "[^a] ", r"\[", "[a]("])
def test_plain_takes_no_time_for_a_long_run_of_anything(run):
    assert plain(f"x{run * 20_000}y").endswith("y")


@pytest.mark.parametrize(
    "text, found",
    [
        ("Two regions, one ERP.", ["two", "regions", "one", "erp"]),
        ("again and Again", ["again", "and", "again"]),
        ("don't don’t", ["don't", "don't"]),
        ("'quoted'", ["quoted"]),
        ("go-live 2018_07", ["go", "live", "2018", "07"]),
        ("Ärger in Zürich 漢字", ["ärger", "in", "zürich", "漢字"]),
        ("--- ** …", []),
        ("", []),
    ],
)
def test_words_are_lower_case_in_order_with_repeats(text, found):
    assert words(text) == found
