"""The catalogue under /api/v1, health, metrics, the OpenAPI document, caching and headers."""

from __future__ import annotations

import re

import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.settings import Settings
from kb.corpus import shipped
from tests.api.conftest import BRIEF, Client

CASE = "queensland-health-payroll-2010"
STRATEGY = "iterative-rollout"
CATEGORY = "data-mapping"
LISTS = ["cases", "lessons", "symptoms"]


def get(client: Client, path: str, **parameters):
    response = client.get(f"/api/v1/{path}", params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def total(client: Client, path: str = "cases", **parameters) -> int:
    return get(client, path, page_size=1, **parameters)["total"]


def test_every_case_file_is_listed_once_by_title(client):
    found = get(client, "cases", page_size=500)
    titles = [case["title"] for case in found["items"]]
    assert found["total"] == len(found["items"]) == len({case["id"] for case in found["items"]})
    assert titles == sorted(titles, key=str.casefold)
    assert {path.stem for path in (shipped("cases") / "studies").glob("*.md")} >= {case["id"] for case in found["items"]}


@pytest.mark.parametrize("path", LISTS)
def test_pages_join_to_the_whole_list(client, path):
    n = 2 * total(client, path, industry="retail") // 3
    pages = [get(client, path, industry="retail", page=page, page_size=n) for page in (1, 2, 3)]
    whole = get(client, path, industry="retail", page_size=500)
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert [len(page["items"]) for page in pages] == [n, whole["total"] - n, 0]
    assert {page["total"] for page in pages} == {whole["total"]}


def test_facets_narrow_the_list(client):
    found = get(client, "cases", industry="retail", outcome=["abandoned", "failed-go-live"], page_size=500)["items"]
    assert 0 < len(found) < total(client, industry="retail")
    assert all(case["industry"] == "retail" and case["outcome"] in {"abandoned", "failed-go-live"} for case in found)


def test_facet_values_split_the_cases(client):
    outcomes = [term["id"] for term in get(client, "terms")["outcome"]]
    assert sum(total(client, outcome=outcome) for outcome in outcomes) == total(client)


def test_empty_facet_counts_as_not_given(client):
    assert total(client, industry="", category="") == total(client)


def test_years_narrow_the_list(client):
    found = get(client, "cases", from_year=2015, to_year=2016, page_size=500)["items"]
    spans = [case["years"].split("-") for case in found]
    assert spans
    assert all(int(span[-1]) >= 2015 and int(span[0]) <= 2016 for span in spans)


def test_keywords_put_the_best_case_first(client):
    found = get(client, "cases", q="queensland payroll")
    assert found["items"][0]["id"] == CASE
    assert 1 < found["total"] < total(client)


def test_keywords_and_facets_narrow_together(client):
    found = get(client, "cases", q="payroll", industry="health", page_size=500)["items"]
    assert CASE in [case["id"] for case in found]
    assert {case["industry"] for case in found} == {"health"}


@pytest.mark.parametrize("keywords", ['"', "NEAR(", "a AND", "payroll* OR -x:y", "'; drop table cases; --"])
def test_keywords_are_no_query_language(client, keywords):
    assert total(client, q=keywords) <= total(client)


def test_keyword_that_occurs_nowhere_finds_nothing(client):
    assert get(client, "cases", q="xyzzyplugh")["items"] == []


def test_case_has_all_its_parts(client):
    case = get(client, f"cases/{CASE}")
    assert case["summary"]["id"] == CASE
    for part in ("undertaking", "likenesses", "story", "impact", "symptoms", "factors", "lessons", "prevention", "sources"):
        assert case[part], part
    assert {factor["tag"] for factor in case["factors"]} <= {term["id"] for term in get(client, "terms")["category"]}


def test_case_as_markdown_is_its_file(client, searcher):
    response = client.get(f"/api/v1/cases/{CASE}.md")
    assert response.headers["content-type"].startswith("text/markdown")
    assert response.text == searcher.store.case(CASE).markdown
    assert response.text.startswith("---\ntitle: ")


def test_similar_cases_show_statements_of_both(client):
    found = get(client, f"cases/{CASE}/similar", limit=7)
    assert len(found) == len({case["id"] for case in found} - {CASE}) == 7
    for other in found:
        line = client.get(f"/api/v1/cases/{other['id']}.md").text.split("\n")[other["line"] - 1]
        assert other["theirs"].rstrip(".") in re.sub(r"\s*\[\^\w+\]", "", line)


def test_payroll_failure_is_similar_to_another_payroll_failure(client):
    similar = [case["id"] for case in get(client, f"cases/{CASE}/similar")]
    assert any("payroll-and-hr" in get(client, f"cases/{each}")["summary"]["systems"] for each in similar)


def test_categories_are_those_of_the_vocabulary_with_their_counts(client):
    categories = get(client, "categories")
    assert [each["id"] for each in categories] == [term["id"] for term in get(client, "terms")["category"]]
    for each in categories[:3]:
        assert each["n_cases"] == total(client, category=each["id"]) > 0


def test_category_gathers_cases_factors_lessons_and_strategies(client):
    category = get(client, f"categories/{CATEGORY}")
    assert category["summary"]["n_cases"] == len(category["cases"])
    assert all(CATEGORY in case["categories"] for case in category["cases"])
    assert {factor["tag"] for factor in category["factors"]} == {CATEGORY}
    assert all(CATEGORY in strategy["addresses"] for strategy in category["strategies"])
    assert category["lessons"]
    linked = [strategy["n_cases"] for strategy in category["strategies"]]
    assert linked == sorted(linked, reverse=True) != []


def test_strategies_come_in_order_of_phase(client):
    phases = [term["id"] for term in get(client, "terms")["phase"]]
    strategies = get(client, "strategies")
    order = [(phases.index(each["phase"]), -each["n_cases"]) for each in strategies]
    assert order == sorted(order)
    assert len(strategies) == len(list((shipped("cases") / "strategies").glob("*.md")))


def test_strategies_are_filtered_by_phase_and_category(client):
    every = get(client, "strategies")
    found = get(client, "strategies", phase=every[0]["phase"], category=every[0]["addresses"][0])
    assert 0 < len(found) < len(every)
    assert {each["phase"] for each in found} == {every[0]["phase"]}
    assert all(every[0]["addresses"][0] in each["addresses"] for each in found)


def test_strategy_names_every_case_that_points_at_it(client):
    strategy = get(client, f"strategies/{STRATEGY}")
    pointing = {
        case["id"] for case in get(client, "cases", page_size=500)["items"] if f"strategies/{STRATEGY}.md" in markdown(client, case["id"])
    }
    assert {link["case_id"] for link in strategy["cases"]} == pointing
    assert strategy["summary"]["n_cases"] == len(pointing) > 0
    for part in ("steps", "missing_signs", "done_when", "limits"):
        assert strategy[part], part


def markdown(client: Client, case_id: str) -> str:
    return client.get(f"/api/v1/cases/{case_id}.md").text


@pytest.mark.parametrize("path, part", [("lessons", "lessons"), ("symptoms", "symptoms")])
def test_statements_are_those_of_the_cases(client, path, part):
    found = get(client, path, industry="retail", page_size=500)["items"]
    of_case = [item for item in found if item["case"] == found[0]["case"]]
    case = get(client, f"cases/{found[0]['case']}")
    assert [item["line"] for item in of_case] == [item["line"] for item in case[part]]
    assert case["summary"]["industry"] == "retail"


def test_symptoms_of_a_phase_are_those_that_show_in_it_whatever_phase_their_case_broke_in(client):
    found = get(client, "symptoms", phase="planning", industry="retail", page_size=500)["items"]
    everything = get(client, "symptoms", industry="retail", page_size=500)["items"]
    assert found == [sign for sign in everything if sign["tag"] == "planning"] != []
    assert {get(client, f"cases/{sign['case']}")["summary"]["phase"] for sign in found} - {"planning"}


def test_symptoms_of_several_phases_are_those_of_any(client):
    both = total(client, "symptoms", phase=["planning", "build"])
    assert both == total(client, "symptoms", phase="planning") + total(client, "symptoms", phase="build")


def test_lessons_of_a_phase_are_those_of_cases_that_broke_in_it(client):
    cases = {case["id"] for case in get(client, "cases", phase="planning", page_size=500)["items"]}
    assert {lesson["case"] for lesson in get(client, "lessons", phase="planning", page_size=500)["items"]} == cases


def test_statements_are_free_of_markdown(client):
    texts = [item["lead"] + item["text"] for item in get(client, "lessons", page_size=500)["items"]]
    assert not [text for text in texts if "[^" in text or "**" in text]


def test_terms_are_defined(client):
    terms = get(client, "terms")
    assert {"industry", "undertaking", "category", "phase", "outcome", "system", "evidence", "status"} <= set(terms)
    assert all(term["name"] and term["definition"] for vocabulary in terms.values() for term in vocabulary)


def test_health_tells_the_generation(client):
    assert get(client, "health/live")["status"] == "ok"
    ready = get(client, "health/ready")
    assert (ready["status"], ready["n_cases"]) == ("ok", total(client))


def test_metrics_count_requests_by_route_not_by_address(client):
    client.get("/api/v1/strategies/role-walkthrough")
    metrics = client.get("/metrics").text
    assert re.search(r'requests_total\{.*path="/api/v1/strategies/\{strategy_id\}".*status_code="200"', metrics)
    assert "role-walkthrough" not in metrics


# --- the OpenAPI document


@pytest.fixture(scope="module")
def document(client: Client):
    return get(client, "openapi.json")


@pytest.mark.parametrize("field", ["from_year", "to_year"])
def test_the_bounds_of_a_year_stand_in_the_document(document, field):
    year = document["components"]["schemas"]["Filters"]["properties"][field]
    assert (year["minimum"], year["maximum"]) == (1000, 3000)


def test_document_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Premortem"


def test_document_lists_every_route_that_exists(client, document):
    routes = {
        (route.path_format, method.lower())
        for route in client.app.routes
        if route.path_format.startswith(("/api/", "/metrics")) and not route.path_format.endswith("openapi.json")
        for method in route.methods - {"OPTIONS"}
    }
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    assert described == routes
    assert ("/api/v1/search", "post") in routes


def test_every_described_get_answers(client, document):
    ids = {"case_id": CASE, "category_id": CATEGORY, "strategy_id": STRATEGY}
    for path in [path for path, operations in document["paths"].items() if "get" in operations]:
        query = {"q": "payroll"} if path.endswith("/search") else {}
        assert client.get(path.format(**ids), params=query).status_code == 200, path


@pytest.mark.parametrize("path", ["/cases", "/strategies", "/lessons", "/symptoms", "/feed.atom"])
def test_document_tells_how_a_list_refuses_a_value(document, path):
    answers = document["paths"][f"/api/v1{path}"]["get"]["responses"]
    assert "422" in answers
    assert "404" not in answers


def test_every_reference_of_the_document_resolves(client, document):
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', client.get("/api/v1/openapi.json").text))
    assert references
    assert references <= set(schemas)


def test_every_operation_has_its_own_id_and_says_what_it_does(document):
    operations = [each for path, its in document["paths"].items() if path.startswith("/api/") for each in its.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) > 10
    assert all(each.get("description") for each in operations)


# --- caching


CACHED = [
    "/api/v1/cases",
    f"/api/v1/cases/{CASE}",
    f"/api/v1/cases/{CASE}.md",
    f"/api/v1/cases/{CASE}/similar",
    "/api/v1/categories",
    f"/api/v1/categories/{CATEGORY}",
    "/api/v1/strategies",
    f"/api/v1/strategies/{STRATEGY}",
    "/api/v1/lessons",
    "/api/v1/symptoms",
    "/api/v1/terms",
    "/",
    "/cases",
    f"/cases/{CASE}",
]


@pytest.mark.parametrize("path", CACHED)
def test_known_reply_is_not_sent_twice(client, path):
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["premortem-generation"] in first.headers["etag"]


def test_reply_of_another_generation_is_sent_again(client):
    assert client.get("/api/v1/cases", headers={"if-none-match": 'W/"0123456789abcdef-0.1.0"'}).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/search?q=payroll", "/search?q=payroll"])
def test_search_is_always_answered_anew(client, path):
    tag = client.get("/api/v1/cases").headers["etag"]
    response = client.get(path, headers={"if-none-match": tag})
    assert response.status_code == 200
    assert "etag" not in response.headers


def test_posted_search_is_always_answered_anew(client):
    tag = client.get("/api/v1/cases").headers["etag"]
    response = client.post("/api/v1/search", json={"description": BRIEF}, headers={"if-none-match": tag})
    assert response.status_code == 200
    assert "etag" not in response.headers


@pytest.mark.parametrize("first, other, status", [("/cases", "/cases/nope", 404), ("/cases", "/cases?industry=nope", 422)])
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_errors_are_told_to_a_client_that_has_this_generation(client, prefix, first, other, status):
    tag = client.get(prefix + first).headers["etag"]
    assert client.get(prefix + other, headers={"if-none-match": tag}).status_code == status


def test_a_setting_that_pages_show_ends_the_tags_from_before(real_index):
    with TestClient(create_app(Settings(index=real_index, cases=(shipped("cases"),)))) as client:
        tag = client.get(f"/cases/{CASE}").headers["etag"]
    settings = Settings(index=real_index, cases=(shipped("cases"),), repository="https://github.com/example/cases")
    with TestClient(create_app(settings)) as client:
        response = client.get(f"/cases/{CASE}", headers={"if-none-match": tag})
    assert response.status_code == 200
    assert "Edit this case" in response.text


def test_a_search_on_the_map_is_always_answered_anew(client):
    assert "etag" in client.get("/map").headers
    assert "etag" not in client.get("/map?q=payroll").headers


def test_errors_carry_no_etag(client):
    assert "etag" not in client.get("/api/v1/cases/zzzzzz").headers


# --- security headers


REPLIES = {
    "json": ("GET", "/api/v1/cases", {}, 200),
    "markdown": ("GET", f"/api/v1/cases/{CASE}.md", {}, 200),
    "page": ("GET", "/", {}, 200),
    "not modified": ("GET", "/", {"headers": {"if-none-match": "TAG"}}, 304),
    "search page without a text": ("GET", "/search", {}, 200),
    "style": ("GET", "STYLE", {}, 200),
    "metrics": ("GET", "/metrics", {}, 200),
    "health": ("GET", "/api/v1/health/live", {}, 200),
    "OpenAPI": ("GET", "/api/v1/openapi.json", {}, 200),
    "unknown id": ("GET", "/api/v1/cases/zzzzzz", {}, 404),
    "unknown address": ("GET", "/nowhere", {}, 404),
    "unknown page": ("GET", "/nowhere", {"headers": {"accept": "text/html"}}, 404),
    "unknown file": ("GET", "/static/nowhere.css", {}, 404),
    "wrong method": ("DELETE", "/api/v1/cases", {}, 405),
    "bad body": ("POST", "/api/v1/search", {"content": b"{"}, 400),
    "empty search": ("POST", "/search", {"data": {"description": ""}}, 422),
    "too much": ("POST", "/api/v1/search", {"content": b"a" * 1_000_001}, 413),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_every_reply_carries_the_security_headers(client, kind):
    method, path, more, status = REPLIES[kind]
    if status == 304:
        more = {"headers": {"if-none-match": client.get(path).headers["etag"]}}
    if path == "STYLE":  # its address holds a digest
        path = re.findall(r'href="(/static/[^"]+premortem.css)"', client.get("/").text)[0]
    response = client.request(method, path, **more)
    assert response.status_code == status
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
