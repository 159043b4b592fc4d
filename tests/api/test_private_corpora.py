"""Public and private cases side by side, with drafts and plain post-mortems, through every door."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.landscape import landscape
from api.serving import index_is_needed
from api.settings import Settings, load_settings, to_environ
from indexer.build import build_index
from indexer.searcher import open_searcher
from tests.api.conftest import Client, Ran, seed_index
from tests.conftest import CASES, SEEDS
from tests.kb.importers.conftest import VOCABULARY, import_path

PLAN = "We connect the label printers of all our warehouses to a new print server, and their drivers will update themselves."
PLAIN = """# Label printers went quiet

## Summary

Label printers of one warehouse stopped printing after their drivers had updated themselves.

## Contributing factors

- Drivers of label printers update themselves.

## Lessons

- A print server needs a test printer.
"""
ONLY_A_STORY = "# The scanner stood still\n\nA hand scanner lost its link whenever a fork-lift passed.\n"
FORK_LIFT = """---
title: Fork-lifts wait for a floor plan
organisation: null
industry: TODO
country: null
years: null
undertaking: TODO
categories: [data-quality]
phase: TODO
outcome: TODO
systems: []
evidence: practitioner
status: draft
---

## Undertaking

Fork-lifts without drivers were to fetch pallets by a floor plan. [^s1]

## What happened

The plan was of another hall, so they stood still. [^s1]

## Symptoms

- **They circled.** Each drove in circles on the first day. `TODO` [^s1]

## What went wrong

- **The plan was old.** Nobody had measured the hall. `data-quality` [^s1]

## Lessons

- **Measure the hall.** Compare plan and hall first. [^s1]

## Prevention

- **Measure before you drive.** Consider a walk through the hall. [^s1]

[^s1]: [Notes of the shift](), The warehouse, 2029. practitioner
"""
"""A draft that knows its category, and not yet its phase."""


@pytest.fixture(scope="module")
def served(real_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Settings]]:
    """A small public corpus, and a private one: a draft, a plain text, one that is nothing but a story, a withdrawn case."""
    folder = tmp_path_factory.mktemp("corpora")
    public, private = folder / "public", folder / "ours"
    (public / "studies").mkdir(parents=True)
    for name in SEEDS:
        shutil.copy(CASES / "studies" / f"{name}.md", public / "studies")
    shutil.copytree(CASES / "strategies", public / "strategies")
    import_path("auto", _file(folder / "archive" / "printers.md", PLAIN), private, VOCABULARY, today="2030-01-02")
    _file(private / "2029" / "scanner.md", ONLY_A_STORY)
    _file(private / "forklift.md", FORK_LIFT)
    withdrawn = (CASES / "studies" / f"{SEEDS[2]}.md").read_text("utf-8")
    title = next(line for line in withdrawn.splitlines() if line.startswith("title:"))
    _file(private / "taken-back.md", withdrawn.replace(title, "title: Taken back").replace("status: published", "status: withdrawn"))
    index = seed_index(folder / "index", real_index)
    settings = Settings(index=index, cases=(public, private), lenient=True)
    build_index(index, settings.cases, lenient=True)
    with TestClient(create_app(settings)) as client:
        yield client, settings


def _file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def client(served: tuple[Client, Settings]) -> Client:
    return served[0]


def search(client: Client, **filters: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.post("/api/v1/search", json={"description": PLAN, "filters": filters}).json()["cases"]
    return found


def test_a_draft_is_found_and_says_what_it_is(client):
    best = search(client)[0]
    assert (best["id"], best["status"], best["corpus"]) == ("label-printers-went-quiet", "draft", "ours")
    assert "TODO" not in json.dumps(search(client))


def test_a_post_mortem_of_nothing_but_a_story_is_found_by_it(client):
    answer = client.post("/api/v1/search", json={"description": "Hand scanners lose their radio link when a fork-lift passes."}).json()
    assert answer["cases"][0]["id"] == "scanner-stood-still"
    assert answer["cases"][0]["reasons"][0]["kind"] == "story"


def test_a_withdrawn_private_case_is_in_no_answer(client):
    assert "taken-back" not in {case["id"] for case in search(client)}
    assert client.get("/api/v1/cases/taken-back").status_code == 200


def test_drafts_can_be_left_out(client):
    assert {case["status"] for case in search(client, drafts=False)} <= {"published"}
    listed = client.get("/api/v1/cases?drafts=false").json()["items"]
    assert {case["status"] for case in listed} == {"published", "withdrawn"}
    assert len(client.get("/api/v1/cases").json()["items"]) == len(listed) + 3


def test_a_corpus_can_be_searched_alone(client):
    assert {case["corpus"] for case in search(client, corpus=["ours"])} == {"ours"}
    assert {case["corpus"] for case in client.get("/api/v1/cases?corpus=public").json()["items"]} == {"public"}


@pytest.mark.parametrize("path", ["/", "/cases", "/cases/label-printers-went-quiet", "/cases/scanner-stood-still", "/categories", "/map"])
def test_pages_show_cases_with_gaps(client, path):
    page = client.get(path)
    assert page.status_code == 200
    assert "TODO" not in page.text


def test_the_map_shows_drafts_without_cause_or_phase(client):
    html = client.get("/map").text
    assert '<th scope="row"><a href="/cases/scanner-stood-still">' in html
    assert "<td>Not known</td>" in html
    assert "(cause not known, draft, corpus ours)</title>" in html
    assert 'href="/cases?category=data-quality&amp;phase="' not in html


def test_a_large_map_tells_fields_without_a_known_cause(served, monkeypatch):
    monkeypatch.setattr("api.landscape.MANY", 0)
    marks = landscape(open_searcher(served[1].index)).marks
    assert {mark.address for mark in marks if mark.title.endswith("cause not known")} == {"/cases"}
    assert "/cases?category=" not in {mark.address for mark in marks}


def test_a_category_lists_a_draft_without_a_phase(client):
    html = client.get("/categories/data-quality").text
    group = html.partition("Phase not known")[2]
    assert '"/cases/forklift"' in group


def test_a_draft_without_categories_points_at_no_lessons_of_others(client):
    html = client.get("/cases/label-printers-went-quiet").text
    assert 'id="lessons"' in html
    assert "Lessons of other cases on" not in html


def test_pages_mark_drafts_and_name_the_corpus(client):
    listed = client.get("/cases").text
    assert listed.count('<span class="status">Draft</span>') == 3
    assert '<span class="status corpus">ours</span>' in listed
    assert '<span class="status corpus">public</span>' in listed
    page = client.get("/cases/label-printers-went-quiet").text
    assert "Not reviewed yet" in page
    assert ">ours</span>" in page
    results = client.post("/search", data={"description": PLAN}).text
    assert '<span class="status">Draft</span>' in results
    assert ">ours</span>" in results


MARK = re.compile(r'\s*<span class="status">(\w+)</span>')


def marked(html: str) -> dict[str, set[str]]:
    """Id of a case → the statuses that stand behind links to it; empty for a link without."""
    found: dict[str, set[str]] = {}
    for link in re.finditer(r'<a [^>]*href="/cases/([a-z0-9-]+)(?:#[^"]*)?"[^>]*>(?:(?!</a>).)+</a>', html, re.DOTALL):
        mark = MARK.match(html, link.end())
        found.setdefault(link[1], set()).add(mark[1] if mark else "")
    return found


@pytest.mark.parametrize("address", ["/categories/data-quality", "/map", "/cases"])
def test_pages_mark_drafts_at_every_link(client, address):
    html = client.get(address).text.partition("<main")[2].replace('<g class="marks">', "<!--").replace("</g>", "-->")
    found = marked(re.sub("<!--.*?-->", "", html, flags=re.DOTALL))
    names = {"draft": {"Draft"}, "withdrawn": {"Withdrawn"}, "published": {""}}
    statuses = {case["id"]: case["status"] for case in client.get("/api/v1/cases").json()["items"]}
    assert "draft" in {statuses[case_id] for case_id in found}
    assert found == {case_id: names[statuses[case_id]] for case_id in found}


def test_each_mark_of_the_map_tells_draft_withdrawn_and_corpus(client):
    titles = dict(re.findall(r'href="/cases/([a-z0-9-]+)"><title>(.*?)</title>', client.get("/map").text))
    assert titles["forklift"] == "Fork-lifts wait for a floor plan (data quality, draft, corpus ours)"
    assert titles["taken-back"].endswith(", withdrawn, corpus ours)")
    assert titles[SEEDS[0]].endswith(", corpus public)")
    assert "draft" not in titles[SEEDS[0]]


def test_matches_on_the_map_are_marked(client):
    html = client.post("/map", data={"description": PLAN}).text.partition('class="match"')[2].partition("</section>")[0]
    assert marked(html)["label-printers-went-quiet"] == {"Draft"}
    assert '<span class="status corpus">ours</span>' in html


@pytest.mark.parametrize("step", ["3", "7"])
def test_drafts_that_a_contribution_is_like_are_marked(client, step):
    html = client.post("/contribute", data={"title": "Label printers", "plan": PLAN, "step": step}).text
    found = marked(html.replace('<span class="vh"> (opens in a new tab)</span>', ""))
    assert found["label-printers-went-quiet"] == {"Draft"}


def test_drafts_to_add_to_a_comparison_are_marked(client):
    offered = client.get(f"/compare?ids={','.join(SEEDS[:3])}").text.partition('class="add"')[2].partition("</section>")[0]
    found = marked(re.sub(r"/compare\?ids=[^\"]*,", "/cases/", offered))
    statuses = {case["id"]: case["status"] for case in client.get("/api/v1/cases").json()["items"]}
    assert "draft" in {statuses[case_id] for case_id in found}
    assert {case_id for case_id, marks in found.items() if marks == {"Draft"}} == {each for each in found if statuses[each] == "draft"}


def test_a_case_that_is_alone_in_a_comparison_is_marked(client):
    assert marked(client.get("/compare?ids=forklift").text)["forklift"] == {"Draft"}


def test_the_feed_tells_drafts_withdrawn_cases_and_the_corpus(client):
    feed = client.get("/api/v1/feed.atom").text
    assert "<title>Fork-lifts wait for a floor plan (draft, corpus ours)</title>" in feed
    assert "<title>Taken back (withdrawn, corpus ours)</title>" in feed
    assert feed.count("(corpus public)</title>") == len(SEEDS)


def test_a_strategy_names_the_corpus_of_its_cases(client):
    strategy = next(each["id"] for each in client.get("/api/v1/strategies").json() if each["n_cases"])
    assert '<span class="status corpus">public</span>' in client.get(f"/strategies/{strategy}").text


def test_a_withdrawn_case_states_nothing_and_supports_no_strategy(client):
    taken_back = client.get("/api/v1/cases/taken-back").json()
    assert taken_back["lessons"]
    assert taken_back["symptoms"]
    for kind in ("lessons", "symptoms"):
        told = client.get(f"/api/v1/{kind}?page_size=500").json()["items"]
        assert {each["case"] for each in told} >= {*SEEDS, "forklift"}
        assert "taken-back" not in {each["case"] for each in told}
        assert {(each["status"], each["corpus"]) for each in told if each["case"] == "forklift"} == {("draft", "ours")}
    for strategy in client.get("/api/v1/strategies").json():
        its = client.get(f"/api/v1/strategies/{strategy['id']}").json()["cases"]
        assert strategy["n_cases"] == len({link["case_id"] for link in its} - {"taken-back"})
    for category in taken_back["summary"]["categories"]:
        found = client.get(f"/api/v1/categories/{category}").json()
        assert "taken-back" in {case["id"] for case in found["cases"]}
        assert "taken-back" not in {each["case"] for each in found["lessons"] + found["factors"]}
        html = client.get(f"/categories/{category}").text
        original = len([case for case in found["cases"] if case["id"] != "taken-back"])
        assert all(int(count) <= original for count in re.findall(r"<span>(\d+) of these cases", html))


def test_the_search_form_can_leave_drafts_out(client):
    page = client.post("/search", data={"description": PLAN, "drafts": "no"}).text
    assert "label-printers-went-quiet" not in page
    assert 'name="drafts" value="no" checked' in page


def test_neighbours_tell_status_and_corpus(client):
    neighbours = client.get(f"/api/v1/cases/{SEEDS[0]}/similar").json()
    assert {"public", "ours"} >= {each["corpus"] for each in neighbours}
    assert "draft" in {each["status"] for each in neighbours}
    assert client.get("/api/v1/cases/scanner-stood-still/similar").status_code == 200


def test_the_feed_holds_cases_without_an_undertaking(client):
    feed = client.get("/api/v1/feed.atom")
    assert feed.status_code == 200
    assert "hand scanner lost its link" in feed.text


def test_the_original_of_a_plain_post_mortem_is_served(client):
    assert client.get("/api/v1/cases/scanner-stood-still.md").text == ONLY_A_STORY


def test_the_terminal_says_the_same(served, premortem):
    index = served[1].index
    ran: Ran = premortem("search", PLAN, "--index", index)
    assert ran.code == 0
    assert "draft" in ran.out
    assert "corpus ours" in ran.out
    without: Ran = premortem("search", PLAN, "--no-drafts", "--index", index)
    assert "label-printers" not in without.out
    listed: Ran = premortem("list", "--index", index)
    assert [column in listed.out for column in ("status", "corpus", "draft", "ours")] == [True] * 4
    assert "Scanner" in (shown := premortem("show", "scanner-stood-still", "--index", index).out) or "scanner" in shown


def test_the_index_is_up_to_date_until_a_plain_file_changes(served):
    settings = served[1]
    assert not index_is_needed(settings)
    assert index_is_needed(Settings(index=settings.index, cases=settings.cases))
    extra = _file(settings.cases[1] / "2029" / "other.md", PLAIN.replace("printers", "scales"))
    assert index_is_needed(settings)
    extra.unlink()
    assert not index_is_needed(settings)


def test_the_setting_reaches_the_server_process():
    settings = load_settings({"PREMORTEM_LENIENT": "1"})
    assert settings.lenient
    assert load_settings(to_environ(settings)).lenient
