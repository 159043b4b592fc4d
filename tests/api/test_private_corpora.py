"""Public and private cases side by side, with drafts and plain post-mortems, through every door."""

from __future__ import annotations

import json
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
    assert "(cause not known)</title>" in html
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
