"""A corpus of one case and one strategy, free of problems, to damage at will."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kb.corpus import Corpora, read_corpora, shipped
from kb.errors import Problem
from kb.lint import lint

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASE, STRATEGY = "example-bank-2018.md", "rehearse-cutover.md"
CASE_TEXT, STRATEGY_TEXT = ((FIXTURES / name).read_text("utf-8") for name in (CASE, STRATEGY))


class Folder:
    """A corpus folder with the two good files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.studies, self.strategies = path / "studies", path / "strategies"
        for part, name in ((self.studies, CASE), (self.strategies, STRATEGY)):
            part.mkdir(parents=True)
            shutil.copy(FIXTURES / name, part)

    def problems(self) -> list[Problem]:
        return lint(read_corpora([self.path]))

    def of_case(self, text: str) -> list[Problem]:
        """Problems once the case is this text."""
        (self.studies / CASE).write_bytes(text.encode())
        return self.problems()

    def of_strategy(self, text: str) -> list[Problem]:
        """Problems once the strategy is this text."""
        (self.strategies / STRATEGY).write_bytes(text.encode())
        return self.problems()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "corpus")


@pytest.fixture(scope="session")
def shipped_corpora() -> Corpora:
    return read_corpora([shipped("cases")])
