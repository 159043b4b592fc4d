"""The pages: they work without JavaScript, load nothing from elsewhere, and show hostile texts harmlessly."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.settings import Settings
from kb.corpus import shipped
from tests.api.conftest import BRIEF, Answer, Client, build_seeded
from tests.conftest import CASES, SEEDS

WEB = shipped("web")
CASE = "queensland-health-payroll-2010"
PAGES = [
    "/",
    "/cases",
    "/cases?industry=retail&outcome=abandoned&q=erp",
    "/cases?q=xyzzyplugh",
    f"/cases/{CASE}",
    "/categories",
    "/categories/data-mapping",
    "/strategies",
    "/strategies/iterative-rollout",
    "/search?q=We+replace+the+payroll+of+all+hospitals+in+one+weekend",
    "/search?q=Write+me+a+haiku+about+the+first+frost",
]
LOADING = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("form", "action"),
    ("source", "src"),
    ("object", "data"),
}


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.inline: list[str] = []
        """Scripts, styles and event handlers that stand in the page itself, and addresses that would run."""
        self.labelled: set[str] = set()
        self.fields: list[tuple[str, dict[str, str]]] = []
        self.form: dict[str, str] = {}
        self.text = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in pairs}
        self._open.append(tag)
        if tag == "h1":
            self.headings.append("")
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" and "href" in attributes else []
        self.loaded += [value for name, value in attributes.items() if (tag, name) in LOADING]
        self.inline += [
            f"{tag} {name}={value}" for name, value in attributes.items() if name.startswith("on") or name in {"style", "srcdoc"}
        ]
        self.inline += [value for value in attributes.values() if re.match(r"\s*(javascript|data|vbscript):", value, re.IGNORECASE)]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in attributes) else []
        if tag == "label":
            self.labelled.add(attributes.get("for", ""))
        if tag in {"input", "textarea", "select"} and attributes.get("type") != "hidden":
            self.fields.append((tag, attributes))
        if tag == "form" and attributes.get("method", "").lower() == "post":
            self.form = attributes

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open[-1:] and data.strip():
            self.inline.append(data)
        if "h1" in self._open:
            self.headings[-1] += data
        self.text += data


def page(client: Client, address: str) -> Page:
    response = client.get(address)
    assert response.status_code == 200, response.text[:300]
    assert response.headers["content-type"].startswith("text/html")
    return Page(response.text)


def post(client: Client, status: int = 200, **form: str) -> Page:
    response = client.post("/search", data=form)
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"].startswith("text/html")
    return Page(response.text)


def textarea(html: Page) -> dict[str, str]:
    return next(attributes for tag, attributes in html.fields if tag == "textarea")


@pytest.mark.parametrize("address", PAGES)
def test_page_answers_with_one_heading(client, address):
    headings = page(client, address).headings
    assert len(headings) == 1
    assert headings[0].strip()


@pytest.mark.parametrize("address", PAGES)
def test_page_has_nothing_inline_and_loads_only_our_files(client, address):
    found = page(client, address)
    assert found.inline == []
    assert found.loaded
    assert all(target.startswith("/") and not target.startswith("//") for target in found.loaded)


@pytest.mark.parametrize("address", PAGES)
def test_page_has_each_id_once_and_a_label_for_each_field(client, address):
    found = page(client, address)
    assert len(set(found.ids)) == len(found.ids)
    assert [field for field in found.fields if field[1].get("id") not in found.labelled] == []


def test_no_link_within_the_site_is_dead(client):
    links = {link.partition("#")[0] for address in PAGES for link in page(client, address).links if link.startswith("/")}
    many = sorted(link for link in links if link.startswith("/cases"))
    followed = [*sorted(links - set(many)), *many[::5]]  # every case and filter would take ten seconds
    assert len(followed) > 100
    assert [link for link in followed if client.get(link).status_code != 200] == []


def test_style_sheet_is_linked_by_content_so_that_it_can_be_kept_for_ever(client):
    style = next(target for target in page(client, "/").loaded if "premortem.css" in target)
    assert re.search(r"\?v=[0-9a-f]{12}$", style)
    assert client.get(style).content == (WEB / "static" / "premortem.css").read_bytes()


@pytest.mark.parametrize(
    "name, kind", [("premortem.css", "text/css"), ("premortem.js", "text/javascript"), ("favicon.svg", "image/svg+xml")]
)
def test_static_file_has_its_type(client, name, kind):
    response = client.get(f"/static/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)


# --- searching


def test_search_form_posts_so_that_no_description_stands_in_an_address(client):
    found = page(client, "/")
    assert (found.form["method"].lower(), found.form["action"]) == ("post", "/search")
    assert textarea(found)["name"] == "description"


def test_results_show_cases_reasons_strategies_and_signs(client, answer: Answer):
    found = post(client, description=BRIEF)
    for case in answer["cases"]:
        assert f"/cases/{case['id']}" in found.links
        assert case["title"] in found.text
    assert all(f"/strategies/{strategy['id']}" in found.links for strategy in answer["strategies"])
    assert answer["cases"][0]["reasons"][0]["query"] in found.text
    assert answer["signs"][0]["text"].rstrip(".") in found.text


def test_results_keep_the_description_in_the_form_and_out_of_addresses(client):
    found = post(client, description="Operation Zanzibar replaces the payroll of all hospitals")
    assert "Operation Zanzibar replaces" in found.text
    assert not [link for link in found.links if "Zanzibar" in link]


def test_every_reason_leads_to_its_passage_in_the_case(client, answer: Answer):
    found = post(client, description=BRIEF)
    targets = {link for link in found.links if re.fullmatch(r"/cases/[^/?#]+#L\d+", link)}
    first = answer["cases"][0]
    assert f"/cases/{first['id']}#L{first['reasons'][0]['line']}" in targets
    for target in sorted(targets)[:15]:
        assert target.partition("#")[2] in page(client, target).ids, target


def test_form_filters_narrow_the_search_and_stay_chosen(client):
    response = client.post("/search", data={"description": BRIEF, "industry": "retail", "phase": ""})
    cases = {link.split("/")[2].partition("#")[0] for link in Page(response.text).links if link.startswith("/cases/")}
    assert cases
    assert {client.get(f"/api/v1/cases/{case}").json()["summary"]["industry"] for case in cases} == {"retail"}
    assert re.search(r'value="retail"\s+selected', response.text)


def test_far_off_description_says_nothing_close_and_what_to_try(client):
    found = post(client, description="Write me a haiku about the first frost on an empty playground.")
    assert "Nothing close" in found.headings[0]
    assert "/cases" in found.links


def test_notices_are_shown(client):
    assert "3 words say little" in post(client, description="new payroll system").text


@pytest.mark.parametrize(
    "form, status, told",
    [
        ({"description": ""}, 422, "description is empty"),
        ({"description": " \n"}, 422, "description is empty"),
        ({}, 422, "description is empty"),
        ({"description": "Kept " * 10_001}, 413, "50,000"),
        ({"description": "Kept " + "\x00" * 99}, 422, "not readable text"),
        ({"description": "Kept payroll", "industry": "retial"}, 422, "did you mean"),
    ],
)
def test_problem_is_told_beside_the_form_and_nothing_is_lost(client, form, status, told):
    found = post(client, status, **form)
    assert told in found.text.replace("Did", "did").replace("The d", "the d")
    assert textarea(found)["name"] == "description"
    assert len(found.headings) == 1
    assert "Kept" in found.text or not form.get("description", "").strip()


def test_search_by_address_shows_results(client):
    assert "strong precedent" in page(client, "/search?q=We+replace+the+payroll+of+all+hospitals+in+one+weekend").text


def test_search_by_address_with_filter(client):
    found = page(client, "/search?q=We+replace+the+payroll+in+one+weekend&industry=health")
    assert f"/cases/{CASE}" in {link.partition("#")[0] for link in found.links}


@pytest.mark.parametrize("address", ["/search", "/search?q=", "/search?q=+"])
def test_search_by_address_without_text_leads_to_the_form(client, address):
    response = client.get(address, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (302, "/")


def test_each_example_of_the_home_page_finds_something(client):
    examples = [link for link in page(client, "/").links if link.startswith("/search?q=")]
    assert len(examples) == 2
    for example in examples:
        assert "precedent" in page(client, example).headings[0]


# --- browsing


def shown_cases(found: Page) -> set[str]:
    return {link.removeprefix("/cases/") for link in found.links if re.fullmatch(r"/cases/[a-z0-9-]+", link)}


def test_browse_page_shows_every_case(client):
    every = client.get("/api/v1/cases?page_size=500").json()["items"]
    assert shown_cases(page(client, "/cases")) == {case["id"] for case in every}


def test_browse_filters_agree_with_the_api(client):
    address = "cases?industry=retail&outcome=abandoned&outcome=failed-go-live&from_year=2000"
    expected = {case["id"] for case in client.get(f"/api/v1/{address}&page_size=500").json()["items"]}
    assert shown_cases(page(client, f"/{address}")) == expected != set()


def test_browse_keywords_agree_with_the_api(client):
    expected = {case["id"] for case in client.get("/api/v1/cases?q=payroll&page_size=500").json()["items"]}
    assert shown_cases(page(client, "/cases?q=payroll")) == expected != set()


def test_chosen_filters_can_be_taken_off_and_added(client):
    links = [parse_qsl(urlsplit(link).query) for link in page(client, "/cases?industry=retail&q=system").links if link.startswith("/cases")]
    assert [("q", "system")] in links
    assert [("industry", "retail")] in links
    assert [[*pairs[:2], pairs[2][0]] for pairs in links if len(pairs) == 3].count([("q", "system"), ("industry", "retail"), "outcome"]) > 1


def test_counts_beside_filters_are_what_the_filter_then_shows(client):
    html = client.get("/cases?industry=retail").text
    counted = re.search(r'href="(/cases\?[^"]*outcome=[a-z-]+)"[^>]*>[^<]*<span class="count">(\d+)<', html)
    assert counted
    assert len(shown_cases(page(client, counted[1].replace("&amp;", "&")))) == int(counted[2])


def test_nothing_found_says_what_to_do(client):
    assert "Remove a filter" in page(client, "/cases?q=xyzzyplugh").text


def test_case_page_shows_its_parts_and_sources(client):
    found = page(client, f"/cases/{CASE}")
    case = client.get(f"/api/v1/cases/{CASE}").json()
    for heading in ("Undertaking", "What happened", "Symptoms", "What went wrong", "Lessons", "Prevention", "Sources", "Similar cases"):
        assert heading in found.text
    assert found.headings == [case["summary"]["title"]]
    assert {source["url"] for source in case["sources"] if source["url"]} <= set(found.links)
    assert "[^" not in found.text


def test_every_footnote_of_a_case_page_leads_to_a_source(client):
    found = page(client, f"/cases/{CASE}")
    footnotes = {link[1:] for link in found.links if re.fullmatch(r"#(s\d+|inferred)", link)}
    assert footnotes
    assert footnotes <= set(found.ids)


def test_unknown_case_page_names_the_way_on(client):
    response = client.get("/cases/queensland-health-payroll-2011", headers={"accept": "text/html"})
    found = Page(response.text)
    assert response.status_code == 404
    assert len(found.headings) == 1
    assert CASE in found.text
    assert "/cases" in found.links


# --- hostile texts


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("address", [f"/search?q=payroll+{HOSTILE}", f"/cases?q={HOSTILE}", "/cases?q=%22onfocus=alert(1)+autofocus"])
def test_text_of_an_address_is_shown_as_text(client, address):
    assert page(client, address).inline == []


def test_description_is_shown_as_text(client):
    hostile = f"We replace the payroll.</textarea>{HOSTILE} All hospitals switch on one weekend <b onclick=alert(1)>in March</b>."
    found = post(client, description=hostile)
    assert found.inline == []
    assert "</textarea><script>alert(1)" in found.text


def test_unknown_address_is_shown_as_text(client):
    response = client.get("/cases/%3Cscript%3Ealert(1)%3C%2Fscript%3E", headers={"accept": "text/html"})
    assert response.status_code == 404
    assert Page(response.text).inline == []


@pytest.fixture(scope="module")
def hostile_client(tmp_path_factory: pytest.TempPathFactory, real_index: Path) -> Iterator[Client]:
    """An app over a few cases, one of which has markup in all its texts."""
    folder = tmp_path_factory.mktemp("hostile")
    corpus = folder / "corpus" / "studies"
    corpus.mkdir(parents=True)
    shutil.copytree(CASES / "strategies", corpus.parent / "strategies")
    for name in SEEDS:
        shutil.copy(CASES / "studies" / f"{name}.md", corpus)
    (corpus / "hostile.md").write_text(hostile_case(), "utf-8")
    index = build_seeded(folder / "index", real_index, corpus.parent)
    with TestClient(create_app(Settings(index=index))) as client:
        yield client


def hostile_case() -> str:
    text = (
        f"{HOSTILE} [click](javascript:alert(1)) [here](data:text/html,x) ![x](https://example.org/x.png) \\<script\\>alert(2)\\</script\\>"
    )
    item = f"**Lead {text}.** Text {text}"
    return f"""---
title: 'Hostile {HOSTILE}'
organisation: '{HOSTILE}'
industry: retail
country: '"><script>alert(1)</script>'
years: 2011
undertaking: consolidation
categories: [data-mapping]
phase: go-live
outcome: abandoned
systems: []
evidence: news
status: published
---

## Undertaking

We move all shops to one till {text}.[^s1]

## Is this you?

- We move all shops to one till {text}

## What happened

It failed {text}.[^s1]

- 2011-05: It failed {text} [^s1]

## Impact

- {item} [^s1]

## Symptoms

- {item} `go-live` [^s1]

## What went wrong

- {item} `data-mapping` [^s1]

## Lessons

- {item} [^s1]

## Prevention

- {item} [^s1]

## Disputed

- It is disputed {text} [^s1]

[^s1]: [{HOSTILE}](https://example.org/?"><script>alert`1`</script>), {HOSTILE}. news
"""


@pytest.mark.parametrize("address", ["/cases/hostile", f"/cases/{SEEDS[0]}", "/cases", "/categories/data-mapping"])
def test_hostile_case_is_shown_as_text(hostile_client, address):
    found = page(hostile_client, address)
    assert "<script>alert(1)</script>" in found.text
    assert found.inline == []
    assert [target for target in found.loaded if not target.startswith("/")] == []


def test_hostile_statement_is_shown_whole(hostile_client):
    found = page(hostile_client, "/cases/hostile")
    assert found.text.count(f"Lead {HOSTILE}") >= 5  # impact, symptom, factor, lesson, prevention
    assert "<script>alert(2)</script>" in found.text


def test_hostile_case_is_shown_as_text_among_results(hostile_client):
    likeness = hostile_client.get(f"/api/v1/cases/{SEEDS[0]}").json()["likenesses"][0]["text"]
    found = post(hostile_client, description=likeness)
    assert "<script>alert(1)</script>" in found.text
    assert found.inline == []
