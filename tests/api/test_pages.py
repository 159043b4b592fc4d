"""The pages: they work without JavaScript, load nothing from elsewhere, and show hostile texts harmlessly."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.comparing import same_facts
from api.settings import Settings
from kb.corpus import shipped
from tests.api.conftest import BRIEF, Answer, Client
from tests.conftest import CASES

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
    "/map",
    "/map?q=We+replace+the+payroll+of+all+hospitals+in+one+weekend",
    "/compare",
    f"/compare?ids={CASE},multinational-erp-regions",
    "/contribute",
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
            self.labelled |= {attributes.setdefault("id", f"field {len(self.fields)}")} if "label" in self._open else set()
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
    assert re.fullmatch(r"/static/[0-9a-f]{12}/premortem\.css", style)
    response = client.get(style)
    assert response.content == (WEB / "static" / "premortem.css").read_bytes()
    assert "immutable" in response.headers["cache-control"]


def static_folder(client: Client) -> str:
    return next(target for target in page(client, "/").loaded if "premortem.css" in target).removesuffix("premortem.css")


@pytest.mark.parametrize(
    "name, kind",
    [("live.js", "text/javascript"), ("premortem.css", "text/css"), ("premortem.js", "text/javascript"), ("favicon.svg", "image/svg+xml")],
)
def test_static_file_has_its_type(client, name, kind):
    response = client.get(static_folder(client) + name)
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


def test_short_description_stands_in_one_link_to_share_and_nowhere_else(client):
    found = post(client, description="Operation Zanzibar replaces the payroll of all hospitals", industry="health")
    assert "Operation Zanzibar replaces" in found.text
    shared = [link for link in found.links if "Zanzibar" in link]
    assert shared == ["/search?q=Operation+Zanzibar+replaces+the+payroll+of+all+hospitals&industry=health"]
    assert page(client, shared[0]).headings == found.headings


def test_long_description_stands_in_no_address(client):
    found = post(client, description="Operation Zanzibar replaces the payroll of all hospitals. " * 20)
    assert "Operation Zanzibar replaces" in found.text
    assert not [link for link in found.links if "Zanzibar" in link]
    assert "too long for a link" in found.text


def test_description_too_long_for_an_address_is_kept_to_be_posted(client):
    response = client.get("/search", params={"q": "Operation Zanzibar replaces the payroll. " * 60})
    found = Page(response.text)
    assert response.status_code == 413
    assert "an address may hold 2,000" in found.text
    assert "Operation Zanzibar replaces" in found.text
    assert not [link for link in found.links if "Zanzibar" in link]


@pytest.mark.parametrize("address", ["/search", "/map"])
def test_line_breaks_of_a_form_do_not_count_twice(client, address):
    lines = "We replace the payroll.\r\n" * 2_000 + "x" * 1_000
    assert len(lines) > 50_000 > len(lines.replace("\r\n", "\n"))
    assert client.post(address, data={"description": lines}).status_code == 200


def test_words_that_plan_and_case_share_are_marked_in_both(client):
    html = client.post("/search", data={"description": BRIEF}).text
    pairs = re.findall(r'<div class="yours">(.*?)</div>\s*<div class="theirs">(.*?)</div>', html, re.DOTALL)
    marks = [[re.findall("<mark>(.*?)</mark>", side) for side in pair] for pair in pairs]
    assert sum(bool(yours) for yours, _ in marks) >= 3
    assert all(bool(yours) == bool(theirs) for yours, theirs in marks)


def test_signs_can_be_copied_as_markdown(client, answer: Answer):
    html = client.post("/search", data={"description": BRIEF}).text
    markdown = re.search(r'<textarea id="signs-markdown"[^>]*>\n(.*?)</textarea>', html, re.DOTALL)
    assert markdown
    assert markdown[1].startswith("# Signs to watch\n\n## ")
    assert markdown[1].count("\n- [ ] **") == len(answer["signs"])
    assert f"/cases/{answer['signs'][0]['cases'][0]})" in markdown[1]


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
def test_search_by_address_without_text_shows_the_form(client, address):
    assert page(client, address).headings == page(client, "/").headings


NARROWED = {"decade": ["2010s"], "industry": ["health", "retail"], "from_year": ["2000"]}


def carried(html: str) -> dict[str, list[str]]:
    """Return the filters that a page has no field for and so carries along."""
    hidden = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', html)
    return {name: [value for its, value in hidden if its == name] for name, _ in hidden}


def test_filters_that_the_form_cannot_show_are_told_and_carried_along(client):
    response = client.get("/search", params={"q": BRIEF, "phase": "go-live", **NARROWED})
    assert carried(response.text) == NARROWED
    off = re.findall(r'<button type="submit" form="ask" formnovalidate name="without" value="([^"]*)"', response.text)
    assert off == ["industry=health", "industry=retail", "decade=2010s", "from_year=2000"]
    assert '<select id="f-industry"' not in response.text
    assert re.search(r'value="go-live"\s+selected', response.text)
    again = client.post("/search", data={"description": BRIEF, "phase": "go-live", **NARROWED})
    assert carried(again.text) == NARROWED
    assert Page(again.text).headings == Page(response.text).headings


def test_a_carried_filter_can_be_taken_off(client):
    form = {"description": BRIEF, **NARROWED}
    response = client.post("/search", data={**form, "without": "decade=2010s"})
    assert carried(response.text) == {name: its for name, its in NARROWED.items() if name != "decade"}
    response = client.post("/search", data={**form, "without": "industry=retail"})
    assert "industry" not in carried(response.text)
    assert re.search(r'value="health"\s+selected', response.text)  # one value is what the form can show
    response = client.post("/search", data={**form, "description": "", "without": "decade=2010s"})
    assert response.status_code == 200
    assert Page(response.text).headings == page(client, "/").headings


def test_a_year_that_is_none_is_no_form_of_ours(client):
    assert client.post("/search", data={"description": BRIEF, "from_year": "soon"}).status_code == 400


def test_filters_that_leave_no_case_are_told(client):
    found = post(client, description=BRIEF, industry="retail", outcome="data-loss", phase="procurement")
    assert found.headings == ["No case has all of these filters"]
    assert "Any" in found.text


def test_each_example_of_the_home_page_finds_something(client):
    examples = [link for link in page(client, "/").links if link.startswith("/search?q=")]
    assert len(examples) == 2
    for example in examples:
        assert "precedent" in page(client, example).headings[0]


# --- browsing


def shown_cases(found: Page) -> set[str]:
    return {link.removeprefix("/cases/") for link in found.links if re.fullmatch(r"/cases/[a-z0-9-]+", link)}


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


def test_case_page_shows_its_parts_and_sources(client):
    found = page(client, f"/cases/{CASE}")
    case = client.get(f"/api/v1/cases/{CASE}").json()
    for heading in ("Undertaking", "What happened", "Symptoms", "What went wrong", "Lessons", "Prevention", "Sources", "Similar cases"):
        assert heading in found.text
    assert found.headings == [case["summary"]["title"]]
    assert {source["url"] for source in case["sources"] if source["url"]} <= set(found.links)
    assert "[^" not in found.text


def test_case_page_shows_four_situations_and_folds_the_others_away(client):
    situations = client.get(f"/api/v1/cases/{CASE}").json()["likenesses"]
    box = client.get(f"/cases/{CASE}").text.split('class="you"')[1].split("</section>")[0]
    shown, folded = box.split("<details")
    assert re.findall(r'id="L(\d+)"', shown) == [str(item["line"]) for item in situations[:4]]
    assert re.findall(r'id="L(\d+)"', folded) == [str(item["line"]) for item in situations[4:]]
    assert f"{len(situations) - 4} more situations" in folded


def test_every_footnote_of_a_case_page_leads_to_a_source(client):
    found = page(client, f"/cases/{CASE}")
    footnotes = {link[1:] for link in found.links if re.fullmatch(r"#(s\d+|inferred)", link)}
    assert footnotes
    assert footnotes <= set(found.ids)


def test_case_page_draws_the_timeline_with_the_time_between(client):
    html = client.get("/cases/uk-post-office-horizon-2019").text
    assert re.search(r'<li class="step4" id="L\d+"><b>2010 <small>11 years later</small></b>', html)


def test_case_page_says_how_to_cite_compare_and_take_it(client):
    found = page(client, f"/cases/{CASE}")
    assert re.search(rf"Case {CASE}, version [0-9a-f]{{8}} of \d{{4}}-\d\d-\d\d\. http\S+/cases/{CASE}", found.text)
    assert [link for link in found.links if re.fullmatch(rf"/compare\?ids={CASE},[a-z0-9-]+,[a-z0-9-]+", link)]
    assert client.get(f"/cases/{CASE}.md").text == client.get(f"/api/v1/cases/{CASE}.md").text
    assert "Edit this case" not in found.text


@pytest.mark.parametrize(
    "repository, address",
    [
        ("https://github.com/example/cases/", f"https://github.com/example/cases/edit/main/cases/studies/{CASE}.md"),
        ("https://gitlab.com/example/cases", f"https://gitlab.com/example/cases/-/edit/main/cases/studies/{CASE}.md"),
        ("https://gitlab.com/example/cases.git", f"https://gitlab.com/example/cases/-/edit/main/cases/studies/{CASE}.md"),
    ],
)
def test_case_page_leads_to_its_file_in_the_repository(real_index, repository, address):
    with TestClient(create_app(Settings(index=real_index, cases=(CASES,), repository=repository))) as client:
        assert address in page(client, f"/cases/{CASE}").links


def test_case_of_another_corpus_is_not_edited_in_the_repository(real_index):
    settings = Settings(index=real_index, cases=(Path("private"), CASES), repository="https://github.com/example/cases")
    with TestClient(create_app(settings)) as client:
        assert "Edit this case" not in page(client, f"/cases/{CASE}").text


def test_strategy_page_shows_the_passage_of_every_case_those_of_sources_first(client):
    html = client.get("/strategies/parallel-run").text
    links = client.get("/api/v1/strategies/parallel-run").json()["cases"]
    assert all(f'href="/cases/{link["case_id"]}#L{link["line"]}"' in html for link in links)
    said = re.findall("Reported by a source|Our advice, inferred", html)
    assert len(said) == len(links)
    assert said == sorted(said, reverse=True)


@pytest.mark.parametrize("address", ["/strategies/parallel-run.md", "/api/v1/strategies/parallel-run.md"])
def test_strategy_is_given_as_its_file(client, address):
    response = client.get(address)
    assert response.headers["content-type"].startswith("text/markdown")
    assert response.text == (CASES / "strategies" / "parallel-run.md").read_text("utf-8")


def test_category_page_counts_where_its_cases_broke(client):
    html = client.get("/categories/insufficient-testing").text
    counts = [int(count) for count in re.findall(r'<span class="count">(\d+)<', html)]
    assert sum(counts) == client.get("/api/v1/cases?category=insufficient-testing").json()["total"]
    assert len(counts) == len(client.get("/api/v1/terms").json()["phase"])


def test_category_page_says_whose_lessons_it_lists(client):
    notes = {}
    for each in client.get("/api/v1/categories").json():
        html = client.get(f"/categories/{each['id']}").text
        cases = client.get(f"/api/v1/categories/{each['id']}").json()["cases"]
        note = re.search(r'id="lessons">Lessons <small>(.*?)</small>', html)
        if note:
            notes.setdefault(any(case["categories"][0] == each["id"] for case in cases), set()).add(note[1])
    assert notes.pop(True) == {"of cases where it weighed most"}
    assert notes in ({}, {False: {"of all cases that name it"}})


def test_page_beyond_the_last_says_how_many_there_are(client):
    assert "There is only one page of these." in page(client, "/cases?q=payroll&industry=health&page=9").text
    assert re.search(r"There are only \d+ pages of these\.", page(client, "/cases?page=99").text)


def test_symptoms_stand_by_phase_in_a_comparison(client):
    phases = [term["name"] for term in client.get("/api/v1/terms").json()["phase"]]
    ids = [case["id"] for case in client.get("/api/v1/cases?page_size=500").json()["items"]]
    tagged = 0
    for pair in zip(ids[:40:2], ids[1:40:2], strict=True):
        html = client.get(f"/compare?ids={','.join(pair)}").text
        for cell in html.split('aria-labelledby="symptoms"')[1].split("</section>")[0].split('class="cell"')[1:]:
            order = [phases.index(name) for name in re.findall(r'<span class="tag">([^<]*?)</span>', cell)]
            assert order == sorted(order), pair
            tagged += len(order)
    assert tagged > 50


def test_what_drafts_leave_open_is_nothing_they_agree_in(searcher):
    replace = msgspec.structs.replace
    cases = []
    for stored in searcher.store.cases([0, 1]):
        meta = replace(stored.case.meta, phase="", industry="", country=None, outcome="abandoned")
        cases.append(replace(stored, case=replace(stored.case, meta=meta)))
    assert same_facts(cases) & {"phase", "industry", "country", "outcome"} == {"outcome"}


def test_category_page_ranks_strategies_by_its_own_cases(client):
    html = client.get("/categories/insufficient-testing").text
    named = [int(count) for count in re.findall(r"<span>(\d+) of these cases", html)]
    assert len(named) > 3
    assert named == sorted(named, reverse=True)


# --- errors, as people meet them


def error_page(client: Client, address: str, status: int) -> Page:
    response = client.get(address, headers={"accept": "text/html"})
    found = Page(response.text)
    assert response.status_code == status
    assert len(found.headings) == 1
    assert {"/", "/cases", "/categories"} <= set(found.links)
    assert "openapi" not in found.text
    return found


@pytest.mark.parametrize(
    "address, meant",
    [
        ("/cases/queensland-health-payroll-2011", f"/cases/{CASE}"),
        ("/cases/queensland", f"/cases/{CASE}"),
        ("/strategies/paralel-run", "/strategies/parallel-run"),
        ("/categories/insuficient-testing", "/categories/insufficient-testing"),
    ],
)
def test_mistyped_address_leads_to_what_was_meant(client, address, meant):
    found = error_page(client, address, 404)
    assert meant in found.links
    assert "premortem list" not in found.text


def test_unknown_address_leads_on(client):
    assert "no such page" in error_page(client, "/nowhere", 404).headings[0]


def test_unknown_filter_leads_on(client):
    assert "did you mean 'retail'" in error_page(client, "/cases?industry=retial", 422).text.lower()


def test_wrong_parameter_does_not_repeat_the_address(client):
    response = client.get("/api/v1/search", params={"q": "Zanzibar " * 300})
    assert response.status_code == 400
    assert "q: " in response.json()["detail"]
    assert "Zanzibar" not in response.text


def test_missing_index_is_told_to_readers_and_to_whoever_runs_the_server(tmp_path):
    with TestClient(create_app(Settings(index=tmp_path / "none"))) as client:
        found = error_page(client, "/cases/some", 503)
    assert "not open yet" in found.headings[0]
    assert "premortem index" in found.text


def test_failure_of_ours_is_told_without_its_inside(real_index, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr("api.pages.catalogue.list_categories", fail)
    with TestClient(create_app(Settings(index=real_index)), raise_server_exceptions=False) as client:
        found = error_page(client, "/categories", 500)
    assert "broke on our side" in found.headings[0]
    assert "secret" not in found.text


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


@pytest.mark.parametrize("address", ["/search", "/map"])
def test_a_description_that_was_posted_does_not_stay_in_memory(client: Client, address: str):
    from litestar import _parsers

    before = _parsers.parse_url_encoded_form_data.cache_info().currsize
    assert client.post(address, data={"description": "We move the Zanzibar depot to a new stock system."}).status_code == 200
    assert _parsers.parse_url_encoded_form_data.cache_info().currsize == before
