"""Bad input, hostile input and broken indexes: the right status, a way on, and nothing of the description in the log."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.parameters import bounded
from api.settings import Settings
from kb.records import Filters
from tests.api.conftest import BRIEF, Client, generation_folder, problem

SEARCH = "/api/v1/search"
GERMAN = "Wir ersetzen die Lohnabrechnung für alle Behörden des Landes zum ersten Januar, ohne Parallelbetrieb und mit neuer Software."
JAPANESE = "病院グループの給与計算システムを三月の週末に一斉に切り替えます。研修は半日のオンライン講座だけです。"


def notices(client: Client, description: str) -> set[str]:
    response = client.post(SEARCH, json={"description": description})
    assert response.status_code == 200, response.text
    found = response.json()["notices"]
    assert all(notice["message"] and notice["next_step"] for notice in found)
    return {notice["code"] for notice in found}


@pytest.mark.parametrize("description", ["", "  \n\t ", "... !? --", "😀😀😀", "\u200b\u200b"])
def test_description_without_words_is_refused(client, description):
    body = problem(client.post(SEARCH, json={"description": description}), 422)
    assert body["type"] == "urn:premortem:bad-query"
    assert "empty" in body["detail"]


def test_three_words_are_answered_with_a_notice(client):
    assert notices(client, "new payroll system") == {"short"}


def test_plain_description_is_answered_without_notice(client):
    assert notices(client, BRIEF) == set()


@pytest.mark.parametrize("description", [GERMAN, JAPANESE])
def test_other_languages_are_answered_with_a_notice(client, description):
    assert "language" in notices(client, description)


def test_few_control_characters_are_read_as_blanks_with_a_notice(client):
    assert notices(client, f"{BRIEF}\x00 and \x07 more") == {"control-characters"}


def test_offsets_hold_after_control_characters(client):
    description = f"\x00\x01 {BRIEF}"
    case = client.post(SEARCH, json={"description": description}).json()["cases"][0]
    for reason in case["reasons"]:
        assert description[reason["query_start"] : reason["query_end"]] == reason["query"]


@pytest.mark.parametrize(
    "description", ["\x00\x01\x02\x03" * 50, "PK\x03\x04\x14\x00\x06\x00" * 40, "\ufffd" * 200], ids=["nul", "zip", "undecodable"]
)
def test_binary_is_refused_as_unreadable(client, description):
    body = problem(client.post(SEARCH, json={"description": description}), 422)
    assert "not readable text" in body["detail"]
    assert "paste" in body["next_step"]


def test_description_at_the_limit_is_answered(client):
    description = BRIEF.ljust(50_000)
    assert client.post(SEARCH, json={"description": description}).json()["verdict"] == "close"


@pytest.mark.parametrize("length", [50_001, 200_000])
def test_too_long_description_is_refused_not_cut(client, length):
    body = problem(client.post(SEARCH, json={"description": (BRIEF * 1000)[:length]}), 413)
    assert body["type"] == "urn:premortem:query-too-long"
    assert f"{length:,}" in body["detail"]
    assert "50,000" in body["detail"]


def test_body_over_the_limit_is_refused(client):
    problem(client.post(SEARCH, json={"description": "a" * 1_000_001}), 413)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"description": }',
        b'{"description": "\xff\xfe payroll"}',
        b'{"description": "\\ud800 x"}',
        b"[" * 100_000,
    ],
    ids=["nothing", "broken", "list", "null", "string", "no value", "not UTF-8", "lone surrogate", "deep"],
)
def test_body_that_is_no_json_object_is_refused(client, content):
    problem(client.post(SEARCH, content=content, headers={"content-type": "application/json"}), 400)


def test_form_sent_to_the_api_is_refused(client):
    problem(client.post(SEARCH, data={"description": BRIEF}), 400)


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "description"),
        ({"description": 7}, "description"),
        ({"description": None}, "description"),
        ({"description": ["a"]}, "description"),
        ({"description": BRIEF, "limit": "many"}, "limit"),
        ({"description": BRIEF, "limit": 2.5}, "limit"),
        ({"description": BRIEF, "filters": "retail"}, "filters"),
        ({"description": BRIEF, "filters": {"industry": "retail"}}, "industry"),
        ({"description": BRIEF, "filters": {"from_year": "soon"}}, "from_year"),
        ({"description": BRIEF, "filters": {"from_year": 999}}, "filters.from_year"),
        ({"description": BRIEF, "filters": {"to_year": 99999999999999999999}}, "filters.to_year"),
        ({"description": BRIEF, "filters": {"industri": ["retail"]}}, "industri"),
        ({"description": BRIEF, "filter": {}}, "filter"),
    ],
)
def test_wrong_types_and_unknown_fields_are_refused_by_name(client, body, field):
    assert field in problem(client.post(SEARCH, json=body), 400)["detail"]


def test_unknown_filter_value_names_the_nearest(client):
    body = problem(client.post(SEARCH, json={"description": BRIEF, "filters": {"industry": ["retial"]}}), 422)
    assert body["type"] == "urn:premortem:bad-filter"
    assert "'retial'" in body["detail"]
    assert "'retail'" in body["next_step"]


LONG = "x" * 40_000


@pytest.mark.parametrize("address", [f"/api/v1/cases/{LONG}", f"/api/v1/cases/{LONG}/similar", f"/cases/{LONG}", f"/categories/{LONG}"])
def test_name_longer_than_any_file_is_not_looked_for(client, address, monkeypatch):
    def looked_for(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("kb.store.did_you_mean", looked_for)
    monkeypatch.setattr("kb.taxonomy.did_you_mean", looked_for)
    assert LONG not in problem(client.get(address), 404)["detail"]


@pytest.mark.parametrize("path", ["/search", "/map"])
def test_filter_value_longer_than_any_term_is_not_told_whole(client, path):
    body = problem(client.post("/api/v1/search", json={"description": BRIEF, "filters": {"industry": [LONG]}}), 422)
    assert LONG[:100] in body["detail"]
    assert LONG[:1000] not in body["detail"]
    assert LONG[:1000] not in client.post(path, data={"description": BRIEF, "industry": LONG}).text
    assert LONG[:1000] not in client.get(f"/api/v1/cases?industry={LONG}").text


def test_filter_values_repeated_in_a_body_count_once():
    filters = Filters(phase=("build", "test") * 50_000, drafts=False, to_year=2010)
    assert bounded(filters) == Filters(phase=("build", "test"), drafts=False, to_year=2010)


def test_case_to_explain_has_no_name_longer_than_any_file(client):
    problem(client.post("/api/v1/search/explain", json={"description": BRIEF, "case": LONG}), 400)


@pytest.mark.parametrize("address", ["strategies?phase=", "strategies?category=", "feed.atom?category="])
def test_facet_of_a_list_is_refused_when_unknown_and_not_given_when_empty(client, address):
    assert problem(client.get(f"/api/v1/{address}zzzzzz"), 422)["type"] == "urn:premortem:bad-filter"
    everything = client.get(f"/api/v1/{address.partition('?')[0]}").text
    assert client.get(f"/api/v1/{address}").text.replace("?category=", "") == everything


@pytest.mark.parametrize("path", [f"{SEARCH}?q=payroll", "/api/v1/cases?", "/api/v1/lessons?", "/api/v1/symptoms?"])
def test_unknown_filter_value_in_an_address_names_the_nearest(client, path):
    assert "'abandoned'" in problem(client.get(f"{path}&outcome=abandonned"), 422)["next_step"]


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_limit_out_of_bounds_is_refused(client, limit):
    assert "100" in problem(client.post(SEARCH, json={"description": BRIEF, "limit": limit}), 422)["next_step"]
    assert "limit" in problem(client.get(SEARCH, params={"q": BRIEF, "limit": limit}), 400)["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "search",
        "search?q=" + "a" * 2001,
        "cases?page=0",
        "cases?page_size=501",
        "cases?from_year=soon",
        "cases?from_year=99999",
        "cases?q=" + "a" * 201,
        "cases/multinational-erp-regions/similar?limit=0",
    ],
)
def test_parameter_out_of_bounds_is_refused(client, address):
    problem(client.get(f"/api/v1/{address}"), 400)


@pytest.mark.parametrize(
    "address, name, hint",
    [
        ("cases?industri=retail", "industri", "did you mean 'industry'?"),
        ("cases?industry=retail&pagesize=5", "pagesize", "did you mean 'page_size'?"),
        ("symptoms?Phase=planning", "Phase", "did you mean 'phase'?"),
        ("strategies?industry=retail", "industry", "use one of: phase, category"),
        ("categories?industry=retail", "industry", "this address takes none"),
        ("cases/multinational-erp-regions?q=x", "q", "this address takes none"),
        ("feed.atom?categori=data-mapping", "categori", "did you mean 'category'?"),
        ("cases?" + "a" * 500, "a" * 60, "use one of"),
    ],
)
def test_unknown_parameter_is_refused_and_the_nearest_named(client, address, name, hint):
    body = problem(client.get(f"/api/v1/{address}"), 400)
    assert body["type"] == "urn:premortem:unknown-parameter"
    assert body["detail"] == f"unknown query parameter {name!r}"
    assert hint in body["next_step"]


def test_unknown_parameter_is_refused_of_a_client_that_has_the_answer_already(client):
    tag = client.get("/api/v1/cases").headers["etag"]
    problem(client.get("/api/v1/cases?industri=retail", headers={"if-none-match": tag}), 400)


def test_parameter_beside_a_body_is_refused(client):
    problem(client.post(f"{SEARCH}?limit=2", json={"description": BRIEF}), 400)


def test_every_parameter_that_the_description_tells_is_taken(client):
    for path, operations in client.get("/api/v1/openapi.json").json()["paths"].items():
        names = [each["name"] for each in operations.get("get", {}).get("parameters", []) if each["in"] == "query"]
        for name in names:
            refused = client.get(path, params={name: "x"})
            assert "unknown query parameter" not in refused.text, (path, name)


@pytest.mark.parametrize("address", ["/cases?industri=retail", "/?utm_source=mail", "/map?from=mail", "/search?q=payroll&fbclid=1"])
def test_pages_open_whatever_a_link_carries(client, address):
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("method, path", [("DELETE", "/api/v1/cases"), ("PUT", SEARCH), ("POST", "/api/v1/terms"), ("POST", "/cases")])
def test_wrong_method_is_refused(client, method, path):
    problem(client.request(method, path), 405)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/nowhere", "/api/v2/search", "/static/nowhere.css", "/static/..%2f..%2fpyproject.toml"]
)
def test_unknown_address_is_not_found(client, path):
    problem(client.get(path), 404)


@pytest.mark.parametrize("kind", ["cases", "strategies", "categories"])
def test_unknown_id_is_not_found_and_says_where_to_look(client, kind):
    body = problem(client.get(f"/api/v1/{kind}/zzzzzz"), 404)
    assert "'zzzzzz'" in body["detail"]


def test_misspelt_id_is_not_found_and_names_the_nearest(client):
    body = problem(client.get("/api/v1/cases/multinational-erp-region"), 404)
    assert "'multinational-erp-regions'" in body["next_step"]


@pytest.mark.parametrize(
    "path",
    ["cases/zzzzzz.md", "cases/%ff%fe", "cases/..%2fx", "cases/zzzzzz/similar"],
)
def test_unknown_part_of_an_address_is_not_found(client, path):
    problem(client.get(f"/api/v1/{path}"), 404)


@pytest.mark.parametrize(
    "path, status", [("/nowhere", 404), ("/cases/zzzzzz", 404), ("/cases?industry=retial", 422), ("/cases?from_year=x", 400)]
)
def test_browser_gets_a_page_with_the_way_on(client, path, status):
    response = client.get(path, headers={"accept": "text/html,application/xhtml+xml"})
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert str(status) in response.text
    assert 'href="/"' in response.text


def test_browser_gets_json_from_the_api(client):
    problem(client.get("/api/v1/nowhere", headers={"accept": "text/html"}), 404)


# --- broken indexes: each takes a copy of the real one and breaks it in one way


def missing(index: Path) -> None:
    shutil.rmtree(index)


def empty(index: Path) -> None:
    (index / "current").unlink()


def half_written(index: Path) -> None:
    (generation_folder(index) / "passages.faiss").unlink()


def truncated(index: Path) -> None:
    store = generation_folder(index) / "store.sqlite"
    store.write_bytes(store.read_bytes()[:1000])


def pointing_nowhere(index: Path) -> None:
    (index / "current").write_text("../../etc", "utf-8")


def without_manifest(index: Path) -> None:
    (generation_folder(index) / "manifest.json").write_text("{", "utf-8")


def without_model(index: Path) -> None:
    (index / "exports").unlink()


def foreign(index: Path) -> None:
    shutil.rmtree(index)
    index.mkdir()
    (index / "thesis.docx").write_bytes(b"PK")


def newer(index: Path) -> None:
    manifest = generation_folder(index) / "manifest.json"
    manifest.write_bytes(msgspec.json.encode(msgspec.json.decode(manifest.read_bytes()) | {"format": 99}))


BROKEN = [
    (missing, "index-missing"),
    (empty, "index-missing"),
    (half_written, "index-damaged"),
    (truncated, "index-damaged"),
    (pointing_nowhere, "index-damaged"),
    (without_manifest, "index-damaged"),
    (without_model, "encoder"),
    (foreign, "index-damaged"),
    (newer, "index-format"),
]


@pytest.mark.parametrize("harm, code", BROKEN, ids=[harm.__name__ for harm, _ in BROKEN])
def test_broken_index_is_told_with_the_way_to_mend_it(copied_index: Path, harm: Callable[[Path], None], code: str):
    harm(copied_index)
    with TestClient(create_app(Settings(index=copied_index))) as client:
        body = problem(client.post(SEARCH, json={"description": BRIEF}), 503)
        ready, live = client.get("/api/v1/health/ready"), client.get("/api/v1/health/live")
    assert body["type"] == f"urn:premortem:{code}"
    assert "premortem index" in body["next_step"]
    assert (ready.status_code, live.status_code) == (503, 200)
    assert "premortem index" in ready.json()["status"]


def test_browser_gets_a_page_when_there_is_no_index(tmp_path):
    with TestClient(create_app(Settings(index=tmp_path / "none"))) as client:
        response = client.get("/", headers={"accept": "text/html"})
    assert response.status_code == 503
    assert "premortem index" in response.text


def test_index_of_another_model_is_not_used(real_index):
    with TestClient(create_app(Settings(index=real_index, model="/models/other"))) as client:
        assert "/models/other" in problem(client.get("/api/v1/cases"), 503)["detail"]


def test_server_answers_once_the_index_is_there(tmp_path, copied_index):
    index = tmp_path / "later"
    with TestClient(create_app(Settings(index=index))) as client:
        problem(client.get("/api/v1/cases"), 503)
        copied_index.rename(index)
        assert client.get("/api/v1/cases").json()["total"] > 100


def test_earlier_generation_goes_on_when_a_new_one_is_broken(copied_index, caplog):
    with TestClient(create_app(Settings(index=copied_index))) as client:
        assert client.get("/api/v1/cases").status_code == 200
        (copied_index / "current").write_text("0123456789abcdef\n", "utf-8")
        assert client.get("/api/v1/cases").status_code == 200
    assert "the earlier one goes on" in caplog.text


# --- confidentiality


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all that the server logged; the test's own HTTP client logs addresses too."""
    return "\n".join(caplog.handler.format(record) for record in caplog.records if not record.name.startswith(("httpx", "httpcore")))


def test_description_never_stands_in_the_log(client, caplog):
    secret = "Operation Zanzibar replaces the payroll of all hospitals on one weekend"
    with caplog.at_level(logging.DEBUG):
        client.post(SEARCH, json={"description": secret})
        client.get(SEARCH, params={"q": secret})
        client.post("/search", data={"description": secret})
        client.post(SEARCH, json={"description": secret, "limit": "x", "filters": {"a": secret}})
        client.post(SEARCH, json={"description": secret * 1000})
        client.post(SEARCH, content=f'{{"description": "{secret}'.encode())
    assert logged(caplog).count("search: ") == 3
    assert "Zanzibar" not in logged(caplog)
    assert "Zanzibar" not in client.get("/metrics").text


def test_description_never_stands_in_the_log_of_a_failure(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG), TestClient(create_app(Settings(index=tmp_path / "none"))) as client:
        client.post(SEARCH, json={"description": "Operation Zanzibar"})
        client.get("/search", params={"q": "Operation Zanzibar"})
    assert "/search failed" in logged(caplog)
    assert "Zanzibar" not in logged(caplog)
