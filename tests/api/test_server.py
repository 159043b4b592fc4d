"""`premortem serve` as people run it: a real process on a real port."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from indexer.build import build_index
from tests.api.conftest import BRIEF, seed_index
from tests.conftest import CASES, SEEDS
from tests.serving import START_S, Server, free_port


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, real_index: Path) -> Path:
    """Holds a small corpus, and an index folder that has the exported model but no index yet."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "corpus" / "studies").mkdir(parents=True)
    for name in SEEDS:
        shutil.copy(CASES / "studies" / f"{name}.md", folder / "corpus" / "studies")
    shutil.copytree(CASES / "strategies", folder / "corpus" / "strategies")
    seed_index(folder / "index", real_index)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server that had to build its index first; its port comes from the environment."""
    port = free_port()
    arguments = ["--index", folder / "index", "--cases", folder / "corpus"]
    with Server(folder / "log", *arguments, port=port, PREMORTEM_PORT=port) as server:
        yield server.wait_until_ready()


def test_server_builds_the_index_and_answers(server):
    answer = httpx.post(f"{server.url}/api/v1/search", json={"description": BRIEF}, timeout=30).raise_for_status().json()
    assert answer["n_cases"] == len(SEEDS)
    assert "Indexed 4 cases" in server.said()


def test_server_says_where_it_is_on_the_port_of_the_environment(server):
    assert f"Premortem is at {server.url} " in server.said()


def test_pages_and_static_files_are_served(server):
    html = httpx.get(server.url).raise_for_status().text
    style = re.search(r'href="(/static/[^"]+\.css[^"]*)"', html)
    assert style
    assert httpx.get(server.url + style[1]).raise_for_status().headers["content-type"].startswith("text/css")


def test_addresses_are_those_by_which_the_proxy_was_asked(server):
    asked = {"host": "cases.example.org", "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    case = httpx.get(f"{server.url}/cases/{SEEDS[0]}", headers=asked).raise_for_status().text
    assert f"https://cases.example.org/cases/{SEEDS[0]}" in case
    found = httpx.get(f"{server.url}/search", params={"q": BRIEF}, headers=asked, timeout=30).raise_for_status().text
    assert "https://cases.example.org/search?q=" in found
    feed = httpx.get(f"{server.url}/api/v1/feed.atom", headers=asked).raise_for_status().text
    assert "<id>https://cases.example.org/api/v1/feed.atom</id>" in feed
    assert "http://cases.example.org" not in case + found + feed


def checks_left(server: Server, *hops: str) -> int:
    """The allowance that is left after a check which came through these."""
    headers = {"content-type": "text/markdown", "x-forwarded-for": ", ".join(hops)}
    response = httpx.post(f"{server.url}/api/v1/contributions/check", content=b"x", headers=headers, timeout=30).raise_for_status()
    return int(response.headers["ratelimit-remaining"])


def test_each_client_behind_the_proxy_has_an_allowance_of_its_own(server):
    first = checks_left(server, "203.0.113.9")
    assert checks_left(server, "203.0.113.9") == first - 1
    assert checks_left(server, "203.0.113.10") == first
    assert checks_left(server, "198.51.100.1", "203.0.113.9") == first - 2  # what a client says of itself counts for nothing


def test_only_the_named_proxy_is_believed(folder):
    port = free_port()
    arguments = ["--index", folder / "index", "--cases", folder / "corpus", "--port", port]
    with Server(folder / "elsewhere", *arguments, port=port, PREMORTEM_PROXIES="192.0.2.7") as server:
        server.wait_until_ready()
        forged = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
        feed = httpx.get(f"{server.url}/api/v1/feed.atom", headers=forged).raise_for_status().text
        assert f"<id>{server.url}/api/v1/feed.atom</id>" in feed
        assert checks_left(server, "203.0.113.9") == checks_left(server, "203.0.113.10") + 1


def test_body_over_the_limit_is_refused_by_the_real_server(server):
    response = httpx.post(f"{server.url}/api/v1/search", content=b"a" * 3_000_000, timeout=30)
    assert response.status_code == 413
    assert response.json()["next_step"]


def test_reindexing_switches_the_generation_without_a_failed_request(server, folder):
    before, seen, failures, done = server.generation(), set(), [], threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            while not done.is_set():
                response = client.post("/api/v1/search", json={"description": BRIEF})
                seen.add(response.headers.get("premortem-generation"))
                if response.status_code != 200 or response.json()["generation"] != response.headers["premortem-generation"]:
                    failures.append(response.text)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for each in asking:
        each.start()
    shutil.copy(CASES / "studies" / "lidl-elwis-sap-2018.md", folder / "corpus" / "studies")
    built = build_index(folder / "index", [folder / "corpus"])
    end = time.monotonic() + 30
    while built.generation not in seen and time.monotonic() < end:
        time.sleep(0.05)
    done.set()
    for each in asking:
        each.join()
    assert failures == []
    assert seen == {before, built.generation}
    assert server.generation() == built.generation != before


def test_start_and_service_log_no_warning_and_no_description(server):
    said = server.said()
    assert not re.search(r"warn|error|deprecat|traceback", said, re.IGNORECASE), said
    assert re.search(r"INFO search: \d+ characters, (close|nothing-close), \d+ cases, [\d.]+ ms", said)
    assert "hospital" not in said


def test_second_server_on_the_port_fails_at_once(server, folder):
    port = int(server.url.rpartition(":")[2])
    with Server(folder / "second", "--index", folder / "none", "--port", port, port=port) as second:
        assert second.process.wait(20) == 8
        assert f"port {port} on 127.0.0.1 is in use" in second.said()
    assert not (folder / "none").exists()


def test_server_that_cannot_build_ends_with_the_exit_code_of_the_build(folder):
    (folder / "bad").mkdir()
    (folder / "bad" / "notes.md").write_text("Just notes.", "utf-8")
    with Server(folder / "third", "--index", folder / "none", "--cases", folder / "bad", "--port", free_port(), port=0) as third:
        assert third.process.wait(START_S) == 4
        assert "notes.md:1" in third.said()


def test_server_takes_no_package_from_where_it_is_started(folder, tmp_path, real_index):
    for name in ("api", "indexer", "kb", "litestar", "yaml"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is foreign')", "utf-8")
    (tmp_path / "__init__.py").touch()
    seed_index(tmp_path / "index", real_index)
    port = free_port()
    arguments = ["--index", tmp_path / "index", "--cases", folder / "corpus", "--port", port]
    with Server(folder / "fourth", *arguments, port=port, cwd=tmp_path) as server:
        assert server.wait_until_ready().generation()
        assert "Indexed" in server.said()
        assert "foreign" not in server.said()


def test_interrupt_ends_the_server_cleanly(server):
    """The last test of this module, since the server is gone afterwards."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert server.interrupt() == 0
    assert "Traceback" not in server.said()
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
