"""HEAD answers like GET without its body, and a full server refuses at once."""

from __future__ import annotations

import queue
import threading

import httpx
import pytest
from litestar.testing import TestClient

from api.app import WAITING_PER_THREAD, create_app
from api.settings import Settings
from tests.api.conftest import BRIEF


@pytest.mark.parametrize(
    "address, status", [("/", 200), ("/cases", 200), ("/cases/nowhere", 404), ("/search?q=payroll", 200), ("/api/v1/cases", 200)]
)
def test_head_answers_like_get_without_a_body(client, address, status):
    got, headed = client.get(address), client.head(address)
    assert headed.status_code == got.status_code == status
    assert headed.content == b""
    assert {name: value for name, value in headed.headers.items() if name != "content-length"} == {
        name: value for name, value in got.headers.items() if name != "content-length"
    }


def test_head_of_a_known_generation_is_not_modified(client):
    tag = client.head("/cases").headers["etag"]
    assert client.head("/cases", headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize("accept, kind", [("text/html", "text/html"), ("*/*", "application/problem+json")])
def test_full_server_refuses_at_once_and_recovers(real_index, monkeypatch, accept, kind):
    done = threading.Event()

    def wait(*_: object, **__: object) -> list[object]:
        done.wait(30)
        return []

    monkeypatch.setattr("api.pages.catalogue.list_categories", wait)
    replies: queue.Queue[httpx.Response] = queue.Queue()
    with TestClient(create_app(Settings(index=real_index, threads=1))) as client:

        def ask() -> None:
            replies.put(client.get("/categories", headers={"accept": accept}))

        asking = [threading.Thread(target=ask) for _ in range(WAITING_PER_THREAD + 1)]
        for each in asking:
            each.start()
        refused = replies.get(timeout=25)  # the others wait
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert refused.headers["content-type"].startswith(kind)
        done.set()
        for each in asking:
            each.join(30)
        assert {replies.get(timeout=1).status_code for _ in range(WAITING_PER_THREAD)} == {200}
        assert client.post("/api/v1/search", json={"description": BRIEF}).status_code == 200
