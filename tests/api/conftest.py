"""The app over the real index, indexes that are broken in one way each, and the real command run in this process."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.app import create_app
from api.cli import main
from api.settings import Settings
from indexer.build import build_index

Client = TestClient[Litestar]
Answer = dict[str, Any]

BRIEF = """We replace the payroll of a hospital group – 12,000 staff 🏥 – with a hosted suite.
- All departments switch on one weekend in March, before the new pay agreement starts.
    - Training is a half-day online course; the old mainframe is switched off the same weekend.
"""
"""A description with an indented list, a dash and a character beyond the BMP, so that offsets are put to the test."""


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def client(real_index: Path) -> Iterator[Client]:
    """A client of the app over all shipped cases."""
    with TestClient(create_app(Settings(index=real_index))) as client:
        yield client


@pytest.fixture(scope="session")
def answer(client: Client) -> Answer:
    """The API's answer to `BRIEF`."""
    found: Answer = client.post("/api/v1/search", json={"description": BRIEF}).json()
    return found


@pytest.fixture
def premortem(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the real command in this process: `premortem("list", "--json")`."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["premortem", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Ran(ended.value.code or 0, out, err)  # type: ignore[arg-type]  # we never exit with a text

    return run


@pytest.fixture
def copied_index(tmp_path: Path, real_index: Path) -> Path:
    """A copy of the real index to damage; the exported model, which takes most of the space, is linked."""
    index = tmp_path / "copied"
    shutil.copytree(real_index, index, ignore=shutil.ignore_patterns("exports", "embeddings.sqlite", ".lock"))
    (index / "exports").symlink_to(real_index / "exports")
    return index


def generation_folder(index: Path) -> Path:
    return index / (index / "current").read_text("utf-8").strip()


def seed_index(index: Path, real_index: Path) -> Path:
    """Give an index folder the exported model and the known embeddings of another, so that building takes a second."""
    index.mkdir()
    (index / "exports").symlink_to(real_index / "exports")
    shutil.copy(real_index / "embeddings.sqlite", index)
    return index


def build_seeded(index: Path, real_index: Path, corpus: Path) -> Path:
    build_index(seed_index(index, real_index), [corpus])
    return index


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the problem details of a reply, after checking what every one of them must have."""
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:premortem:")
    assert body["title"]
    assert body["detail"]
    assert body["next_step"]
    return body
