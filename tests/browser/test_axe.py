"""Every page, in both themes, on a phone and on a desk: axe finds nothing, nothing scrolls sideways; pictures are kept to look at."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import CASE, HEIGHT, NOTHING, RESULTS, SCREENSHOTS, Opener, sideways

PAGES = {
    "home": "/",
    "results": RESULTS,
    "nothing": NOTHING,
    "cases": "/cases",
    "cases-filtered": "/cases?q=payroll&outcome=failed-go-live",
    "cases-none": "/cases?q=xyzzyplugh",
    "case": f"/cases/{CASE}",
    "categories": "/categories",
    "category": "/categories/insufficient-testing",
    "strategies": "/strategies",
    "strategy": "/strategies/parallel-run",
    "missing": "/cases/queensland-health-payrol",
}
"""Name of the pictures → address."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}


LOOKS = [(1280, "light"), (768, "light"), (360, "light"), (1280, "dark"), (768, "dark"), (360, "dark")]
EXAMINED = [(1280, "light"), (360, "dark")]
"""Looks that axe examines: each theme and the widest and narrowest window once, since it takes most of the time."""


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits(open_page: Opener, name: str) -> None:
    page = open_page(PAGES[name])
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    problems: list[tuple[object, ...]] = []
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{width}.png", full_page=True)
        if sideways(page) > 0:
            problems.append((width, theme, "scrolls sideways"))
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for width, theme in EXAMINED:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        found = Axe().run(page, options=RULES).response["violations"]
        problems += [(width, theme, each["id"], [node["failureSummary"] for node in each["nodes"][:3]]) for each in found]
    assert problems == []
