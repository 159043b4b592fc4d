"""The wheel works from any folder: cases, templates and static files travel inside."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT

PROBE = r"""
import re
from pathlib import Path
import kb, api.app
from kb import read_corpora, shipped
from litestar.testing import TestClient
from api.app import app_from_environment
assert Path(kb.__file__).is_relative_to(Path.cwd().parent / "site"), kb.__file__
from kb.lint import RULES, explain
assert all(explain(rule) for rule in RULES)
print(len(read_corpora([shipped("cases")]).cases))
with TestClient(app_from_environment()) as client:
    home = client.get("/")
    style = re.search("/static/[^/]+/premortem.css", home.text)[0]
    print(home.status_code, client.get(style).status_code, client.get("/cases").status_code)
"""


@pytest.mark.slow
def test_an_installed_wheel_has_cases_and_pages(tmp_path, real_index):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("premortem-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert not [name for name in names if name.startswith(("tests/", "training/", "index/"))]
    away = tmp_path / "away"
    away.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PREMORTEM_INDEX": str(real_index)}
    run = subprocess.run([sys.executable, "-P", "-c", PROBE], cwd=away, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:2] == [str(len(list((ROOT / "cases" / "studies").glob("*.md")))), "200 200 200"]
