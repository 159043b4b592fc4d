"""Contributions over HTTP: the check, and the form, which works without JavaScript, keeps nothing and survives hostile input."""

from __future__ import annotations

import logging
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from api.app import create_app
from api.checking import MAX_FINDINGS, MAX_MARKDOWN
from api.contribution import LAST, LISTS, MAX_ROWS, Form, Row, case_of, gap_words, markdown_of, read_form, step_of
from api.repository import Proposal, propose
from api.settings import Settings
from indexer.searcher import Searcher
from kb.parse import parse_case, read_case
from kb.render import render_case
from tests.api.conftest import Client, problem
from tests.conftest import CASES

CHECK = "/api/v1/contributions/check"
MARKDOWN = {"content-type": "text/markdown"}
GOOD = (CASES / "studies" / "warehouse-analytics-legacy.md").read_text("utf-8")
HOSTILE = '</textarea><script>alert(1)</script><img src=x onerror=alert(2)> " onfocus="alert(3)" [x](javascript:alert(4)) {{ 7 * 7 }} `%0A`'
WHOLE = {
    "title": "A bakery chain switches every till in one night and sells by hand for a week",
    "organisation": "",
    "country": "Norway",
    "years": "2024",
    "industry": "retail",
    "undertaking": "system-replacement",
    "phase": "go-live",
    "outcome": "rolled-back",
    "systems": ["web-platform", "payments"],
    "sources.0.title": "Review of the till switch",
    "sources.0.publisher": "The bakery chain",
    "sources.0.date": "2024-11",
    "sources.0.kind": "company-postmortem",
    "plan": "All forty shops of a bakery chain were to change their tills in one night.\n\nThe new ones were to order flour, too.",
    "plan_sources": "s1",
    "likenesses.0.text": "We will change the tills of all our shops on one Sunday; the old ones go back the day after.",
    "story": "The tills could not reach the stock system on the first morning.",
    "story_sources": "s1",
    "timeline.0.when": "2024-09-02",
    "timeline.0.text": "All shops open with the new tills.",
    "timeline.0.sources": "s1",
    "impact.0.lead": "Shops sold by hand for a week.",
    "impact.0.sources": "s1",
    "symptoms.0.lead": "The first shop had queues.",
    "symptoms.0.text": "It was the only one that tried a till before the night.",
    "symptoms.0.tag": "test",
    "symptoms.0.sources": "s1",
    "factors.0.lead": "Every shop changed at once.",
    "factors.0.text": "There was no shop left to learn from.",
    "factors.0.tag": "big-bang-rollout",
    "factors.0.sources": "s1",
    "lessons.0.lead": "Change a few shops first.",
    "lessons.0.text": "Go on when they have sold for a week.",
    "lessons.0.sources": "s1",
    "prevention.0.strategy": "iterative-rollout",
    "prevention.0.text": "consider three shops first: the missing network would have shown there.",
}
"""Everything that a complete case needs."""


class Fields(HTMLParser):
    """The form of a page as a browser without JavaScript sends it, and its buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self.actions: list[str] = []
        self.scripts = 0
        self.handlers: list[str] = []
        self._select = self._textarea = ""
        self._text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        its = {name: value or "" for name, value in pairs}
        self.scripts += tag == "script"
        self.handlers += [name for name in its if name.startswith("on")]
        if tag == "input" and (its.get("type") != "checkbox" or "checked" in its):
            self.sent.append((its["name"], its.get("value", "")))
        elif tag == "select":
            self._select = its["name"]
            self.sent.append((self._select, ""))
        elif tag == "option" and "selected" in its:
            self.sent[-1] = (self._select, its["value"])
        elif tag == "textarea" and "name" in its:
            self._textarea, self._text = its["name"], []
        elif tag == "button" and its.get("name") == "action":
            self.actions.append(its["value"])

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            self.sent.append((self._textarea, "".join(self._text).removeprefix("\n")))
            self._textarea = ""

    def with_action(self, action: str, **typed: str) -> dict[str, Any]:
        """What is sent when somebody types into fields of the page and presses a button that is there."""
        assert action in self.actions, f"no button {action} among {self.actions}"
        sent: dict[str, list[str]] = {}
        for name, value in self.sent:
            sent.setdefault(name, []).append(value)
        for name, value in typed.items():
            assert name in sent, f"no field {name}"
            sent[name] = [value]
        return {**sent, "action": [action]}


def form(client: Client, data: dict[str, Any], status: int = 200) -> str:
    response = client.post("/contribute", data=data)
    assert response.status_code == status, response.text[:500]
    assert "private" in response.headers["cache-control"]
    assert "no-store" not in response.headers["cache-control"]  # or the browser's back button shows an error
    return response.text


def markdown_in(html: str) -> str:
    match = re.search(r"data-markdown>\n(.*?)</textarea>", html, re.DOTALL)
    assert match
    return unescape(match[1])


def shown(html: str) -> str:
    """The text of a page, blanks as one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# --- the check


def test_a_published_case_has_no_findings_and_its_preview_and_neighbours(client: Client):
    report = client.post(f"{CHECK}?name=warehouse-analytics-legacy.md", content=GOOD, headers=MARKDOWN).json()
    assert report["findings"] == []
    assert report["id"] == "warehouse-analytics-legacy"
    assert "<h3>Real-time analytics bolted on" in report["preview"]
    assert "warehouse-analytics-legacy" not in [each["id"] for each in report["neighbours"]]
    assert not any(each["near_duplicate"] for each in report["neighbours"])


def test_the_same_event_under_another_name_is_a_near_duplicate(client: Client):
    told_again = GOOD.replace("Real-time analytics bolted on a 20-year-old", "Live analytics attached to a twenty-year-old")
    found = client.post(CHECK, json={"markdown": told_again, "name": "stock-system-2020.md"}).json()["neighbours"]
    assert [each["id"] for each in found if each["near_duplicate"]] == ["warehouse-analytics-legacy"]


def test_a_thousand_mistakes_are_counted_and_not_all_told(client):
    links = "".join(f"\n[x](../studies/zzz-{number:04}.md)" for number in range(1000))
    response = client.post(CHECK, content=GOOD.replace("\n## Lessons", links + "\n\n## Lessons"), headers=MARKDOWN)
    *told, last = response.json()["findings"]
    assert len(told) == MAX_FINDINGS
    assert (last["rule"], last["severity"]) == ("more", "error")
    assert last["line"] >= told[-1]["line"]
    n_more = int(last["message"].split()[0].replace(",", ""))
    assert 800 <= n_more < 900
    assert len(response.content) < 200_000


def test_findings_tell_place_rule_and_what_to_write(client: Client):
    broken = GOOD.replace("phase: go-live", "phase: go-liev").replace("`build` [^s1]", "`build` [^s7]", 1)
    findings = client.post(CHECK, json={"markdown": broken, "name": "warehouse-analytics-legacy.md"}).json()["findings"]
    lines = broken.split("\n")
    word = next(each for each in findings if each["rule"] == "vocabulary")
    assert (word["line"], word["severity"]) == (lines.index("phase: go-liev") + 1, "error")
    assert lines[word["line"] - 1][word["column"] - 1 :].startswith("go-liev")
    assert "'go-live'" in word["advice"]
    assert "source-undefined" in {each["rule"] for each in findings}


def test_markdown_and_json_are_answered_alike(client: Client):
    as_it_is = client.post(f"{CHECK}?name=x-2020.md", content=GOOD, headers=MARKDOWN).json()
    assert as_it_is == client.post(CHECK, json={"markdown": GOOD, "name": "x-2020.md"}).json()


def test_a_strategy_is_checked_too(client: Client):
    text = (CASES / "strategies" / "process-discovery.md").read_text("utf-8")
    report = client.post(CHECK, json={"markdown": text, "name": "strategies/process-discovery.md"}).json()
    assert (report["findings"], report["preview"], report["neighbours"]) == ([], "", [])


def test_the_preview_is_harmless(client: Client):
    hostile = GOOD.replace("The warehouse management system was", f"{HOSTILE} The warehouse management system was")
    hostile = hostile.replace("title: Real-time", "title: <script>alert(0)</script> Real-time")
    preview = client.post(CHECK, json={"markdown": hostile}).json()["preview"]
    found = Fields(preview)
    assert (found.scripts, found.handlers) == (0, [])
    assert "javascript:" not in re.sub(r">[^<]*<", "><", preview)
    assert "{{ 7 * 7 }}" in unescape(preview)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\x.md", "/", "", ".md", "\x00", "a" * 200, "strategies/../x", "😀.md"])
def test_odd_names_are_findings_not_failures(client: Client, name: str):
    assert client.post(CHECK, json={"markdown": GOOD, "name": name}).status_code == 200


@pytest.mark.parametrize(
    "content, content_type, status",
    [
        (b"", "text/markdown", 422),
        (b" \n", "text/markdown", 422),
        (b"\xff\xfe", "text/markdown", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"markdown": 7}', "application/json", 400),
        (b'{"markdown": "x", "unknown": 1}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"markdown": "\\ud800"}', "application/json", 400),
        (b"a" * (MAX_MARKDOWN + 1), "text/markdown", 413),
        (b"a" * (6 * MAX_MARKDOWN + 1), "text/markdown", 413),
    ],
    ids=["nothing", "blank", "bytes", "half", "list", "number", "unknown field", "deep", "surrogate", "long", "very long"],
)
def test_what_cannot_be_checked_is_told(client: Client, content: bytes, content_type: str, status: int):
    problem(client.post(CHECK, content=content, headers={"content-type": content_type}), status)


@pytest.mark.parametrize("text", ["#" * 5000, "- " * 3000, "[^" * 5000, "---\n" + "a: [" * 2000, "`" * 9000, "\x00\x07", "<" * 9000])
def test_odd_texts_are_answered(client: Client, text: str):
    assert client.post(CHECK, content=text.encode(), headers=MARKDOWN).json()["findings"]


def test_checks_are_limited_and_the_reply_says_what_to_do(real_index: Path):
    with TestClient(create_app(Settings(index=real_index, checks_per_minute=2))) as client:
        assert [client.post(CHECK, content=b"x", headers=MARKDOWN).status_code for _ in range(2)] == [200, 200]
        body = problem(client.post(CHECK, content=b"x", headers=MARKDOWN), 429)
        assert "wait a minute" in body["next_step"]
        assert client.post("/contribute", data={"step": "1", "title": "x"}).status_code == 200
        assert client.post("/api/v1/search", json={"description": "new payroll for hospitals"}).status_code == 200


def test_the_check_is_documented(client: Client):
    operation = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/contributions/check"]["post"]
    assert set(operation["requestBody"]["content"]) == {"text/markdown", "application/json"}
    assert {"200", "413", "422", "429", "503"} <= set(operation["responses"])
    assert "neither stored nor logged" in operation["description"]


def test_nothing_of_the_text_is_logged(client: Client, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    client.post(CHECK, json={"markdown": f"{GOOD}\nZanzibar", "name": "zanzibar-2020.md"})
    client.post(CHECK, content=b"\xffZanzibar", headers=MARKDOWN)
    form(client, {**WHOLE, "title": "Zanzibar", "step": str(LAST)})
    assert caplog.records
    assert "zanzibar" not in caplog.text.lower()


def test_nothing_that_was_typed_stays_in_memory(client: Client):
    from litestar import _parsers

    before = _parsers.parse_url_encoded_form_data.cache_info().currsize
    form(client, {**WHOLE, "title": "Zanzibar"})
    assert _parsers.parse_url_encoded_form_data.cache_info().currsize == before


# --- the form


def test_every_page_leads_to_the_form(client: Client):
    assert 'href="/contribute"' in client.get("/").text


def test_the_form_walks_through_every_step_without_javascript(client: Client):
    html = client.get("/contribute").text
    for step in range(1, LAST):
        page = Fields(html)
        typed = {name: value for name, value in WHOLE.items() if isinstance(value, str) and name in dict(page.sent)}
        data = page.with_action(f"step:{step + 1}", **typed)
        if step == 1:
            data["systems"] = WHOLE["systems"]
        if step == 4:  # a list that begins without an entry
            added = Fields(form(client, page.with_action("add:timeline", **typed)))
            timeline = {name: str(WHOLE[name]) for name in ("timeline.0.when", "timeline.0.text")}
            data = added.with_action("step:5", **timeline)
        html = form(client, data)
        assert f"step {step + 1} of {LAST}" in shown(html)
    page = Fields(html)
    html = form(client, page.with_action("stay", status="published"))
    case = parse_case(markdown_in(html), source="x.md")
    assert render_case(case) == markdown_in(html)
    assert "Complete" in shown(html)
    assert case.meta.title == WHOLE["title"]
    assert case.meta.systems == ("payments", "web-platform")
    assert case.meta.categories == ("big-bang-rollout",)
    assert case.meta.evidence == "company-postmortem"
    assert case.prevention[0].strategy == "iterative-rollout"
    assert [paragraph.text[-5:] for paragraph in case.undertaking] == ["[^s1]", "[^s1]"]
    assert case.timeline[0].when == "2024-09-02"


def test_a_whole_form_is_a_case_without_findings(client: Client):
    html = form(client, {**WHOLE, "step": str(LAST), "name": "bakery-chain-tills-2024", "status": "published"})
    report = client.post(CHECK, json={"markdown": markdown_in(html), "name": "bakery-chain-tills-2024.md"}).json()
    assert report["findings"] == []


def test_entries_come_and_go_by_buttons(client: Client):
    page = Fields(form(client, {**WHOLE, "step": "5"}))
    html = form(client, page.with_action("add:symptoms"))
    assert 'name="symptoms.1.lead"' in html
    assert re.search(r'id="symptoms\.1\.lead"[^>]* autofocus', html)
    page = Fields(html)
    html = form(client, page.with_action("remove:symptoms:0", **{"symptoms.1.lead": "The second sign."}))
    assert dict(Fields(html).sent)["symptoms.0.lead"] == "The second sign."
    assert 'name="symptoms.1.lead"' not in html


def test_removing_a_source_renumbers_what_cites_the_later_ones():
    data = {
        "sources.0.title": "A",
        "sources.1.title": "B",
        "sources.2.title": "C",
        "story": "One.[^s1] Two.[^s2] Three.[^s3]",
        "plan_sources": ["s1", "s2", "s3"],
        "symptoms.0.lead": "x",
        "symptoms.0.sources": ["s2", "s3"],
        "prevention.0.sources": ["s3", "inferred"],
        "prevention.0.lead": "y",
        "step": "2",
        "action": "remove:sources:1",
    }
    read = read_form(urlencode(data, doseq=True).encode())
    assert [row["title"] for row in read.rows["sources"]] == ["A", "C"]
    assert read["story"] == "One.[^s1] Two. Three.[^s2]"
    assert read.choices["plan_sources"] == ("s1", "s2")
    assert read.rows["symptoms"][0].sources == ("s2",)
    assert read.rows["prevention"][0].sources == ("s2", "inferred")


def test_a_list_has_an_end(client: Client):
    many = {f"symptoms.{number}.lead": f"Sign {number}" for number in range(MAX_ROWS)}
    page = Fields(form(client, {**many, "step": "5"}))
    assert "add:symptoms" not in page.actions
    problem(client.post("/contribute", data={**many, "step": "5", "action": "add:symptoms"}), 422)


def test_mistakes_are_told_in_the_step_where_they_are_mended(client: Client):
    html = form(client, {**WHOLE, "years": "soon", "sources.0.url": "ftp://x", "step": "2"})
    panel = html.partition("data-panel")[2].partition("</aside>")[0]
    assert "no web address" in panel
    assert "not a year" not in panel
    assert "1 to mend" in shown(html.partition('aria-label="Steps"')[2].partition("</nav>")[0])
    assert "Source 1" in unescape(panel)
    assert "[^s1]" not in panel


def test_gaps_are_told_in_the_words_of_the_form(client: Client):
    html = form(client, {"step": "5", "title": "x", "symptoms.0.lead": "Queues."})
    panel = shown(html.partition("data-panel")[2].partition("</aside>")[0])
    assert "The phase of a sign" in panel
    assert "TODO" not in panel


def test_the_panel_for_the_script_is_that_of_the_page(client: Client):
    data = {**WHOLE, "step": "5"}
    response = client.post("/contribute/panel", data=data)
    assert response.headers["cache-control"] == "no-store"
    assert shown(response.text) in shown(form(client, data))


def test_hostile_input_is_shown_harmlessly_in_every_step(client: Client):
    hostile = {name: HOSTILE if isinstance(value, str) else [HOSTILE] for name, value in WHOLE.items()}
    chosen = {"industry", "undertaking", "phase", "outcome", "systems"}  # from a list, where a word that is not in it stands for none
    texts = {"name", *(name for name in WHOLE if name not in chosen and not name.endswith(("sources", ".kind", ".tag", ".strategy")))}
    for step in range(1, LAST + 1):
        html = form(client, {**hostile, "step": str(step), "name": HOSTILE, "status": HOSTILE})
        page = Fields(html)
        assert page.handlers == []
        assert page.scripts == 2  # ours, by address
        assert "<script>" not in html
        assert not re.search(r'href="\s*javascript', html)
        assert {(name, HOSTILE) for name in texts} <= set(page.sent), step


@pytest.mark.parametrize("name", ["strategies/foo-2024", "strategies\\foo-2024.md", "cases/strategies/foo-2024", "/foo-2024"])
@pytest.mark.parametrize("path", ["/contribute", "/contribute/panel"])
def test_a_folder_before_the_name_is_left_out(client: Client, path: str, name: str):
    response = client.post(path, data={**WHOLE, "name": name, "step": str(LAST)})
    assert response.status_code == 200
    assert path != "/contribute" or "Download foo-2024.md" in response.text


def test_the_browser_refuses_no_button_for_an_address_without_its_scheme(client: Client):
    html = form(client, {**WHOLE, "sources.0.url": "example.org/report", "step": "2"})
    assert re.search(r"<form[^>]* novalidate[ >]", html)
    assert "no web address" in html


def test_a_footnote_that_is_no_source_is_told_and_shown_whole(client: Client):
    report = client.post(CHECK, json={"markdown": GOOD.replace("[^s1]", "[^report]"), "name": "x-2020.md"}).json()
    assert [each["rule"] for each in report["findings"] if "[^report]" in each["message"]] == ["source-form"]
    assert '<li id="report">report. ' in report["preview"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"%",
        b"\xff\xfe",
        b"step=99&action=step:99",
        b"step=-1",
        b"step=%C2%B2",
        b"action=remove:sources:99",
        b"action=add:nothing",
        b"action=" + b"x" * 5000,
        b"sources.99999999999999999999.title=x",
        b"sources.0.nothing=x&nothing.0.title=y&__proto__=1",
        b"systems=a&systems=b&symptoms.0.sources=s999999&prevention.0.sources=../x",
        b"story=" + b"%0A" * 3000,
        b"title=a%00b%0Ac",
        b"symptoms.7.lead=x&symptoms.3.lead=y&symptoms.3.tag=%60",
        b"name=..%2F..%2Fetc&step=7",
        b"years=2024&country=%5Bx%5D&organisation=%27%22%3A%20%23&step=7",
        b"sources.0.title=%5Ba%5D(b)&sources.0.publisher=2019.%20news&sources.0.url=javascript:x&step=7",
    ],
)
def test_odd_forms_are_answered(client: Client, body: bytes):
    response = client.post("/contribute", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert response.status_code in {200, 422}
    if response.status_code == 422:
        assert problem(response, 422)["next_step"]


def test_too_many_fields_are_refused(client: Client):
    body = "&".join(f"x{number}=1" for number in range(6000))
    problem(client.post("/contribute", content=body, headers={"content-type": "application/x-www-form-urlencoded"}), 422)


@pytest.mark.parametrize("path, length", [("/contribute", 120_000), ("/contribute", 700_000), ("/contribute/file", 700_000)])
def test_too_long_a_contribution_is_told_its_own_limit(client: Client, path: str, length: int):
    response = client.post(path, data={"title": "x", "story": "a" * length}, headers={"accept": "text/html"})
    assert response.status_code == 413
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", response.text) == ["That is too long for one case"]
    assert "100,000" in shown(response.text)
    assert "ell it shorter" in shown(response.text)
    assert "50,000" not in response.text
    assert "openapi" not in shown(response.text.partition("<footer")[0])


def test_too_many_entries_are_told_and_what_to_do(client: Client):
    many = {f"symptoms.{number}.lead": f"Sign {number}" for number in range(MAX_ROWS + 1)}
    response = client.post("/contribute", data={**many, "step": "5"}, headers={"accept": "text/html"})
    assert response.status_code == 422
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", response.text) == ["The form could not take that"]
    assert f"{MAX_ROWS + 1} entries under symptoms. Keep the {MAX_ROWS} that matter most" in shown(response.text)


def test_the_file_is_a_download_with_a_harmless_name(client: Client):
    response = client.post("/contribute/file", data={**WHOLE, "name": 'x"; filename=evil.exe\r\nSet-Cookie: a=b'})
    assert response.headers["content-disposition"] == 'attachment; filename="x-filename-evil-exe-set.md"'
    assert response.headers["content-type"].startswith("text/markdown")
    assert "set-cookie" not in response.headers
    assert response.text == markdown_in(form(client, {**WHOLE, "step": str(LAST)}))


def test_without_a_repository_no_pull_request_is_offered(client: Client):
    assert "Open a pull request" not in form(client, {**WHOLE, "step": str(LAST)})


@pytest.mark.parametrize("repository", ["https://git.example.org/team/premortem", "https://git.example.org/team/premortem/"])
def test_pull_request_link_carries_the_file(real_index: Path, repository: str):
    with TestClient(create_app(Settings(index=real_index, repository=repository))) as client:
        html = form(client, {"title": "Tills & more", "years": "2024", "step": str(LAST)})
    address = unescape(next(link for link in re.findall(r'href="([^"]+)"', html) if link.startswith("https://git.example.org")))
    parts = urlsplit(address)
    assert parts.path == "/team/premortem/new/main/cases/studies"
    assert parse_qs(parts.query) == {"filename": ["tills-more-2024.md"], "value": [markdown_in(html)]}


def test_a_text_too_long_for_a_link_is_to_be_pasted():
    proposal = propose(Settings(repository="https://git.example.org/team/premortem.git"), "x-2024", "ä" * 3000)
    assert proposal is not None
    assert proposal.address == "https://git.example.org/team/premortem/new/main/cases/studies?filename=x-2024.md"
    assert not proposal.is_filled


def test_gitlab_has_an_address_of_its_own_and_takes_no_text():
    proposal = propose(Settings(repository="https://gitlab.com/team/premortem.git"), "x-2024", "short")
    address = "https://gitlab.com/team/premortem/-/new/main/cases/studies?file_name=x-2024.md"
    assert proposal == Proposal(address, is_filled=False)


def test_a_new_case_goes_into_the_folder_that_the_first_corpus_has():
    settings = Settings(cases=(Path("our-failures"), CASES), repository="https://git.example.org/team/ours")
    proposal = propose(settings, "x-2024", "short")
    assert proposal is not None
    assert urlsplit(proposal.address).path == "/team/ours/new/main/our-failures/studies"


@pytest.mark.parametrize("address", ["/contribute"])
def test_the_form_has_a_label_for_each_field_and_each_id_once(client: Client, address: str):
    for step in range(1, LAST + 1):
        html = form(client, {**WHOLE, "step": str(step)})
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), step
        fields = [tag for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", html) if 'type="hidden"' not in tag]
        labels = set(re.findall(r'<label for="([^"]+)"', html))
        assert {re.search(r'id="([^"]+)"', tag)[1] for tag in fields} <= labels  # type: ignore[index]


# --- from the form to the file, as laws

_FIELDS = ("title", "organisation", "country", "years", "industry", "undertaking", "phase", "outcome", "plan", "story", "name", "status")
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=60)


def _typed(text: str) -> str:
    """What a text is without the characters that nobody types, its line ends as one character."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each for each in lines if each in "\t\n" or not (each < " " or each in "\x7f\ufeff"))


def _rows(columns: tuple[str, ...]) -> st.SearchStrategy[Row]:
    return st.builds(
        Row, st.fixed_dictionaries(dict.fromkeys(columns, _TEXT)), st.lists(st.sampled_from(["s1", "s2", "inferred", "x"])).map(tuple)
    )


_FORMS = st.builds(
    Form,
    step=st.integers(1, LAST),
    values=st.fixed_dictionaries(dict.fromkeys(_FIELDS, _TEXT)),
    choices=st.fixed_dictionaries(dict.fromkeys(["systems", "plan_sources", "story_sources"], st.lists(_TEXT, max_size=3).map(tuple))),
    rows=st.fixed_dictionaries({name: st.lists(_rows(spec.columns), max_size=2).map(tuple) for name, spec in LISTS.items()}),
)


@hypothesis_settings(max_examples=60)
@given(form=_FORMS)
def test_whatever_is_typed_is_carried_from_step_to_step(form: Form):
    elsewhere = Form(LAST, form.values, form.choices, form.rows)
    of_step = [(name, form[name]) for name in ("name", "status")]
    again = read_form(urlencode([*elsewhere.carried(), *of_step, ("step", str(LAST))]).encode())
    assert {name: again[name] for name in _FIELDS} == {name: _typed(value) for name, value in form.values.items()}
    for name, its in form.choices.items():
        assert again.choices.get(name, ()) == tuple(dict.fromkeys(map(_typed, its)))
    for name, rows in form.rows.items():
        assert [(dict(row.values), row.sources) for row in again.rows.get(name, ())] == [
            ({column: " ".join(_typed(value).split()) for column, value in row.values.items()}, tuple(dict.fromkeys(row.sources)))
            for row in rows
        ]


@hypothesis_settings(max_examples=60)
@given(form=_FORMS)
def test_whatever_is_typed_makes_a_file_that_can_be_read(searcher: Searcher, form: Form):
    strategies = {stored.strategy.id: stored.strategy for stored in searcher.store.strategies()}
    read = read_form(urlencode([*form.carried(), ("step", "1")]).encode())
    text = markdown_of(read, searcher.store.taxonomy, strategies)
    case, problems = read_case(text, source="x-2024.md")
    assert [each.text for each in case.undertaking]
    sections = [problem for problem in problems if problem.rule == "section"]
    assert not sections, sections
    for found in problems:
        assert 1 <= step_of(text, found.line) <= LAST


@pytest.mark.parametrize(
    "start", ["- a", "# a", "1. a", "> a", "```", "---", "===", "<div>", "* a", "+ a", "[x]: y", "[^s1]: z", "***", "1) a"]
)
def test_a_paragraph_that_looks_like_markdown_stays_a_paragraph(searcher: Searcher, start: str):
    read = Form(values={"plan": f"{start}\n\nsecond", "story": start})
    case = case_of(read, searcher.store.taxonomy, {})
    again = read_case(render_case(case), source="x.md")[0]
    assert [each.text for each in again.undertaking] == [each.text for each in case.undertaking]
    assert len(again.undertaking) == 2


def test_gap_words_name_what_is_asked_for():
    front = "---\nindustry: TODO\nphase: TODO\n---\n\n"
    text = f"{front}## Symptoms\n\n- **TODO: a sign, in words.** TODO: what. `TODO` [^s1]\n\n[^s1]: [TODO]()\n"
    lines = text.split("\n")
    sign = lines[7]
    assert gap_words(text, 2, 11) == "Industry"
    assert gap_words(text, 3, 8) == "Where it broke"
    assert gap_words(text, 8, sign.index("TODO") + 1) == "A sign, in words"
    assert gap_words(text, 8, sign.index("TODO: what") + 1) == "What"
    assert gap_words(text, 8, sign.rindex("TODO") + 1) == "The phase of a sign"


@pytest.mark.parametrize("address, step", [("/contribute", "7"), ("/contribute/panel", "5")])
def test_links_of_the_preview_do_not_leave_the_form(client, address, step):
    html = client.post(address, data={**WHOLE, "step": step}).text
    links = re.findall(r"<a [^>]*>", html.split('class="preview"')[1].split("</form>")[0].split("<footer")[0])
    leaving = [link for link in links if 'href="#' not in link]
    assert leaving
    assert all('target="_blank"' in link for link in leaving)
