"""Browsing: facets that combine and never lead to nothing, keywords, chips, pages, picking cases to compare."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Opener, covered, sideways


def total(page: Page) -> int:
    found = re.match(r"(\d+) cases?", page.locator("#count").inner_text())
    assert found
    return int(found[1])


def facet(page: Page, name: str) -> Locator:
    """A facet of the filters, opened."""
    group = page.locator(".filters > details").filter(has=page.get_by_role("heading", name=name, exact=True))
    group.evaluate("each => { each.open = true; each.querySelectorAll('details').forEach(inner => inner.open = true); }")
    return group


def links(group: Locator) -> list[tuple[str, int]]:
    """(Name, count) of each value that can be clicked."""
    texts = [text.split("\n") for text in group.locator("li > a:not(.on)").all_inner_texts()]
    return [(" ".join(parts[:-1]) if len(parts) > 1 else parts[0].rsplit(" ", 1)[0], int(parts[-1].rsplit(" ", 1)[-1])) for parts in texts]


@pytest.mark.parametrize("javascript", [True, False])
def test_choosing_a_value_leaves_as_many_cases_as_it_promised(open_page: Opener, javascript: bool) -> None:
    page = open_page("/cases", javascript=javascript)
    everything = total(page)
    chosen = page.locator(".filters li > a").first
    name, promised = chosen.inner_text().split("\n")[0], int(chosen.locator(".count").inner_text())
    chosen.click()
    page.wait_for_url("**/cases?category=*")
    assert total(page) == promised < everything
    assert name.removesuffix(str(promised)).strip() in page.locator(".chips").inner_text()


def test_filters_combine_and_each_chip_takes_one_away(open_page: Opener) -> None:
    page = open_page("/cases?category=insufficient-testing&phase=go-live&q=payroll")
    both = total(page)
    assert both >= 1
    page.get_by_role("link", name="Remove Keywords payroll").click()
    page.wait_for_url("**/cases?category=insufficient-testing&phase=go-live")
    without_word = total(page)
    page.get_by_role("link", name="Remove Where it broke Go-live").click()
    page.wait_for_url("**/cases?category=insufficient-testing")
    assert both < without_word < total(page)
    page.get_by_role("link", name="Clear all").click()
    page.wait_for_url("**/cases")
    assert page.locator(".chips").count() == 0


def test_keywords_keep_the_filters(open_page: Opener) -> None:
    page = open_page("/cases?decade=2010s")
    page.get_by_label("Keywords").fill("hospital")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases?q=hospital&decade=2010s")
    assert 0 < total(page) < 40


def test_what_would_lead_to_nothing_cannot_be_clicked(open_page: Opener) -> None:
    page = open_page("/cases?industry=education&outcome=abandoned")
    industries = facet(page, "What made it fail")
    impossible = industries.locator("li > .off")
    assert impossible.count() > 0
    assert impossible.locator("a").count() == 0
    assert all(text.split()[-1] == "0" for text in impossible.all_inner_texts())
    assert page.locator(".filters li > a .count", has_text=re.compile(r"^0$")).count() == 0


def test_decades_are_a_facet_the_latest_first(open_page: Opener) -> None:
    page = open_page("/cases")
    names = [name for name, _ in links(facet(page, "Decade"))]
    assert names == sorted(names, reverse=True)
    assert names[0].endswith("0s")


def test_pages_hold_every_case_once(open_page: Opener) -> None:
    page = open_page("/cases")
    everything, seen = total(page), []
    while True:
        seen += page.locator(".rows .name a").evaluate_all("all => all.map(each => each.href)")
        following = page.get_by_role("link", name="Next")
        if not following.count():
            break
        number = int(re.search(r"Page (\d+) of", page.locator(".paging").inner_text())[1])  # type: ignore[index]
        following.click()
        page.wait_for_url(f"**/cases?page={number + 1}")
    assert len(seen) == len(set(seen)) == everything


def test_on_a_phone_the_filters_are_a_sheet_that_escape_closes(open_page: Opener) -> None:
    page = open_page("/cases", width=360)
    filters = page.locator("#filters")
    expect(filters).not_to_be_visible()
    page.get_by_role("button", name="Filters").click()
    expect(filters).to_be_visible()
    assert sideways(page) <= 0
    page.keyboard.press("Escape")
    expect(filters).not_to_be_visible()
    page.get_by_role("button", name="Filters").click()
    filters.locator("li > a").first.click()
    page.wait_for_url("**/cases?category=*")
    expect(filters).not_to_be_visible()


def test_on_a_desk_the_filters_are_open_without_a_button(open_page: Opener) -> None:
    page = open_page("/cases", width=1280)
    expect(page.locator("#filters")).to_be_visible()
    expect(page.get_by_role("button", name="Filters")).not_to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_ticked_cases_are_compared(open_page: Opener, javascript: bool) -> None:
    page = open_page("/cases?q=payroll", javascript=javascript)
    names = page.locator(".rows .name a").all_inner_texts()[:3]
    for box in page.locator(".pick input").all()[:3]:
        box.check()
    button = page.get_by_role("button", name="Compare ticked cases")
    expect(button).to_be_in_viewport()  # it comes along, however long the list is
    button.click()
    page.wait_for_url("**/compare?*")
    assert [name.split(" ", 1)[1] for name in page.locator(".heads .name").all_inner_texts()] == names


@pytest.mark.parametrize("width", [320, 1280])
def test_focus_does_not_end_up_behind_the_bar_that_compares(open_page: Opener, width: int) -> None:
    page = open_page("/cases", width=width)
    page.locator(".pick input").first.check()
    assert covered(page, ".bar-compare") == []


def test_nothing_moves_when_a_case_is_ticked(open_page: Opener) -> None:
    page = open_page("/cases")
    before = page.locator(".rows > li").nth(3).bounding_box()
    page.locator(".pick input").nth(1).check()
    assert page.locator(".rows > li").nth(3).bounding_box() == before
