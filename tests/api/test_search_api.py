"""POST and GET /api/v1/search: the contract, and that every word of a reason is where it claims to be."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
import pytest

from api.schemas import CaseSummary
from tests.api.conftest import BRIEF, Answer, Client, problem

KEYS = {
    "answer": {"generation", "verdict", "n_cases", "cases", "strategies", "signs", "notices"},
    "case": {"id", "title", "band", "probability", "reasons", "corpus", "status", "organisation", "years", "industry", "undertaking"}
    | {"categories", "phase", "outcome", "evidence", "impact"},
    "reason": {"query", "query_start", "query_end", "lead", "passage", "kind", "tag", "line"},
    "strategy": {"id", "title", "phase", "effort", "roles", "addresses", "score", "evidence"},
    "evidence": {"case", "title", "corpus", "status", "line", "text", "inferred"},
    "sign": {"text", "detail", "phase", "cases"},
}


class Reason(msgspec.Struct):
    query: str
    passage: str
    kind: Literal["undertaking", "likeness", "symptom", "factor", "lesson", "prevention"]
    line: int


class Case(msgspec.Struct):
    id: str
    title: str
    band: Literal["strong", "related", "weak"]
    probability: float
    reasons: list[Reason]


class Evidence(msgspec.Struct):
    case: str
    line: int


class Strategy(msgspec.Struct):
    id: str
    title: str
    phase: str
    score: float
    evidence: list[Evidence]


class Sign(msgspec.Struct):
    text: str
    phase: str
    cases: list[str]


class Contract(msgspec.Struct):
    """What clients may rely on."""

    generation: str
    verdict: Literal["close", "nothing-close"]
    cases: list[Case]
    strategies: list[Strategy]
    signs: list[Sign]


@pytest.fixture(scope="module")
def contract(answer: Answer) -> Contract:
    return msgspec.convert(answer, Contract)


def line_of(client: Client, case_id: str, line: int) -> str:
    """Return a line of a case's Markdown file as a reader sees it: without footnote marks."""
    markdown = client.get(f"/api/v1/cases/{case_id}.md").text
    return re.sub(r"\s*\[\^\w+\]", "", markdown.split("\n")[line - 1])


def ids(answer: Answer) -> list[str]:
    return [case["id"] for case in answer["cases"]]


def search(client: Client, description: str = BRIEF, **more: Any) -> Answer:
    response = client.post("/api/v1/search", json={"description": description, **more})
    assert response.status_code == 200, response.text
    found: Answer = response.json()
    return found


def test_answer_keeps_the_contract(contract):
    assert contract.verdict == "close"
    assert contract.cases
    assert contract.strategies
    assert contract.signs
    assert re.fullmatch(r"[0-9a-f]{16}", contract.generation)


def test_answer_has_no_field_beyond_those_agreed(answer):
    found = {
        "answer": answer,
        "case": answer["cases"][0],
        "reason": answer["cases"][0]["reasons"][0],
        "strategy": answer["strategies"][0],
        "evidence": answer["strategies"][0]["evidence"][0],
        "sign": answer["signs"][0],
    }
    assert {name: set(part) for name, part in found.items()} == KEYS


def test_cases_come_best_first_with_calibrated_bands(contract):
    probabilities = [case.probability for case in contract.cases]
    bands = [("strong", "related", "weak").index(case.band) for case in contract.cases]
    assert probabilities == sorted(probabilities, reverse=True)
    assert bands == sorted(bands)
    assert all(0 <= probability <= 1 for probability in probabilities)
    assert len({case.id for case in contract.cases}) == len(contract.cases) == 10


def test_payroll_brief_finds_a_payroll_failure_as_strong_precedent(answer):
    strong = [case["id"] for case in answer["cases"] if case["band"] == "strong"]
    assert "queensland-health-payroll-2010" in strong


def test_every_reason_quotes_the_description_at_its_offsets(answer):
    for case in answer["cases"]:
        assert 1 <= len(case["reasons"]) <= 3
        for reason in case["reasons"]:
            assert BRIEF[reason["query_start"] : reason["query_end"]] == reason["query"] != ""


def test_every_reason_quotes_the_case_at_its_line(client, contract):
    for case in contract.cases:
        for reason in case.reasons:
            assert reason.passage
            assert reason.passage in line_of(client, case.id, reason.line)


def test_every_strategy_names_answered_cases_that_point_at_it(client, contract):
    found = {case.id for case in contract.cases}
    for strategy in contract.strategies:
        assert strategy.evidence
        for evidence in strategy.evidence:
            assert evidence.case in found
            assert f"strategies/{strategy.id}.md" in line_of(client, evidence.case, evidence.line)


def test_strategies_come_best_supported_first(contract):
    scores = [strategy.score for strategy in contract.strategies]
    assert scores == sorted(scores, reverse=True)
    assert len({strategy.id for strategy in contract.strategies}) == len(scores) == 12


def test_signs_come_in_order_of_phase(client, contract):
    phases = [term["id"] for term in client.get("/api/v1/terms").json()["phase"]]
    order = [phases.index(sign.phase) for sign in contract.signs]
    assert order == sorted(order)


def test_every_sign_is_a_symptom_of_answered_cases(client, contract):
    found = {case.id for case in contract.cases}
    for sign in contract.signs:
        assert set(sign.cases) <= found
        symptoms = client.get(f"/api/v1/cases/{sign.cases[0]}").json()["symptoms"]
        assert sign.text in {symptom["lead"] for symptom in symptoms}


def test_same_description_gets_the_same_answer(client, answer):
    assert search(client) == answer


def test_short_search_by_address_gives_the_same_answer(client):
    description = "All departments switch payroll on one weekend and the old mainframe is switched off."
    by_address = client.get("/api/v1/search", params={"q": description, "industry": "health", "limit": 4}).json()
    posted = search(client, description, filters={"industry": ["health"]}, limit=4)
    assert by_address["cases"]
    assert by_address == posted


@pytest.mark.parametrize("limit", [1, 3])
def test_limit_keeps_the_best(client, answer, limit):
    assert ids(search(client, limit=limit)) == ids(answer)[:limit]


def test_largest_limit_gives_a_hundred_cases(client):
    assert len(search(client, limit=100)["cases"]) == 100


@pytest.mark.parametrize(
    "facet, value, field",
    [
        ("industry", "health", "industry"),
        ("undertaking", "system-replacement", "undertaking"),
        ("category", "data-mapping", "categories"),
        ("phase", "go-live", "phase"),
        ("outcome", "abandoned", "outcome"),
        ("evidence", "official-report", "evidence"),
        ("status", "published", "status"),
        ("corpus", "cases", "corpus"),
    ],
)
def test_filter_keeps_only_cases_with_the_value(client, facet, value, field):
    found = search(client, filters={facet: [value]})
    assert found["cases"]
    assert all(value in (case[field] if isinstance(case[field], list) else [case[field]]) for case in found["cases"])


def test_system_filter_keeps_only_cases_with_that_system(client):
    found = search(client, filters={"system": ["payroll-and-hr"]})
    assert found["cases"]
    assert all("payroll-and-hr" in client.get(f"/api/v1/cases/{each}").json()["summary"]["systems"] for each in ids(found))


def test_several_values_of_a_facet_widen_and_several_facets_narrow(client):
    health = search(client, filters={"industry": ["health"]})["n_cases"]
    both = search(client, filters={"industry": ["health", "retail"]})["n_cases"]
    narrow = search(client, filters={"industry": ["health", "retail"], "outcome": ["abandoned"]})["n_cases"]
    assert narrow < both
    assert health < both


def test_year_filters_keep_cases_that_touch_the_span(client):
    found = search(client, filters={"from_year": 2005, "to_year": 2008}, limit=50)
    spans = [case["years"].split("-") for case in found["cases"]]
    assert spans
    assert all(int(span[-1]) >= 2005 and int(span[0]) <= 2008 for span in spans)


def test_filters_that_no_case_satisfies_give_nothing_close(client):
    found = search(client, filters={"from_year": 2900})
    assert (found["verdict"], found["n_cases"], found["cases"]) == ("nothing-close", 0, [])


@pytest.mark.parametrize(
    "text",
    [
        "My sourdough starter smells like nail polish and the loaf comes out flat. Should I feed it more often or use less water?",
        "Write me a haiku about the first frost on an empty playground.",
        "Chemistry homework: balance the equation for the combustion of propane and say how many moles of oxygen 2 mol need.",
    ],
)
def test_far_off_text_has_nothing_close(client, text):
    found = search(client, text)
    assert found["verdict"] == "nothing-close"
    assert found["cases"] == found["strategies"] == found["signs"] == []
    assert found["n_cases"] > 100


def test_answer_names_its_generation_in_a_header(client):
    response = client.post("/api/v1/search", json={"description": BRIEF})
    ready = client.get("/api/v1/health/ready").json()
    assert response.headers["premortem-generation"] == response.json()["generation"] == ready["generation"]


def test_every_answered_case_is_in_the_catalogue(client, contract):
    for case in contract.cases:
        summary = client.get(f"/api/v1/cases/{case.id}").json()["summary"]
        assert msgspec.convert(summary, CaseSummary).title == case.title


def test_a_score_is_explained(client: Client, answer: Answer):
    case = answer["cases"][0]
    explained = client.post("/api/v1/search/explain", json={"description": BRIEF, "case": case["id"]}).json()
    assert (explained["rank"], explained["band"], explained["probability"]) == (1, case["band"], case["probability"])
    assert {part["part"] for part in explained["parts"]} == {"whole", "headline", "best", "late", "lexical"}
    assert explained["sentences"][0]["query"] in BRIEF


def test_explaining_an_unknown_case_names_the_nearest(client: Client):
    body = problem(client.post("/api/v1/search/explain", json={"description": BRIEF, "case": "hershey-enterprise21"}), 404)
    assert "hershey-enterprise21-sap-1999" in body["next_step"]
