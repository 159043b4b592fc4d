"""Pages are made once a generation; what someone typed is never kept."""

from __future__ import annotations

import pytest
from litestar.testing import TestClient

from api.app import create_app
from api.keeping import MOST_KEY_BYTES, KeepPages
from api.settings import Settings
from indexer.build import build_index
from tests.api.conftest import BRIEF, Client

HTML = {"Accept": "text/html"}


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> list[KeepPages]:
    """The keeper of the app that is made next, to look into."""
    made: list[KeepPages] = []
    build = KeepPages.__init__

    def remember(self: KeepPages, *arguments: object, **named: object) -> None:
        build(self, *arguments, **named)  # type: ignore[arg-type]
        made.append(self)

    monkeypatch.setattr(KeepPages, "__init__", remember)
    return made


@pytest.fixture
def fresh(keeper: list[KeepPages], small_real_index) -> Client:
    return TestClient(create_app(Settings(index=small_real_index)))


def test_a_page_is_sent_again_as_it_was(fresh: Client, keeper):
    with fresh as client:
        client.get("/", headers=HTML)  # opens the index, so that a generation is at hand
        first = client.get("/map", headers=HTML)
        assert len(keeper[0]._pages) == 1
        again = client.get("/map", headers=HTML)
    assert again.text == first.text
    assert dict(again.headers) == dict(first.headers)
    assert again.headers["content-security-policy"]
    assert again.headers["etag"]


def test_replies_differ_by_what_the_client_can_read(fresh: Client):
    with fresh as client:
        client.get("/")
        packed = client.get("/map", headers={"Accept-Encoding": "gzip"})
        plain = client.get("/map", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


def test_nothing_that_was_typed_is_kept(fresh: Client, keeper):
    with fresh as client:
        client.get("/")
        for address in (f"/map?q={BRIEF[:50]}", f"/search?q={BRIEF[:50]}", "/cases?q=payroll", "/cases?phase=test&q=payroll"):
            assert client.get(address).status_code == 200
        assert client.post("/map", data={"description": BRIEF}).status_code == 200
        assert client.post("/search", data={"description": BRIEF}).status_code == 200
        client.get("/nowhere")
    assert len(keeper[0]._pages) == 0


def test_a_new_generation_replaces_every_page(fresh: Client, small_real_index, small_corpus):
    with fresh as client:
        client.get("/cases")
        assert "4 cases" in client.get("/cases").text
        assert "4 cases" in client.get("/cases").text
        next((small_corpus / "studies").iterdir()).unlink()
        build_index(small_real_index, [small_corpus])
        assert "3 cases" in client.get("/cases").text


def test_pages_not_asked_for_longest_make_room(keeper, small_real_index):
    with TestClient(create_app(Settings(index=small_real_index))) as client:
        keeper[0]._most_bytes = 60_000
        client.get("/")
        for number in range(60):
            assert client.get(f"/cases?page={number + 1}").status_code == 200
    assert 0 < sum(page.size for page in keeper[0]._pages.values()) <= 60_000
    assert any(b"page=60" in key for key in [key[1] for key in keeper[0]._pages])


@pytest.mark.parametrize(
    "address, headers",
    [
        (f"/categories?x={'x' * MOST_KEY_BYTES}", {}),
        ("/categories", {"Accept": "text/html" + " " * MOST_KEY_BYTES}),
        ("/categories", {"Host": "x" * MOST_KEY_BYTES}),
    ],
)
def test_nothing_is_kept_by_what_is_longer_than_any_link(fresh: Client, keeper, address, headers):
    with fresh as client:
        client.get("/")
        assert client.get(address, headers=headers).status_code == 200
        assert len(keeper[0]._pages) == 0


def test_what_a_page_is_kept_by_counts(fresh: Client, keeper):
    with fresh as client:
        client.get("/")
        client.get("/categories")
        client.get(f"/categories?x={'x' * 300}")
    short, long = keeper[0]._pages.values()
    assert long.size - len(long.body["body"]) == short.size - len(short.body["body"]) + 302
