"""A build that is killed, at any moment, leaves the earlier generation answering and the next build working."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

import pytest

from indexer import generation as gen
from indexer.build import build_index
from indexer.calibration import UNFITTED
from indexer.searcher import Searcher
from tests.conftest import ROOT, SEEDS, HashEncoder

# A real process that kills itself with SIGKILL at the n-th thing it does to the file system after the lock is taken.
VICTIM = """
import os, signal, sys
from pathlib import Path
from indexer.build import build_index
from tests.conftest import HashEncoder
index, corpus, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "sqlite3.connect", "os.listdir"}
count = 0
def hook(event, arguments):
    global count
    if event in EVENTS and str(index) in str(arguments):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
build_index(index, [corpus], encoder=HashEncoder())
print(count)
"""


def run_victim(index, corpus, at):
    return subprocess.run(
        [sys.executable, "-c", VICTIM, str(index), str(corpus), str(at)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )


def ids_answering(index):
    folder, manifest = gen.current_generation(index)
    assert gen.damaged_files(folder, manifest) == []
    return Searcher(folder, manifest, HashEncoder(), UNFITTED).store.case_ids


@pytest.mark.slow
def test_a_build_killed_at_any_step_leaves_the_old_index_answering(tmp_path, small_corpus):
    index = tmp_path / "index"
    build_index(index, [small_corpus], encoder=HashEncoder())
    before = ids_answering(index)
    (small_corpus / "studies" / f"{SEEDS[0]}.md").unlink()
    after = [each for each in before if each != SEEDS[0]]
    rehearsal = tmp_path / "rehearsal"
    shutil.copytree(index, rehearsal)
    steps = int(run_victim(rehearsal, small_corpus, 0).stdout)
    seen = set()
    # Some steps while it builds, and every step of the end, where one generation takes the other's place.
    for at in sorted({1, 2, *range(3, steps, max(1, steps // 8)), *range(max(3, steps - 24), steps + 1)}):
        victim = tmp_path / f"killed-{at}"
        shutil.copytree(index, victim)
        run = run_victim(victim, small_corpus, at)
        assert run.returncode == -signal.SIGKILL, run.stderr
        now = ids_answering(victim)
        assert now in (before, after), at
        seen.add(now == after)
        shutil.rmtree(victim)
    assert seen == {False, True}  # killed before the switch and after it
    assert build_index(index, [small_corpus], encoder=HashEncoder()).n_cases == len(SEEDS) - 1
    assert ids_answering(index) == after
    assert not list(index.glob(".building-*"))


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.5, 1.5, 3.0])
def test_the_real_command_killed_while_it_works(small_real_index, small_corpus, after_s):
    from indexer.searcher import open_searcher

    before = open_searcher(small_real_index).manifest.generation
    (small_real_index / "embeddings.sqlite").unlink()
    path = small_corpus / "studies" / f"{SEEDS[0]}.md"
    path.write_text(path.read_text("utf-8").replace("Invoices", "Bills"), "utf-8")
    command = [sys.executable, "-m", "api.cli", "index", "--cases", str(small_corpus), "--index", str(small_real_index)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    process.kill()
    process.wait()
    searcher = open_searcher(small_real_index)
    assert searcher.search("Regions close their books differently and one ERP is forced on all of them.").cases
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=240).returncode == 0
    after = open_searcher(small_real_index).manifest.generation
    assert after != before
    assert searcher.manifest.generation in (before, after)


def test_a_manifest_killed_while_it_is_written_anew_leaves_one_that_is_whole(tmp_path, small_corpus):
    index = tmp_path / "index"
    build_index(index, [small_corpus], encoder=HashEncoder())
    before = gen.current_generation(index)[1]
    (tmp_path / "moved").mkdir()
    moved = shutil.move(small_corpus, tmp_path / "moved" / small_corpus.name)
    rehearsal = tmp_path / "rehearsal"
    shutil.copytree(index, rehearsal)
    steps = int(run_victim(rehearsal, moved, 0).stdout)
    after = gen.current_generation(rehearsal)[1]
    seen = set()
    for at in range(max(1, steps - 6), steps + 1):
        victim = tmp_path / f"killed-{at}"
        shutil.copytree(index, victim)
        assert run_victim(victim, moved, at).returncode == -signal.SIGKILL
        assert ids_answering(victim)
        now = gen.current_generation(victim)[1]
        assert now in (before, after), at
        seen.add(now == after)
    assert seen == {False, True}
