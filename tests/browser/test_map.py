"""The map: every case a mark that can be reached, labels that can be read, the user's project among its matches, tables beside."""

from __future__ import annotations

import re
from itertools import combinations
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from indexer.searcher import Searcher
from tests.browser.conftest import BRIEF, CASE, NOTHING, Opener

ADDRESSES = "all => all.map(each => each.getAttribute('href'))"


def boxes(page: Page, selector: str) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) of everything that is shown."""
    found: list[dict[str, float]] = page.locator(selector).evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
    return [(box["left"], box["top"], box["right"], box["bottom"]) for box in found if box["width"]]


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_every_case_is_a_mark_and_a_row_of_the_table(open_page: Opener, searcher: Searcher) -> None:
    page = open_page("/map")
    ids = {f"/cases/{case_id}" for case_id in searcher.store.case_ids}
    marks = page.locator(".marks a").evaluate_all(ADDRESSES)
    rows = page.locator(".twin th a").evaluate_all(ADDRESSES)
    assert set(marks) == set(rows) == ids
    assert len(marks) == len(rows) == len(ids)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_labels_can_be_read_and_no_mark_hides_another(open_page: Opener, width: int) -> None:
    page = open_page("/map", width=width)
    labels = boxes(page, ".labels text")
    assert len(labels) >= 5
    assert [pair for pair in combinations(labels, 2) if overlap(*pair)] == []
    frame = boxes(page, "svg.map")[0]
    assert all(frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1] and box[3] <= frame[3] for box in labels)
    size = page.locator(".labels text:visible").first.evaluate("each => parseFloat(getComputedStyle(each).fontSize)")
    assert size >= 12
    middles = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in boxes(page, ".marks use")]
    assert min(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in combinations(middles, 2)) > 5


def test_a_mark_leads_to_its_case_by_mouse_and_by_keyboard(open_page: Opener) -> None:
    page = open_page("/map")
    mark = page.locator(f".marks a[href='/cases/{CASE}']")
    name = mark.locator("title").text_content()
    assert name
    mark.locator("use").hover()
    expect(page.locator("[data-tip]")).to_have_text(name)
    mark.focus()
    expect(page.locator("[data-tip]")).to_be_visible()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{CASE}")


def test_the_tip_stays_under_the_pointer_and_goes_on_escape(open_page: Opener) -> None:
    page = open_page("/map")
    tip = page.locator("[data-tip]")
    page.locator(f".marks a[href='/cases/{CASE}'] use").hover()
    expect(tip).to_be_visible()
    said = tip.inner_text()
    tip.hover()
    page.wait_for_timeout(600)  # twice as long as it lingers
    expect(tip).to_have_text(said)
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.locator(".marks a").first.focus()
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.evaluate("document.activeElement.blur()")
    page.locator(f".marks a[href='/cases/{CASE}'] use").hover()
    expect(tip).to_be_visible()
    page.locator("h1").hover()
    expect(tip).to_be_hidden()


def test_the_keyboard_can_skip_the_marks(open_page: Opener) -> None:
    page = open_page("/map")
    page.locator(".legend a").last.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip the map")).to_be_focused()
    expect(page.get_by_role("link", name="Skip the map")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('table.heat') !== null")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_project_is_placed_with_lines_to_its_matches(open_page: Opener, searcher: Searcher, javascript: bool) -> None:
    page = open_page("/map", javascript=javascript)
    page.get_by_label("Your project in a few sentences").fill(BRIEF)
    page.get_by_role("button", name="Place it on the map").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your project on the map")
    assert page.url.endswith("/map")  # the text stands in no address
    expected = [case.id for case in searcher.search(BRIEF).cases if case.band != "weak"]
    assert expected
    assert page.locator(".match li > a").evaluate_all(ADDRESSES) == [f"/cases/{each}" for each in expected]
    ends = page.locator(".lines line").evaluate_all("all => all.map(each => [each.getAttribute('x2'), each.getAttribute('y2')])")
    first = page.locator(f".marks a[href='/cases/{expected[0]}'] use")
    assert ends[0] == [first.get_attribute("x"), first.get_attribute("y")]
    assert len(ends) == len(expected)


def test_a_short_description_can_be_given_in_the_address(open_page: Opener) -> None:
    page = open_page(f"/map?q={quote(BRIEF)}")
    assert page.locator(".lines line").count() > 0
    expect(page.get_by_label("Your project in a few sentences")).to_have_value(BRIEF)


def test_a_project_like_none_is_not_placed(open_page: Opener) -> None:
    page = open_page(NOTHING.replace("/search", "/map"))
    expect(page.get_by_role("heading", name=re.compile("Nothing close"))).to_be_visible()
    assert page.locator(".yours").count() == 0


def test_a_field_of_the_heat_picture_leads_to_as_many_cases_as_it_says(open_page: Opener) -> None:
    page = open_page("/map")
    row = page.locator(".heat tbody tr").filter(has=page.get_by_role("link", name="Governance and decision rights"))
    cell = row.locator("td a").last
    count = int(re.match(r"\d+", cell.inner_text())[0])  # type: ignore[index]
    assert count > 1
    cell.click()
    page.wait_for_url("**/cases?category=governance-gap&phase=*")
    expect(page.locator("#count")).to_have_text(re.compile(rf"^{count} cases"))


def test_a_label_leads_to_its_cases(open_page: Opener) -> None:
    page = open_page("/map")
    label = page.locator(".labels.wide a").first
    address = label.get_attribute("href")
    assert address
    label.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")
    assert page.locator(".rows > li").count() > 3


def test_families_differ_by_shape_as_well_as_by_colour(open_page: Opener) -> None:
    page = open_page("/map")
    keys = page.locator(".legend svg")
    fills = keys.evaluate_all("all => all.map(each => getComputedStyle(each).fill)")
    shapes = [page.locator(address).get_attribute("d") for address in keys.locator("use").evaluate_all(ADDRESSES)]
    assert len(set(fills)) == len(set(shapes)) == keys.count() >= 8
