"""The contribution form in a browser: what the script swaps in place is what the server answers."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener


def press(page: Page, action: str) -> None:
    page.locator(f'button[name=action][value="{action}"]').last.click()


def test_removing_a_source_renumbers_what_cites_later_ones_in_other_steps(open_page: Opener) -> None:
    page = open_page("/contribute")
    press(page, "step:2")
    page.fill('[id="sources.0.title"]', "First report")
    press(page, "add:sources")
    page.fill('[id="sources.1.title"]', "Second report")
    press(page, "step:3")
    page.fill("#plan", "Every till changes in one night.")
    page.check('[id="plan_sources.s2"]')
    press(page, "step:2")
    page.evaluate("window.stays = true")
    press(page, "remove:sources:0")
    expect(page.locator('[id="sources.1.title"]')).to_have_count(0)
    expect(page.locator('[id="sources.0.title"]')).to_have_value("Second report")
    assert page.evaluate("window.stays")  # swapped in place: the server's own page was right before
    press(page, "step:3")
    expect(page.locator('[id="plan_sources.s1"]')).to_be_checked()


def test_an_address_without_its_scheme_holds_up_no_button(open_page: Opener) -> None:
    page = open_page("/contribute")
    press(page, "step:2")
    page.fill('[id="sources.0.url"]', "example.org/report")
    press(page, "step:3")
    expect(page.locator("h1")).to_have_text("The plan")


def test_the_markdown_is_copied_without_an_error(open_page: Opener) -> None:
    page = open_page("/contribute")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "step:7")
    page.get_by_role("button", name="Copy the Markdown").click()
    expect(page.locator("[data-copied]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.input_value("#markdown")  # and nothing was thrown
