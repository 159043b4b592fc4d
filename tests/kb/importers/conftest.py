"""Real files in, real drafts out; and the real archives beside the checkout, when they are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kb.case import Case
from kb.corpus import TAXONOMY, shipped
from kb.importers.run import Report, import_path
from kb.importers.tables import read_mapping
from kb.parse import parse_case
from kb.taxonomy import read_taxonomy
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures" / "import"
SAMPLES = ROOT.parent / "shared" / "import-samples"
VOCABULARY = read_taxonomy(shipped("cases") / TAXONOMY)

Import = Callable[..., Report]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not SAMPLES.is_dir():
        terminalreporter.write_line(f"NOT TRIED on real post-mortems: there is no {SAMPLES}", red=True, bold=True)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "drafts"


@pytest.fixture
def run(out: Path) -> Import:
    """Import a path, or texts under file names, into `out`."""

    def run(format_name: str, source: Path | dict[str, str | bytes], *, mapping: Path | None = None) -> Report:
        if isinstance(source, dict):
            folder = out.parent / "archive"
            for name, text in source.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
            source = folder
        return import_path(format_name, source, out, VOCABULARY, mapping=read_mapping(mapping) if mapping else None, today="2030-01-02")

    return run


def drafts_of(report: Report) -> list[Case]:
    """Return the drafts of a report as read from their files."""
    return [parse_case(Path(draft.path).read_text("utf-8"), source=draft.path) for draft in report.drafts]


def only_draft(report: Report) -> Case:
    assert [skipped.reason for skipped in report.skipped] == []
    (case,) = drafts_of(report)
    return case


def told(case: Case, field: str) -> list[str]:
    """Return the items, paragraphs or entries of a case as texts, gaps left out."""
    texts = []
    for each in getattr(case, field):
        parts = [getattr(each, name, "") for name in ("when", "lead", "text")]
        text = " ".join(part for part in parts if part)
        if "TODO: " not in text or hasattr(each, "when"):
            texts.append(text.replace("[^s1]", ""))
    return texts


def kept(case: Case, group: str) -> dict[str, object]:
    assert case.meta.x_import is not None
    return case.meta.x_import.get(group, {})
