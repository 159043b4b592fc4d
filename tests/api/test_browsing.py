"""Browse, map and compare as replies: what a facet promises holds for every choice, maps work for any number of cases."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.browsing import PAGE_SIZE, offered
from api.comparing import MOST_ASKED
from api.families import FAMILIES, REST, families, family_index
from api.landscape import FRAMES, MANY, landscape, place
from api.settings import Settings
from indexer.build import build_index
from indexer.calibration import UNFITTED
from indexer.generation import current_generation
from indexer.searcher import Searcher
from kb.records import Filters
from tests.api.conftest import BRIEF, Client, build_seeded, seed_index
from tests.conftest import CASES, SEEDS

CASE = "queensland-health-payroll-2010"


@pytest.mark.parametrize(
    "filters, q",
    [
        (Filters(), ""),
        (Filters(industry=("retail",)), ""),
        (Filters(category=("data-mapping", "data-quality"), phase=("go-live",)), ""),
        (Filters(decade=("2000s",), from_year=2001), "payroll"),
        (Filters(outcome=("abandoned",), industry=("education",)), ""),
    ],
)
def test_every_value_offered_finds_as_many_cases_as_it_says(searcher: Searcher, filters, q):
    for facet in offered(searcher.store, filters, q):
        for value in facet.values:
            alone = msgspec.structs.replace(filters, **{facet.id: (value.id,)})
            rows = searcher.store.filter_rows(alone)
            if q:
                words = set(searcher.store.lexical([q]))
                rows = [row for row in rows if row in {each for each, _ in words}]
            assert value.n_cases == len(rows), (facet.id, value.id)


def test_facets_that_cannot_tell_cases_apart_are_left_out(small_real_index):
    with TestClient(create_app(Settings(index=small_real_index))) as client:
        html = client.get("/cases").text
    assert ">Corpus<" not in html
    assert ">Status<" not in html


def test_two_corpora_are_a_facet_and_so_are_drafts(tmp_path, real_index, small_corpus):
    private = tmp_path / "private"
    (private / "studies").mkdir(parents=True)
    text = (CASES / "studies" / "lidl-elwis-sap-2018.md").read_text("utf-8")
    (private / "studies" / "our-own.md").write_text(text.replace("status: published", "status: draft"), "utf-8")
    index = seed_index(tmp_path / "index", real_index)
    build_index(index, [small_corpus, private])
    with TestClient(create_app(Settings(index=index))) as client:
        html = client.get("/cases").text
        assert "/cases?corpus=private" in html
        assert "/cases?status=draft" in html
        assert "1 case" in client.get("/cases?corpus=private").text


def test_a_value_given_many_times_counts_once(client: Client):
    once = client.get("/cases?phase=build&phase=test").text
    assert client.get("/cases?" + "phase=build&phase=test&" * 250).text == once


def test_a_page_after_the_last_one_leads_back(client: Client):
    html = client.get("/cases?page=99&decade=2010s").text
    assert "/cases?decade=2010s" in html
    assert "Go to the first" in html


def test_a_page_holds_so_many_cases_and_keeps_the_choices(client: Client):
    html = client.get("/cases?decade=2010s&q=system").text
    assert html.count('name="ids"') == PAGE_SIZE
    assert "/cases?q=system&amp;decade=2010s&amp;page=2" in html


@pytest.mark.parametrize("address", ["/cases?decade=2010", "/map?category=nope&q=x", "/compare?ids=nope", f"/compare?ids={'a,' * 400}"])
def test_mistakes_are_answered_with_a_page(client: Client, address):
    response = client.get(address, headers={"Accept": "text/html"})
    assert response.status_code in {404, 422}
    assert response.headers["content-type"].startswith("text/html")
    assert "href=" in response.text


def test_every_category_is_of_one_family(searcher: Searcher):
    grouped = [category for family in FAMILIES for category in family.categories]
    assert sorted(grouped) == sorted(searcher.store.taxonomy.ids("category"))
    assert [family.name for family in families(searcher.store.taxonomy)] == [family.name for family in FAMILIES]


def test_a_category_of_another_taxonomy_gets_a_family_too(searcher: Searcher):
    taxonomy = searcher.store.taxonomy
    ours = msgspec.structs.replace(taxonomy.terms("category")[0], id="our-own-cause", name="Our own cause")
    extended = msgspec.structs.replace(taxonomy, category=(*taxonomy.category, ours))
    assert families(extended)[-1] == (REST, ("our-own-cause",))
    assert family_index("our-own-cause") == len(families(extended)) - 1


def test_map_and_heat_tell_what_the_store_holds(searcher: Searcher):
    shown = landscape(searcher)
    assert len(shown.marks) == len(shown.rows) == shown.n_cases == len(searcher.store.case_ids)
    for category, phase in (("data-mapping", "go-live"), ("weak-monitoring", "operation"), ("unclear-goals", "test")):
        assert shown.heat[category][phase] == len(searcher.store.filter_rows(Filters(category=(category,), phase=(phase,))))
    assert landscape(searcher) is shown


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_labels_name_places_where_most_cases_have_what_they_say(searcher: Searcher, frame):
    places = (3 + searcher.places * 94) * [frame.width, frame.height] / 100
    labels = landscape(searcher).labels[frame.name]
    assert len(labels) >= 5
    for label in labels:
        facet, value = label.address.removeprefix("/cases?").split("=")
        holders = places[searcher.store.filter_rows(Filters(**{facet: (value,)}))]
        apart = np.linalg.norm(holders - np.array([label.x, label.y]) * [frame.width, frame.height] / 100, axis=1)
        assert (apart < 130).sum() >= 3, label.lines


def test_a_project_stands_nearer_to_its_matches_than_to_most(searcher: Searcher):
    answer = searcher.search(BRIEF)
    placed = place(searcher, answer.cases)
    assert placed
    ids = searcher.store.case_ids
    apart = np.linalg.norm(3 + searcher.places * 94 - [placed.x, placed.y], axis=1)
    assert apart[ids.index(answer.cases[0].id)] < np.median(apart)
    assert [line.number for line in placed.lines] == list(range(1, len(placed.lines) + 1))
    assert place(searcher, ()) is None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_map_of_a_few_cases_is_a_page(tmp_path: Path, real_index, small_corpus, count):
    for name in SEEDS[count:]:
        (small_corpus / "studies" / f"{name}.md").unlink()
    with TestClient(create_app(Settings(index=build_seeded(tmp_path / "few", real_index, small_corpus)))) as client:
        for address in ("/map", "/cases", f"/compare?ids={SEEDS[0]},{SEEDS[1]}"):
            assert client.get(address).status_code in ({200} if "compare" not in address or count > 1 else {404})
        placed = client.post("/map", data={"description": "Our plant connects its warehouse system to analytics."})
    assert placed.status_code == 200
    assert len(re.findall(r'<use href="#k\d" x="[\d.]+%"', placed.text)) == count


def test_a_map_of_very_many_cases_stays_small(tmp_path: Path, small_corpus, hash_encoder):
    seed = (small_corpus / "studies" / f"{SEEDS[0]}.md").read_text("utf-8")
    title = re.search(r"^title: (.*)$", seed, re.MULTILINE)
    assert title
    for number in range(MANY + 20):
        (small_corpus / "studies" / f"copy-{number}.md").write_text(seed.replace(title[1], f"Copy number {number}"), "utf-8")
    build_index(tmp_path / "many", [small_corpus], encoder=hash_encoder)
    folder, manifest = current_generation(tmp_path / "many")
    searcher = Searcher(folder, manifest, hash_encoder, UNFITTED)
    shown = landscape(searcher)
    assert shown.n_cases == MANY + 20 + len(SEEDS)
    assert shown.rows == []
    counts = [int(mark.title.split()[0]) for mark in shown.marks]
    assert sum(counts) == shown.n_cases
    assert len(counts) < MANY
    assert all(mark.size and mark.address.startswith("/cases?category=") for mark in shown.marks)


@pytest.mark.parametrize("address", ["/cases", "/map", f"/compare?ids={CASE},lidl-elwis-sap-2018"])
def test_pages_that_follow_from_the_cases_alone_can_be_kept(client: Client, address):
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_a_description_sent_to_the_map_is_not_logged(client: Client, caplog):
    with caplog.at_level("INFO"):
        assert client.post("/map", data={"description": BRIEF}).status_code == 200
    assert "search:" in caplog.text
    assert "hospital" not in caplog.text


def test_the_map_keeps_a_description_it_cannot_use(client: Client):
    response = client.post("/map", data={"description": "x" * 60_000})
    assert response.status_code == 413
    assert "x" * 1000 in response.text
    assert 'role="alert"' in response.text


def test_the_map_tells_filters_that_no_case_has_from_nothing_close(client: Client):
    form = {"description": BRIEF, "industry": "retail", "outcome": "data-loss", "phase": "procurement"}
    html = client.post("/map", data=form).text
    assert "No case has all of these filters" in html
    assert "Nothing close" not in html
    assert "Nothing close in" in client.post("/map", data={"description": "Write me a haiku about the first frost on a playground."}).text


def test_compare_reads_ids_in_one_and_in_several_parameters(client: Client):
    together = client.get("/compare", params={"ids": f"{SEEDS[0]},{SEEDS[1]}"}).text
    apart = client.get("/compare", params={"ids": [SEEDS[0], SEEDS[1]]}).text
    assert together == apart
    assert together.count('class="cell"') > 10
    assert client.get("/compare", params={"ids": f"{SEEDS[0]},{SEEDS[0]}"}).text.count('class="cell"') == 0


def test_hostile_ids_do_no_harm(client: Client):
    html = client.get("/compare", params={"ids": '<script>alert(1)</script>,"onload=x'}).text
    assert "<script>alert" not in html


def test_compare_reads_only_the_first_ids_and_says_so(client: Client):
    response = client.get("/compare", params={"ids": ",".join(f"no-such-case-{number}" for number in range(40))})
    assert response.status_code == 404
    assert response.text.count("There is no case") == MOST_ASKED
    assert "28 more were left out" in response.text
    assert "left out" not in client.get("/compare", params={"ids": ",".join(f"no-such-case-{number}" for number in range(MOST_ASKED))}).text
