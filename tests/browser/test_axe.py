"""Every page, in both themes, on a phone and on a desk: axe finds nothing, nothing scrolls sideways; pictures are kept to look at."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from api.contribution import MAX_ROWS
from tests.api.test_contributing import WHOLE
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
    "map": "/map",
    "map-placed": RESULTS.replace("/search", "/map"),
    "map-nothing": NOTHING.replace("/search", "/map"),
    "compare": f"/compare?ids={CASE},multinational-erp-regions,lidl-elwis-sap-2018",
    "compare-wrong": "/compare?ids=queensland-health-payrol-2010,multinational-erp-regions",
    "compare-none": "/compare",
    "missing": "/cases/queensland-health-payrol",
    "contribute": "/contribute",
}
"""Name of the pictures → address."""
MISTAKES = {**WHOLE, "years": "soon", "sources.0.url": "example.org/report", "symptoms.0.tag": ""}
POSTED = {
    "search-wrong": ("/search", {"description": "Kept payroll", "industry": "retial"}),
    "contribute-2": ("/contribute", {**MISTAKES, "step": "2"}),
    "contribute-5": ("/contribute", {**MISTAKES, "step": "5"}),
    "contribute-7": ("/contribute", {**MISTAKES, "step": "7"}),
    "contribute-7-complete": ("/contribute", {**WHOLE, "step": "7", "status": "published"}),
    "contribute-wrong": ("/contribute", {f"symptoms.{number}.lead": "A sign" for number in range(MAX_ROWS + 1)}),
}
"""Name of the pictures → address, and the form that is sent there."""
SEND = """([address, pairs]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: address });
  for (const [name, value] of pairs) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
}"""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}


DEPENDS_ON_LOOK = ["color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"]
LOOKS = {(1280, "light"): RULES, (768, "dark"): None, (360, "dark"): {**RULES, "runOnly": {"type": "rule", "values": DEPENDS_ON_LOOK}}}
"""Window and theme → what axe examines: everything once, and again what another look can change, since it takes most of the time."""
MOST_BYTES = 60_000
"""A page may load, with all it needs, as it comes over the line."""
LOADED = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.encodedBodySize, 0)"""


def opened(open_page: Opener, name: str) -> Page:
    if name in PAGES:
        return open_page(PAGES[name])
    page = open_page("/")
    address, form = POSTED[name]
    pairs = [(field, value) for field, values in form.items() for value in ([values] if isinstance(values, str) else values)]
    with page.expect_navigation():
        page.evaluate(SEND, [address, pairs])
    return page


@pytest.mark.parametrize("name", [*PAGES, *POSTED])
def test_page_is_accessible_and_fits(open_page: Opener, name: str) -> None:
    page = opened(open_page, name)
    assert 5_000 < page.evaluate(LOADED) <= MOST_BYTES
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    problems: list[tuple[object, ...]] = []
    for (width, theme), rules in LOOKS.items():
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{width}.jpeg", full_page=True, type="jpeg", quality=80)
        if sideways(page) > 0:
            problems.append((width, theme, "scrolls sideways"))
        if rules:
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            found = Axe().run(page, options=rules).response["violations"]
            problems += [(width, theme, each["id"], [node["failureSummary"] for node in each["nodes"][:3]]) for each in found]
    assert problems == []
