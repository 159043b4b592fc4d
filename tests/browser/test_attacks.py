"""Hostile cases in a real browser: nothing they hold runs, loads, or leads anywhere but to plain addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.hostile import ATTACKS, build_hostile, write_corpus
from tests.serving import Server, free_port

HARM = """() => [
  ...(window.pwned ? ["ran"] : []),
  ...[...document.querySelectorAll("*")].flatMap((each) => [...each.attributes]
    .filter((attribute) => /^on|^style$|^srcdoc$/.test(attribute.name)).map((attribute) => attribute.name)),
  ...[...document.links].map((link) => link.protocol).filter((protocol) => !/^(https?|mailto):$/.test(protocol)),
  ...[...document.querySelectorAll("iframe, object, embed, base, img, style, math, script:not([src^='/static/'])")]
    .map((each) => each.tagName),
]"""


@pytest.fixture(scope="module")
def attacked(browser: Browser, real_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("attacked")
    corpus = write_corpus(folder / "corpus")
    index = build_hostile(folder / "index", real_index, corpus)
    port = free_port()
    with Server(folder / "log", "--index", index, "--cases", corpus, "--port", port, port=port) as server:
        yield server.wait_until_ready()


@pytest.fixture
def page(browser: Browser, attacked: Server) -> Iterator[Page]:
    wrong: list[str] = []
    context = browser.new_context(base_url=attacked.url)
    page = context.new_page()
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda request: None if request.url.startswith(attacked.url) else wrong.append(request.url))
    page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
    yield page
    context.close()
    assert wrong == []


def test_pages_of_hostile_cases_and_strategies_do_no_harm(page: Page) -> None:
    found = {}
    for address in [f"/{kind}/attack-{name}" for kind in ("cases", "strategies") for name in ATTACKS]:
        page.goto(address, wait_until="domcontentloaded")
        found[address] = page.evaluate(HARM)
    assert {address: harm for address, harm in found.items() if harm} == {}


@pytest.mark.parametrize(
    "address", ["/cases", "/categories/data-mapping", "/strategies", "/map", "/compare?ids=attack-script,attack-turned"]
)
def test_pages_that_list_hostile_cases_do_no_harm(page: Page, address: str) -> None:
    page.goto(address)
    assert page.evaluate(HARM) == []


def test_hostile_cases_do_no_harm_when_results_are_refreshed_in_place(page: Page) -> None:
    page.goto("/search?q=We+train+nobody")
    with page.expect_response("**/search"):
        page.fill("#description", "We move all shops to one till.")
    page.wait_for_selector("#answer:not([aria-busy]) a[href^='/cases/attack-']", state="attached")
    assert page.evaluate(HARM) == []
