"""Searching a corpus that has drafts: the box that leaves them out follows the search it belongs to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from indexer.build import build_index
from tests.api.conftest import seed_index
from tests.browser.conftest import BRIEF
from tests.conftest import CASES, SEEDS
from tests.serving import Server, free_port

DRAFT = SEEDS[2]
OTHER = "We connect the payment service of our shop to a new provider."


@pytest.fixture(scope="module")
def drafted(browser: Browser, real_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A small corpus in which one of the cases is a draft. Asks for the browser first, since without one no index is needed."""
    folder = tmp_path_factory.mktemp("drafted")
    corpus = folder / "corpus"
    (corpus / "studies").mkdir(parents=True)
    shutil.copytree(CASES / "strategies", corpus / "strategies")
    for name in SEEDS:
        text = (CASES / "studies" / f"{name}.md").read_text("utf-8")
        text = text.replace("status: published", "status: draft") if name == DRAFT else text
        (corpus / "studies" / f"{name}.md").write_text(text, "utf-8")
    index = seed_index(folder / "index", real_index)
    build_index(index, [corpus])
    port = free_port()
    with Server(folder / "log", "--index", index, "--cases", corpus, "--port", port, port=port) as server:
        yield server.wait_until_ready()


@pytest.fixture
def page(browser: Browser, drafted: Server) -> Iterator[Page]:
    context = browser.new_context(base_url=drafted.url)
    page = context.new_page()
    page.set_default_timeout(60_000)  # machines are shared
    yield page
    context.close()


def search(page: Page, description: str) -> None:
    page.fill("#description", description)
    page.click("text=Find precedents")
    expect(page.locator("h1")).to_have_text(re.compile("precedent|Nothing"))


def test_a_page_of_results_is_not_searched_for_again(page: Page) -> None:
    searches = []
    page.on("request", lambda request: searches.append(request.url) if request.url.endswith("/search") else None)
    page.goto("/")
    search(page, BRIEF)
    page.wait_for_load_state("networkidle")
    assert len(searches) == 1


def test_back_brings_back_whether_drafts_were_left_out(page: Page) -> None:
    page.goto("/")
    search(page, BRIEF)
    box, found = page.locator("#f-drafts"), page.locator(f'#answer a[href^="/cases/{DRAFT}"]')
    expect(found.first).to_be_visible()
    page.evaluate("document.querySelector('#f-drafts').closest('details')?.setAttribute('open', '')")
    with page.expect_response("**/search"):
        box.check()
    expect(found).to_have_count(0)
    search_again(page, OTHER)
    box.uncheck()
    expect(page.locator("[data-status]")).not_to_be_empty()
    page.go_back()
    expect(page.locator("#description")).to_have_value(BRIEF)
    expect(box).to_be_checked()
    expect(found).to_have_count(0)


def search_again(page: Page, description: str) -> None:
    """Search from a page of results, whose button makes an entry of its own in the history."""
    page.fill("#description", description)
    with page.expect_response("**/search"):
        page.click("text=Find precedents")
