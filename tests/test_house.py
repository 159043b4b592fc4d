"""The shape of the house: arrows point inwards, doors are cheap to open."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAY_IMPORT = {"kb": set(), "indexer": {"kb"}, "api": {"kb", "indexer"}}


def imported_roots(package: Path) -> set[str]:
    """First names of everything that the files of a package import; read with ast, nothing is executed."""
    roots = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                roots.add((node.module or "").split(".")[0])
    return roots


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_inwards(package):
    ours = imported_roots(ROOT / package) & {*MAY_IMPORT, "tests", "web", "cases"}
    assert ours - {package} <= MAY_IMPORT[package]


def test_web_and_cases_hold_no_python():
    assert not [*(ROOT / "web").rglob("*.py"), *(ROOT / "cases").rglob("*.py")]


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running some code."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in run.stdout.splitlines()}


HEAVY = {"torch", "transformers", "sentence_transformers"}


def test_kb_loads_neither_model_nor_vectors():
    assert not loaded_by("import kb") & (HEAVY | {"faiss", "openvino", "litestar"})


def test_the_command_line_loads_nothing_heavy_before_it_needs_it():
    assert not loaded_by("import api.cli") & (HEAVY | {"faiss", "openvino", "litestar", "granian"})


def test_a_search_loads_no_torch(real_index):
    loaded = loaded_by(
        "from pathlib import Path\nfrom indexer.searcher import open_searcher\n"
        f"open_searcher(Path({str(real_index)!r})).search('We replace the payroll of all hospitals in one weekend.')"
    )
    assert "openvino" in loaded
    assert not loaded & HEAVY


def test_the_server_loads_no_torch(real_index):
    loaded = loaded_by(
        "import os\n"
        f"os.environ['PREMORTEM_INDEX'] = {str(real_index)!r}\n"
        "from litestar.testing import TestClient\nfrom api.app import app_from_environment\n"
        "with TestClient(app_from_environment()) as client:\n"
        "    assert client.post('/api/v1/search', json={'description': 'We replace our payroll'}).status_code == 200"
    )
    assert not loaded & HEAVY
