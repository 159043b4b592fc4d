"""`make bench`: speed and memory, each as a ratio of two things measured in turn in one run, because machines differ and are shared.

Needs an index (`premortem index`). Prints a Markdown table.
"""

from __future__ import annotations

import gzip
import http.client
import itertools
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.markdown import Markdown

from api.settings import load_settings
from indexer.build import build_index
from indexer.description import read_description
from indexer.encoder import open_encoder
from indexer.searcher import open_searcher
from kb.corpus import read_corpora, shipped
from kb.lint import lint

SHORT = "migrate our billing data to a cloud"
LONG = (
    "We will connect our 20-year-old warehouse management system to a new analytics tool in eight weeks; the tool reads stock in real "
    "time, the people who wrote the old system have left, there is little documentation, and the go-live is fixed before the season."
)
DESCRIPTIONS = (
    LONG,
    "Our council replaces its payroll for 12,000 staff with a hosted suite. All departments switch at the end of March, before the new "
    "pay agreement starts. Training is a half-day online course. The old mainframe is switched off the same weekend.",
    "A new firewall rule engine goes to every edge server at once. Rules are tested by their authors. There is no staged rollout.",
)


def in_turn(first: Callable[[], object], second: Callable[[], object], *, rounds: int = 6, block: int = 12) -> tuple[float, float]:
    """Return the median seconds of two actions, run in alternating blocks so that both meet the same disturbances.

    Blocks rather than single runs, because each would find the processor's caches full of the other's weights; the first run of a
    block is not counted for the same reason.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for action, its in zip((first, second), times, strict=True):
            if block > 1:
                action()
            for _ in range(block):
                started = time.perf_counter()
                action()
                its.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def command_s(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


PAGES = {
    "home": "/",
    "browse": "/cases?phase=go-live",
    "a case": "/cases/queensland-health-payroll-2010",
    "categories": "/categories",
    "a category": "/categories/insufficient-testing",
    "strategies": "/strategies",
    "a strategy": "/strategies/parallel-run",
    "map": "/map",
    "comparison of three": "/compare?ids=queensland-health-payroll-2010,multinational-erp-regions,lidl-elwis-sap-2018",
}
"""Every kind of page but search."""


@contextmanager
def serving(environ: dict[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the server; gives its port and process once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health/ready").read()
                break
            except OSError:
                time.sleep(0.2)
        yield port, server
    finally:
        server.terminate()
        server.wait(20)


def server_memory_mib(environ: dict[str, str]) -> float:
    """Return the resident memory of the server's processes after some searches, in MiB; what they share counts twice."""
    with serving(environ) as (port, server):
        for number in range(30):
            text = DESCRIPTIONS[number % len(DESCRIPTIONS)]
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/search?q={urllib.parse.quote(text)}").read()
        process = psutil.Process(server.pid)
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / 2**20


def page_rows(environ: dict[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield a row of the table for each kind of page: its median time beside that of an empty reply, and its bytes at first load."""
    with serving(environ) as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def get(address: str) -> bytes:
            connection.request("GET", address, headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
            return connection.getresponse().read()

        for name, address in PAGES.items():
            yield _page_row(name, address, get)
        connection.close()


def _page_row(name: str, address: str, get: Callable[[str], bytes]) -> tuple[str, str, str, str, str]:
    # A parameter that means nothing makes another address of it, so that the page is made anew.
    joint, numbers = "&" if "?" in address else "?", itertools.count()
    anew = statistics.median(_time(lambda: get(f"{address}{joint}n={next(numbers)}")) for _ in range(12))
    kept, empty = in_turn(lambda: get(address), lambda: get("/api/v1/health/live"), rounds=4)
    page = get(address)
    linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', gzip.decompress(page).decode())
    size = len(page) + sum(len(get(file)) for file in linked)
    return (
        f"page: {name}, {size / 1000:.0f} kB at first load",
        f"{kept * 1000:.1f} ms ({anew * 1000:.0f} ms when made)",
        f"{empty * 1000:.1f} ms an empty reply",
        f"{kept / empty:.2f}",
        "≤ 10 ms, ≤ 60 kB",
    )


def _time(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    settings = load_settings(os.environ)
    searcher = open_searcher(settings.index)
    encoder = searcher.encoder
    reference = open_encoder("", settings.index / "exports", backend="sentence-transformers", export=False)
    rows: list[tuple[str, str, str, str, str]] = []

    def row(what: str, ours: float, theirs: float, unit: str, against: str, goal: str) -> None:
        scale = 1000 if unit == "ms" else 1
        rows.append((what, f"{ours * scale:.1f} {unit}", f"{theirs * scale:.1f} {unit} {against}", f"{ours / theirs:.2f}", goal))

    for name, text in (("8-token query, encoding", SHORT), ("60-token query, encoding", LONG)):
        ours, theirs = in_turn(lambda text=text: encoder.encode_queries([text]), lambda text=text: reference.encode_queries([text]))
        row(name, ours, theirs, "ms", "sentence-transformers", "≤ 0.33 with bf16, < 1 without")
    for text in DESCRIPTIONS[1:2]:
        read = read_description(text)
        texts = [read.text, *(sentence.text for sentence in read.sentences)]
        whole, bare = in_turn(lambda text=text: searcher.search(text), lambda texts=texts: encoder.encode_queries(texts))
        row("whole search", whole, bare, "ms", "encoding its texts alone", "≤ 1.5")
    start, importing = in_turn(
        command_s("-m", "api.cli", "search", LONG, "--index", str(settings.index)),
        command_s("-c", "import sentence_transformers"),
        rounds=5,
        block=1,
    )
    row("`premortem search`, start to answer", start, importing, "s", "importing sentence-transformers", "≤ 0.33")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        index.mkdir()
        shutil.copytree(settings.index / "exports", index / "exports")
        corpus = Path(folder) / "cases"
        shutil.copytree(shipped("cases"), corpus)
        started = time.perf_counter()
        built = build_index(index, [corpus])
        everything = time.perf_counter() - started
        path = min((corpus / "studies").glob("*.md"))
        path.write_text(path.read_text("utf-8").replace("## Lessons\n\n- **", "## Lessons\n\n- **Changed: "), "utf-8")
        started = time.perf_counter()
        build_index(index, [corpus])
        row(f"one case changed, of {built.n_cases}", time.perf_counter() - started, everything, "s", "indexing all", "≤ 2 s, ≤ 60 s")
    started = time.perf_counter()
    lint(read_corpora([shipped("cases")]))
    rows.append(("lint of all files", f"{time.perf_counter() - started:.1f} s", "", "", "≤ 2 s"))
    environ = os.environ | {"PREMORTEM_INDEX": str(settings.index.resolve())}
    rows += page_rows(environ)
    memory = server_memory_mib(environ)
    rows.append(("server after 30 searches", f"{memory:.0f} MiB", "", "", "≤ 350 MiB"))
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    text = f"| | Premortem | against | ratio | goal |\n|---|---|---|---|---|\n{table}"
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        sys.stdout.write(text + "\n")
    sys.stderr.write(f"precision {encoder.fingerprint.precision}, {os.cpu_count()} cores, medians\n")


if __name__ == "__main__":
    main()
