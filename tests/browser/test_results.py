"""Searching in a browser: with and without JavaScript the same answer, refreshed in place where there is JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import BRIEF, RESULTS, Opener

BREAD = "How do I bake sourdough bread at home?"
PAYROLL = "We replace the payroll of all hospitals in one weekend in March."


def search(page: Page, description: str) -> None:
    page.fill("#description", description)
    page.click("text=Find precedents")


def verdict(page: Page, said: str) -> None:
    expect(page.locator("h1")).to_have_text(re.compile(said))


def watch_shifts(page: Page) -> None:
    """Note what moves from now on; the box has grown or shrunk with its text already."""
    page.evaluate(
        """async () => { await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
           window.shifts = []; new PerformanceObserver((list) => {
             for (const entry of list.getEntries()) window.shifts.push(entry.sources.map((each) => String(each.node?.nodeName)));
           }).observe({ type: "layout-shift" }); }"""
    )


def test_search_without_javascript_gives_the_same_page(open_page: Opener) -> None:
    contents = []
    for javascript in (True, False):
        page = open_page("/", javascript=javascript)
        search(page, BRIEF)
        verdict(page, "precedent")
        contents.append(page.locator("#answer").inner_html())
    assert contents[0] == contents[1]


def test_without_javascript_no_control_is_shown_that_would_do_nothing(open_page: Opener) -> None:
    page = open_page("/", javascript=False)
    expect(page.locator("[data-file]")).to_be_hidden()
    expect(page.locator("#tally")).to_have_text("Up to 50,000 characters")
    page.click("text=Search with this example >> nth=0")
    verdict(page, "precedent")
    expect(page.locator("text=Copy as Markdown")).to_be_hidden()
    page.click("text=Show as Markdown")
    expect(page.locator("#signs-markdown")).to_have_value(re.compile("# Signs to watch"))


@pytest.mark.parametrize("width", [360, 1280])
def test_results_follow_the_description_while_it_is_written(open_page: Opener, width: int) -> None:
    page = open_page("/", width=width)
    search(page, BRIEF)
    verdict(page, "precedent")
    entries = page.evaluate("history.length")
    page.fill("#description", PAYROLL)
    watch_shifts(page)
    expect(page.locator("#answer")).to_contain_text("payroll goes live")
    expect(page.locator("[data-status]")).to_have_text(re.compile("precedent"))
    expect(page).to_have_title(re.compile("precedent"))
    assert page.evaluate("window.shifts") == []
    assert page.evaluate("history.length") == entries
    assert page.url.endswith("/search")


def test_swapped_results_are_those_of_a_new_page(open_page: Opener) -> None:
    page = open_page(RESULTS)
    with page.expect_response("**/search"):
        page.fill("#description", PAYROLL)
    expect(page.locator("#answer")).to_contain_text("payroll goes live")
    swapped = page.locator("#answer").inner_html()
    page = open_page("/", javascript=False)
    search(page, PAYROLL)
    assert page.locator("#answer").inner_html() == swapped


def test_only_the_last_of_quick_changes_is_shown(open_page: Opener) -> None:
    page = open_page(RESULTS)
    page.fill("#description", PAYROLL)
    page.wait_for_timeout(700)  # the first search is under way or done
    page.fill("#description", BREAD)
    verdict(page, "Nothing close")
    page.wait_for_timeout(1500)
    verdict(page, "Nothing close")


def test_back_and_forward_walk_through_what_was_searched_for(open_page: Opener) -> None:
    page = open_page("/")
    search(page, PAYROLL)
    verdict(page, "precedent")
    search(page, BREAD)
    verdict(page, "Nothing close")
    expect(page.locator("h1")).to_be_focused()
    page.go_back()
    verdict(page, "precedent")
    expect(page.locator("#description")).to_have_value(PAYROLL)
    page.go_forward()
    verdict(page, "Nothing close")
    page.reload()
    verdict(page, "Nothing close")
    expect(page.locator("#description")).to_have_value(BREAD)


def test_link_within_the_page_keeps_the_edited_description(open_page: Opener) -> None:
    page = open_page(RESULTS)
    page.fill("#description", PAYROLL)
    expect(page.locator("#answer")).to_contain_text("payroll goes live")
    page.click(".jump >> text=Signs to watch")
    page.go_back()
    expect(page.locator("#description")).to_have_value(PAYROLL)


def test_filter_narrows_in_place_and_can_leave_nothing(open_page: Opener) -> None:
    page = open_page(RESULTS)
    page.click("text=Search only some cases")
    page.select_option("#f-industry", "retail")
    expect(page.locator(".facts >> nth=0")).to_contain_text("Retail")
    for facet, value in (("outcome", "data-loss"), ("phase", "procurement")):
        page.select_option(f"#f-{facet}", value)
    verdict(page, "No case has all of these filters")
    page.select_option("#f-phase", "")
    page.select_option("#f-outcome", "")
    expect(page.locator(".facts >> nth=0")).to_contain_text("Retail")


def test_ticked_signs_stay_ticked(open_page: Opener) -> None:
    page = open_page(RESULTS)
    label = page.locator(".signs label >> nth=0")
    said = label.inner_text()
    label.click()
    with page.expect_response("**/search"):
        page.fill("#description", BRIEF + " It starts in May.")
    expect(page.locator("[data-status]")).to_have_text(re.compile("precedent"))
    assert page.locator(".signs :checked + label").all_inner_texts() == [said]


def test_server_that_does_not_answer_is_told_and_the_text_stays(open_page: Opener) -> None:
    page = open_page(RESULTS, may_log="status of 503")
    page.route("**/search", lambda route: route.fulfill(status=503, content_type="text/html", body="<h1>Full</h1>"))
    page.fill("#description", PAYROLL)
    expect(page.locator("[data-status]")).to_have_text(re.compile("did not answer"))
    expect(page.locator("#description")).to_have_value(PAYROLL)
    verdict(page, "precedent")


def test_mistake_is_told_by_the_server_beside_the_text(open_page: Opener) -> None:
    page = open_page("/")
    page.fill("#description", "   ")
    page.click("text=Find precedents")
    expect(page.locator("[role=alert]")).to_contain_text("description is empty")
    page.fill("#description", PAYROLL)
    verdict(page, "precedent")
    expect(page.locator("[role=alert]")).to_have_count(0)


def test_signs_and_link_are_copied(open_page: Opener) -> None:
    page = open_page(RESULTS)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("text=Copy as Markdown")
    expect(page.locator("[data-status]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.input_value("#signs-markdown")
    page.click("text=Copy link")
    copied = page.evaluate("navigator.clipboard.readText()")
    before = page.locator("h1").inner_text()
    page.goto(copied)
    assert page.locator("h1").inner_text() == before


def test_without_a_clipboard_the_whole_link_is_shown_and_selected(open_page: Opener) -> None:
    page = open_page(RESULTS)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as on plain HTTP
    page.click("text=Copy link")
    field = page.get_by_label("The whole link, to copy")
    expect(field).to_be_focused()
    expect(field).to_have_value(re.compile(r"^http://127\.0\.0\.1:\d+/search\?q="))
    assert page.evaluate("getSelection().toString()") == field.input_value()
    expect(page.locator("[data-status]")).to_have_text("Press Ctrl+C to copy.")
    page.click("text=Copy as Markdown")
    expect(page.locator("#signs-markdown")).to_be_focused()


def test_ticks_are_carried_into_the_markdown(open_page: Opener) -> None:
    page = open_page(RESULTS)
    label = page.locator(".signs label >> nth=1")
    lead = label.locator("strong").inner_text()
    label.click()
    ticked = [line for line in page.input_value("#signs-markdown").splitlines() if line.startswith("- [x]")]
    assert len(ticked) == 1 and lead.split()[0] in ticked[0]
    with page.expect_response("**/search"):
        page.fill("#description", BRIEF + " It starts in May.")
    expect(page.locator("[data-status]")).to_have_text(re.compile("precedent"))
    assert page.input_value("#signs-markdown").count("- [x]") == 1
    label.click()
    assert page.input_value("#signs-markdown").count("- [x]") == 0


def test_results_of_an_earlier_text_say_so(open_page: Opener) -> None:
    page = open_page(RESULTS)
    status = page.locator("[data-status]")
    page.fill("#description", "")
    expect(status).to_have_text("The box is empty: the results are still those of the earlier text.")
    page.fill("#description", "Kept " * 10_001)
    expect(status).to_have_text("The text is too long: the results are still those of the earlier text.")
    page.fill("#description", BRIEF)
    expect(status).to_be_empty()


def test_what_the_server_refuses_is_marked_as_wrong(open_page: Opener) -> None:
    page = open_page(RESULTS, may_log="status of 422")
    page.fill("#description", "Kept " + "\u0001" * 99)
    expect(page.locator("#description")).to_have_attribute("aria-invalid", "true")
    page.fill("#description", PAYROLL)
    expect(page.locator("#description")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_filter_that_only_an_address_has_stays_until_it_is_taken_off(open_page: Opener, javascript: bool) -> None:
    page = open_page(f"{RESULTS}&decade=2010s&industry=retail&industry=health", javascript=javascript)
    chips = page.locator(".only button")
    expect(chips).to_have_count(3)
    page.fill("#description", PAYROLL)
    page.click("text=Find precedents")
    expect(page.locator("#answer")).to_contain_text("payroll goes live")
    expect(chips).to_have_count(3)
    page.get_by_role("button", name="Remove Decade 2010s").click()
    expect(chips).to_have_count(2)
    page.get_by_role("button", name="Remove Industry Retail").click()
    expect(chips).to_have_count(0)
    expect(page.locator("#f-industry")).to_have_value("health")
    expect(page.locator("#description")).to_have_value(PAYROLL)


def test_a_reload_keeps_the_filters_that_the_form_has_no_field_for(open_page: Opener) -> None:
    page = open_page("/search?decade=2010s")
    search(page, BRIEF)
    verdict(page, "precedent|Nothing")
    with page.expect_response("**/search"):
        page.fill("#description", PAYROLL)
    expect(page.locator("#answer")).to_contain_text("payroll goes live")
    page.reload()
    verdict(page, "precedent|Nothing")
    expect(page.locator(".only button")).to_have_count(1)


def test_a_file_dragged_over_the_box_moves_nothing(open_page: Opener) -> None:
    page = open_page("/")
    box = page.locator("#description")
    before = box.bounding_box(), box.evaluate("each => getComputedStyle(each).font")
    box.evaluate("each => each.classList.add('over')")
    assert (box.bounding_box(), box.evaluate("each => getComputedStyle(each).font")) == before


def test_box_counts_and_takes_examples_and_files(open_page: Opener, tmp_path: Path) -> None:
    page = open_page("/")
    expect(page.locator("#tally")).to_have_text("0 of 50,000 characters")
    low = page.locator("#description").bounding_box()
    page.click("text=Use this example >> nth=1")
    expect(page.locator("#description")).to_have_value(re.compile("^Our council replaces its payroll"))
    expect(page.locator("#description")).to_be_focused()
    brief = tmp_path / "brief.md"
    brief.write_text("# Brief\n\n" + "We move all shops to one till.\n" * 40)
    page.set_input_files("#file", brief)
    expect(page.locator("#tally")).to_have_text("1,249 of 50,000 characters")
    high = page.locator("#description").bounding_box()
    assert low and high and high["height"] > low["height"]
    page.evaluate(
        """() => { const data = new DataTransfer(); data.items.add(new File(["A dropped plan"], "a.txt", { type: "text/plain" }));
             for (const name of ["dragover", "drop"]) document.querySelector("#description").dispatchEvent(
               new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true })); }"""
    )
    expect(page.locator("#description")).to_have_value("A dropped plan")
    page.set_input_files("#file", {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    expect(page.locator("[data-status]")).to_have_text("plan.pdf is not a text file; use .md or .txt.")


def test_keyboard_alone_leads_from_the_address_to_a_case(open_page: Opener) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#description")).to_be_focused()
    page.keyboard.type(PAYROLL)
    page.keyboard.press("Control+Enter")
    verdict(page, "precedent")
    case = page.locator(".found h3 a >> nth=0")
    for _ in range(30):
        page.keyboard.press("Tab")
        if case.evaluate("each => each === document.activeElement"):
            break
    expect(case).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/**")


def test_results_print_without_controls(open_page: Opener) -> None:
    page = open_page(RESULTS)
    page.emulate_media(media="print")
    for hidden in (".actions", ".top nav", ".jump", ".narrow", ".tools"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("#description")).to_be_visible()
    expect(page.locator(".proof >> nth=-1")).to_be_visible()
