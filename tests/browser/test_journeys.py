"""Ways through the site as people go them: with and without JavaScript, by keyboard, zoomed, in the dark, on paper."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import BRIEF, CASE, RESULTS, Opener, sideways
from tests.browser.test_axe import PAGES

MOVED = """() => new Promise(done => {
  let moved = 0;
  new PerformanceObserver(list => { for (const each of list.getEntries()) if (!each.hadRecentInput) moved += each.value; })
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(moved), 500);
})"""
"""How far the parts of a page have moved since it was opened, as browsers measure it."""


def verdict(page: Page) -> str:
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_description_leads_to_cases_with_reasons_and_on_to_a_case(open_page: Opener, javascript: bool) -> None:
    page = open_page("/", javascript=javascript)
    page.get_by_label("Your project").fill(BRIEF)
    page.get_by_role("button", name="Find precedents").click()
    expect(page.locator("h1")).to_have_text(re.compile(r"\d+ strong precedent"))
    assert BRIEF[:30] not in page.url.replace("%20", " ").replace("+", " ")
    expect(page.get_by_label("Your project")).to_have_value(BRIEF)
    case = page.locator(".found h3 a").first
    title = case.inner_text()
    case.click()
    page.wait_for_url("**/cases/*")
    expect(page.locator("h1")).to_have_text(title)


def test_answers_are_the_same_with_and_without_javascript(open_page: Opener) -> None:
    with_it, without_it = (open_page(RESULTS, javascript=each) for each in (True, False))
    assert verdict(with_it) == verdict(without_it)
    for selector in (".found h3", ".pairs li", ".due h3, .due h4", ".signs label"):
        assert with_it.locator(selector).all_text_contents() == without_it.locator(selector).all_text_contents() != []


@pytest.mark.parametrize("javascript", [True, False])
def test_filters_narrow_the_search(open_page: Opener, javascript: bool) -> None:
    page = open_page(RESULTS, javascript=javascript)
    narrow = page.locator("details.narrow")
    if narrow.get_attribute("open") is None:
        narrow.locator("summary").click()
    page.get_by_label("Industry").select_option("retail")
    page.get_by_role("button", name="Find precedents").click()
    industries = page.locator(".found .facts")
    expect(industries.first).to_contain_text("Retail")
    expect(page.locator(".found .facts", has_not_text="Retail")).to_have_count(0)


def test_results_lead_to_the_map_and_the_comparison(open_page: Opener) -> None:
    page = open_page(RESULTS)
    first = page.locator(".found h3 a").first.inner_text()
    page.get_by_role("button", name="See it on the map").click()
    page.wait_for_url("**/map")
    expect(page.locator(".match li a").first).to_have_text(first)
    page.get_by_role("link", name=re.compile("^Compare the first")).click()
    page.wait_for_url("**/compare?ids=*")
    expect(page.locator(".heads .name a").first).to_have_text(first)


def test_results_do_not_move_when_they_arrive(open_page: Opener) -> None:
    page = open_page(RESULTS)
    assert page.evaluate(MOVED) == 0
    for address in ("/cases", "/map", f"/cases/{CASE}"):
        page.goto(address)
        assert page.evaluate(MOVED) == 0, address


def test_keyboard_alone_searches_and_reads(open_page: Opener) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your project")).to_be_focused()
    page.keyboard.type("We replace the payroll of all hospitals in one weekend.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("h1")).to_have_text(re.compile("precedent"))
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.found h3 a')"):
            break
    focused = page.locator(":focus")
    ring = focused.evaluate(
        "each => { const style = getComputedStyle(each); return [style.outlineStyle, parseFloat(style.outlineWidth)]; }"
    )
    assert ring[0] != "none" and ring[1] >= 2
    title = focused.inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    expect(page.locator("h1")).to_have_text(title)


@pytest.mark.parametrize("address", ["/", "/cases", "/map", f"/cases/{CASE}", PAGES["compare"], "/categories", "/strategies"])
def test_page_has_landmarks_and_says_where_one_is(open_page: Opener, address: str) -> None:
    page = open_page(address)
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1  # type: ignore[arg-type]
    assert page.get_by_role("navigation", name="Main").locator("[aria-current]").count() == 1
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.filter(each => each.checkVisibility()).map(each => +each.tagName[1])")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", ["home", "results", "cases", "case", "map", "compare", "strategies", "categories"])
def test_page_fits_at_twice_the_size(open_page: Opener, name: str) -> None:
    page = open_page(PAGES[name], width=1280, zoom=2)
    assert page.evaluate("innerWidth") == 640
    assert sideways(page) <= 0


LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzesentwurf"
LENGTHEN = """(long) => {
  const texts = "p, p *, li, li *, dd, dd *, h1, h3, h3 *, .where, .corpus, .chips *, label, label *, strong, mark";
  const fixed = ".vh, svg, button, .jump, .file, .end, .track, .status, .badge, .above, .mark, .bars, .count, .whose, .under, .tools"
    + ", .bar-compare, .compare mark";
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (text.data.trim() && text.parentElement.matches(texts) && !text.parentElement.closest(fixed)) text.data = long;
  }
  for (const each of document.querySelectorAll("main h3, main .name")) {
    each.insertAdjacentHTML("beforeend", `<span class="status corpus">${long}</span>`);
  }
}"""


@pytest.mark.parametrize("name", ["results", "cases", "case", "compare", "category"])
def test_words_of_any_length_fit_on_a_phone(open_page: Opener, name: str) -> None:
    page = open_page(PAGES[name], width=320)
    page.locator("main details").evaluate_all("all => all.forEach((each) => (each.open = true))")
    page.evaluate(LENGTHEN, LONG)
    assert sideways(page) <= 0


def test_dark_and_light_follow_the_system(open_page: Opener) -> None:
    light, dark = (open_page("/map", theme=theme) for theme in ("light", "dark"))
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, each) => sum + Number(each), 0)"
    assert light.evaluate(brightness) > 600
    assert dark.evaluate(brightness) < 150


def test_paper_shows_the_case_and_leaves_the_controls_out(open_page: Opener) -> None:
    page = open_page(f"/cases/{CASE}")
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".top nav")).not_to_be_visible()
    page.goto("/cases")
    page.emulate_media(media="print")
    expect(page.locator("#filters")).not_to_be_visible()
    expect(page.locator(".pick").first).not_to_be_visible()
