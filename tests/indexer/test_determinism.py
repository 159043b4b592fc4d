"""Same corpus, same description: the same bytes, however often, wherever and in whatever order it was built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from indexer.build import build_index
from indexer.searcher import open_searcher

PLAN = (
    "Our council replaces its payroll for 12,000 staff with a hosted suite. All departments switch at the end of March. Training is a "
    "half-day online course and the old mainframe is switched off the same weekend."
)
ASK = """
import sys, msgspec
from pathlib import Path
from indexer.searcher import open_searcher
sys.stdout.buffer.write(msgspec.json.encode(open_searcher(Path(sys.argv[1])).search(sys.argv[2])))
"""


def test_a_hundred_answers_are_one(searcher):
    assert len({msgspec.json.encode(searcher.search(PLAN)) for _ in range(100)}) == 1


def test_processes_agree(searcher, real_index):
    here = msgspec.json.encode(searcher.search(PLAN))
    command = [sys.executable, "-c", ASK, str(real_index), PLAN]
    assert [subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2)] == [here, here]


def test_the_order_of_files_on_disk_does_not_matter(tmp_path, small_corpus, real_encoder, monkeypatch):
    first = _answer(tmp_path / "first", small_corpus, real_encoder)
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: sorted(glob(folder, pattern), reverse=True))
    assert _answer(tmp_path / "second", small_corpus, real_encoder) == first


def _answer(index, corpus, encoder):
    build_index(index, [corpus], encoder=encoder)
    answer = open_searcher(index, known_encoder=encoder).search(PLAN)
    assert answer.cases
    return msgspec.json.encode(answer)
