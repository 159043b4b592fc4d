"""Hostile cases and strategies, each with an attack in every section and free field, are shown harmlessly by every door."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.settings import Settings
from kb.parse import read_case
from tests.api.conftest import Client
from tests.hostile import ATTACKS, GIANT, build_hostile, case, write_corpus

SAFE_ADDRESS = re.compile(r"/(?!/)|#|https?://|mailto:")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
INLINE = {(tag, "") for tag in ("a", "code", "em", "strong", "sup", "mark")} | {("a", name) for name in ("href", "class", "rel", "title")}
"""What Markdown may become."""
BRIEF = "We move all shops to one till. Text and lead. It failed in go-live."


class Shape(HTMLParser):
    """The elements and attributes of a page, and the addresses it names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: set[tuple[str, str]] = set()
        self.addresses: set[str] = set()
        self.scripts: list[str | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        self.parts |= {(tag, ""), *((tag, name) for name, _ in pairs)}
        self.addresses |= {value or "" for name, value in pairs if name in {"href", "src", "action", "formaction", "srcset", "xlink:href"}}
        if tag == "script":
            self.scripts.append(dict(pairs).get("src"))

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, real_index: Path) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("attacked")
    index = build_hostile(folder / "index", real_index, write_corpus(folder / "corpus"))
    with TestClient(create_app(Settings(index=index))) as client:
        yield client


@pytest.fixture(scope="module")
def harmless(attacked: Client) -> set[tuple[str, str]]:
    """Every element and attribute of pages without an attack."""
    addresses = ["/", "/cases/attack-nothing", "/strategies/attack-nothing", "/categories/process-mismatch", "/cases?q=erp", "/categories"]
    pages = [attacked.get(address).text for address in [*addresses, "/strategies", "/search?q=payroll", "/cases/nothing"]]
    pages += [attacked.get("/nowhere", headers={"accept": "text/html"}).text, attacked.post("/search", data={"description": ""}).text]
    pages.append(attacked.post("/search", data={"description": "One ERP for all regions, and no training.", "phase": "go-live"}).text)
    return set().union(*(Shape(page).parts for page in pages)) | INLINE


def check(html: str, harmless: set[tuple[str, str]]) -> None:
    shape = Shape(html)
    assert shape.parts <= harmless
    assert [address for address in shape.addresses if not SAFE_ADDRESS.match(address)] == []
    assert all(script and script.startswith("/static/") for script in shape.scripts)
    assert not TURNING.search(html)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_adds_nothing_to_the_page_of_its_case(attacked, harmless, name):
    response = attacked.get(f"/cases/attack-{name}")
    assert response.status_code == 200
    check(response.text, harmless)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_adds_nothing_to_the_page_of_its_strategy(attacked, harmless, name):
    response = attacked.get(f"/strategies/attack-{name}")
    assert response.status_code == 200
    check(response.text, harmless)


@pytest.mark.parametrize(
    "address",
    ["/", "/cases", "/cases?status=disputed&page=2", "/cases?q=window", "/categories", "/categories/data-mapping", "/strategies"],
)
def test_attacks_add_nothing_to_pages_that_list_them(attacked, harmless, address):
    response = attacked.get(address)
    assert response.status_code == 200
    check(response.text, harmless)


def test_attacks_add_nothing_to_results(attacked, harmless):
    html = attacked.post("/search", data={"description": BRIEF, "industry": "retail"}).text
    assert html.count("/cases/attack-") > 5
    check(html, harmless)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_as_a_description_adds_nothing(attacked, harmless, name):
    for html in (
        attacked.post("/search", data={"description": f"We move all shops to one till. {ATTACKS[name]}"}).text,
        attacked.get("/search", params={"q": f"We move all shops. {ATTACKS[name]}"}).text,
        attacked.get("/cases", params={"q": ATTACKS[name][:200]}).text,
        attacked.get(f"/cases/{quote(ATTACKS[name])}", headers={"accept": "text/html"}).text,
    ):
        check(html, harmless)


@pytest.mark.parametrize("name", GIANT)
def test_giant_text_is_shown(attacked, harmless, name):
    check(attacked.get(f"/cases/giant-{name}").text, harmless)


@pytest.mark.parametrize("nested", ["\n".join("  " * depth + "- deep" for depth in range(2_000)), ">" * 20_000 + " deep"])
def test_deep_nesting_is_refused_and_told(nested):
    text = case("script", "Nested", "Nested").replace("It failed", f"It failed\n\n{nested}\n\n", 1)
    assert read_case(text, source="nested-2011.md")[1]


@pytest.mark.parametrize("address", ["javascript:window.pwned=1", "JaVaScRiPt:window.pwned=1", "data:text/html,x", "java%0Ascript:x"])
def test_source_with_a_hostile_address_is_refused(address):
    text = case("script", "Sourced", "Sourced").replace('https://example.org/?"><script>window.pwned=1</script>', address)
    assert [problem for problem in read_case(text, source="sourced-2011.md")[1] if "addr" in problem.message]


@pytest.mark.parametrize("kind", ["cases", "strategies"])
@pytest.mark.parametrize("name", ATTACKS)
def test_api_gives_attacks_as_data(attacked, kind, name):
    response = attacked.get(f"/api/v1/{kind}/attack-{name}")
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert " ".join(ATTACKS[name].splitlines()) in response.json()["summary"]["title"]


def test_api_search_gives_attacks_as_data(attacked):
    response = attacked.post("/api/v1/search", json={"description": BRIEF, "limit": 50})
    assert response.headers["content-type"].startswith("application/json")
    assert any(found["id"].startswith("attack-") for found in json.loads(response.text)["cases"])


@pytest.mark.parametrize("address", ["/cases/attack-script.md", "/strategies/attack-script.md", "/api/v1/cases/attack-script.md"])
def test_markdown_is_never_taken_for_a_page(attacked, address):
    response = attacked.get(address, headers={"accept": "text/html"})
    assert response.headers["content-type"].startswith("text/markdown")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_feed_holds_attacks_as_text(attacked):
    root = ET.fromstring(attacked.get("/api/v1/feed.atom").content)
    titles = {title.text or "" for title in root.iter("{http://www.w3.org/2005/Atom}title")}
    assert f"Attack script {ATTACKS['script']} (disputed)" in titles
    assert {element.tag.partition("}")[2] for element in root.iter()} == {
        *("feed", "title", "id", "updated", "link", "author", "name", "entry", "category", "summary")
    }
