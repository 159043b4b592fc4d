"""Comparing: side by side where there is room, one after the other where there is none, and a way on from every mistake."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import CASE, Opener, covered

THREE = [CASE, "multinational-erp-regions", "lidl-elwis-sap-2018"]
ADDRESS = f"/compare?ids={','.join(THREE)}"


def test_cases_stand_side_by_side_on_a_desk(open_page: Opener) -> None:
    page = open_page(ADDRESS)
    cells = [cell.bounding_box() for cell in page.locator("#impact + .cells .cell").all()]
    assert len(cells) == len(THREE)
    assert len({cell["y"] for cell in cells if cell}) == 1
    assert len({cell["x"] for cell in cells if cell}) == len(THREE)


def test_focus_does_not_end_up_behind_the_names(open_page: Opener) -> None:
    for width in (900, 1280):
        assert covered(open_page(f"{ADDRESS},retailer-crm-marketing", width=width), ".heads") == []


def test_cases_follow_each_other_by_section_on_a_phone(open_page: Opener) -> None:
    page = open_page(ADDRESS, width=360)
    tops = [cell.bounding_box() for cell in page.locator("#impact + .cells .cell").all()]
    assert [cell["y"] for cell in tops if cell] == sorted({cell["y"] for cell in tops if cell})
    owners = page.locator("#impact + .cells .whose").all_inner_texts()
    assert [owner[0] for owner in owners] == ["A", "B", "C"]
    expect(page.locator("#impact + .cells .whose").first).to_be_visible()


def test_what_cases_share_is_listed_and_marked_where_it_stands(open_page: Opener) -> None:
    page = open_page(ADDRESS)
    shared = page.locator(".shared li").filter(has=page.get_by_role("link", name="Underestimated complexity"))
    assert shared.inner_text().endswith("A and C")
    causes = [cell.inner_text() for cell in page.locator("#glance + .cells .cell").all()]
    marked = [bool(re.search(r"Underestimated complexity\s+shared", text)) for text in causes]
    assert marked == [True, False, True]
    strategy = page.locator(".shared a[href='/strategies/process-discovery']")
    expect(strategy).to_have_count(1)
    assert page.locator("#prevention + .cells mark").count() >= 2


def test_a_case_can_be_taken_out_and_one_be_added(open_page: Opener) -> None:
    page = open_page(ADDRESS)
    page.locator(".heads .cell").first.get_by_role("link", name="Remove").click()
    page.wait_for_url(f"**/compare?ids={','.join(THREE[1:])}")
    page.locator(".add a").first.click()
    page.wait_for_url(f"**/compare?ids={','.join(THREE[1:])},*")
    assert page.locator(".heads .cell").count() == 3


def test_an_unknown_case_is_named_with_the_one_that_was_meant(open_page: Opener) -> None:
    page = open_page(f"/compare?ids={CASE[:-1]},{THREE[1]}")
    expect(page.get_by_role("alert")).to_contain_text(CASE[:-1])
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 cases side by side")


def test_too_many_cases_are_cut_to_four_and_the_rest_is_named(open_page: Opener) -> None:
    five = [*THREE, "retailer-crm-marketing", "warehouse-analytics-legacy"]
    page = open_page(f"/compare?ids={','.join(five)}")
    assert page.locator(".heads .cell").count() == 4
    expect(page.get_by_role("alert")).to_contain_text("one was left out")
    expect(page.get_by_role("alert").get_by_role("link").first).to_have_attribute("href", f"/cases/{five[4]}")


def test_too_few_cases_lead_to_more(open_page: Opener) -> None:
    page = open_page(f"/compare?ids={CASE}")
    page.locator(".add a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 cases side by side")
    page = open_page("/compare")
    page.get_by_role("link", name="the list of all cases").click()
    page.wait_for_url("**/cases")
