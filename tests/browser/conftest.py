"""A real browser on the real server over the real index. Whatever a page logs, throws or loads from elsewhere fails its test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import ROOT
from tests.serving import Server, free_port

SCREENSHOTS = ROOT / "artefacts" / "screenshots"
REQUIRED = "REQUIRE_BROWSER"
"""Environment variable: when set, as CI does, a missing browser is an error instead of a skip."""
HOW = "install Chromium (Debian: apt-get install chromium)"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HEIGHT = 800
BRIEF = (
    "We will connect our 20-year-old warehouse management system to a new analytics tool in eight weeks. The tool reads stock in real "
    "time. The people who wrote the old system have left and there is little documentation."
)
CASE = "queensland-health-payroll-2010"
RESULTS = f"/search?q={quote(BRIEF)}"
NOTHING = f"/search?q={quote('Write me a haiku about the first frost.')}"

expect.set_options(timeout=30_000)  # machines are shared
_skipped: list[str] = []


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested, and what to do about it."""
    if _skipped:
        terminalreporter.section("THE BROWSER TESTS WERE SKIPPED", sep="!", yellow=True, bold=True)
        terminalreporter.line(f"No browser was found, so no page was seen by one: {HOW} and run again.", yellow=True)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; closed when this package is done, since Playwright keeps an event loop in the thread."""
    executable = find_browser()
    if not executable:
        if os.environ.get(REQUIRED):
            pytest.fail(f"no browser, though {REQUIRED} is set: {HOW}", pytrace=False)
        _skipped.append("browser")
        pytest.skip(f"no browser: {HOW}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(browser: Browser, real_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server over all shipped cases. Asks for the browser first, since without one no index is needed."""
    port = free_port()
    log = tmp_path_factory.mktemp("browsed") / "log"
    with Server(log, "--index", real_index, "--port", port, port=port) as server:
        yield server.wait_until_ready()


class Opener(Protocol):
    """Opens an address of the site in a fresh browser profile."""

    def __call__(
        self, address: str, *, width: int = 1280, theme: str = "light", javascript: bool = True, zoom: float = 1, may_log: str = ""
    ) -> Page:
        """Open an address; `may_log` is part of what the page may write to the console as an error."""
        ...


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Opener]:
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(
        address: str, *, width: int = 1280, theme: str = "light", javascript: bool = True, zoom: float = 1, may_log: str = ""
    ) -> Page:
        # What zooming does to a page: fewer CSS pixels, each of them larger.
        size = {"width": round(width / zoom), "height": round(HEIGHT / zoom)}
        context = browser.new_context(
            base_url=server.url,
            viewport=size,  # type: ignore[arg-type]
            color_scheme=theme,  # type: ignore[arg-type]
            java_script_enabled=javascript,
            device_scale_factor=zoom,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # machines are shared
        page.on("pageerror", lambda error: wrong.append(f"{page.url} threw {error}"))
        page.on("request", lambda request: None if request.url.startswith(server.url) else wrong.append(f"loads {request.url}"))
        # Browsers log every page with an error status as an error; that is about us asking, not about the page.
        page.on(
            "console",
            lambda said: (
                wrong.append(f"{page.url} logs {said.text}")
                if said.type in {"error", "warning"} and said.location["url"] != page.url and not (may_log and may_log in said.text)
                else None
            ),
        )
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def covered(page: Page, bar: str) -> list[str]:
    """Go through the page by keyboard and return what, when focused, lies behind a bar."""
    found: list[str] = page.evaluate(
        """async (selector) => {
          const bar = document.querySelector(selector), hidden = [];
          const stops = [...document.querySelectorAll("main a[href], main button, main input:not([type=hidden]), main summary")];
          for (const each of [...stops, ...stops.toReversed()]) {
            if (bar.contains(each) || !each.checkVisibility()) continue;
            each.focus();
            const one = each.getBoundingClientRect(), other = bar.getBoundingClientRect();
            if (one.top < other.bottom - 1 && other.top < one.bottom - 1) hidden.push(each.textContent.trim() || each.value);
          }
          return hidden;
        }""",
        bar,
    )
    return found


def sideways(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found
