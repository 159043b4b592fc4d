"""`premortem new`: drafts that parse, gaps that lint names, nothing overwritten, and questions at a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from kb.case import INFERRED, TODO
from kb.corpus import Corpora, read_corpora, read_file
from kb.errors import Problem
from kb.lint import lint_text
from kb.parse import parse_case, parse_strategy
from kb.render import render_case, render_strategy
from kb.template import slug_of
from tests.api.conftest import Ran
from tests.conftest import CASES, ROOT

FIXTURES = ROOT / "tests" / "fixtures"

Command = Callable[..., Ran]
FLAGS = (
    *("--title", "A bakery chain switches every till in one night and sells by hand for a week", "--years", "2024"),
    *("--industry", "retail", "--undertaking", "system-replacement", "--category", "big-bang-rollout", "--category", "user-adoption"),
    *("--phase", "go-live", "--outcome", "rolled-back", "--source-title", "Review of the till switch"),
    *("--source-publisher", "The bakery chain", "--source-date", "2024-11", "--source-kind", "company-postmortem"),
)


@cache
def shipped_corpus() -> Corpora:
    return read_corpora([CASES])


def problems_of(path: Path) -> list[Problem]:
    return lint_text(path.read_text("utf-8"), name=str(path), among=shipped_corpus())[1]


def test_a_case_by_flags_is_a_canonical_draft_whose_gaps_lint_names(premortem: Command, small_corpus: Path):
    ran = premortem("new", "bakery-chain-tills-2024", *FLAGS, "--cases", small_corpus)
    path = small_corpus / "studies" / "bakery-chain-tills-2024.md"
    text = path.read_text("utf-8")
    case = parse_case(text, source=path.name)
    assert render_case(case) == text
    assert (case.meta.status, case.meta.categories) == ("draft", ("big-bang-rollout", "user-adoption"))
    assert [factor.tag for factor in case.factors] == ["big-bang-rollout", "user-adoption"]
    problems = problems_of(path)
    assert {(problem.rule, problem.severity) for problem in problems} == {("todo", "warning")}
    assert {problem.line for problem in problems} == {number for number, line in enumerate(text.split("\n"), 1) if TODO in line}
    assert ran.code == 0
    assert f"{len({problem.line for problem in problems})} lines are marked TODO" in ran.out
    assert "premortem lint" in ran.out


def test_a_case_of_which_nothing_is_known_parses_and_has_only_gaps(premortem: Command, tmp_path: Path):
    assert premortem("new", "something-2024", "--out", tmp_path).code == 0
    assert {problem.rule for problem in problems_of(tmp_path / "something-2024.md")} == {"todo"}


def test_published_as_it_is_every_gap_is_an_error(premortem: Command, tmp_path: Path):
    premortem("new", "something-2024", "--out", tmp_path)
    path = tmp_path / "something-2024.md"
    path.write_text(path.read_text("utf-8").replace("status: draft", "status: published"), "utf-8")
    assert "error" in {problem.severity for problem in problems_of(path) if problem.rule == "todo"}


def test_prevention_proposes_strategies_that_address_the_categories(premortem: Command, tmp_path: Path):
    premortem("new", "bakery-chain-tills-2024", *FLAGS, "--out", tmp_path)
    case = parse_case((tmp_path / "bakery-chain-tills-2024.md").read_text("utf-8"), source="x.md")
    assert case.prevention
    for item in case.prevention:
        strategy = read_file(CASES / "strategies" / f"{item.strategy}.md", "strategy")[0]
        assert strategy and strategy.strategy and "big-bang-rollout" in strategy.strategy.meta.addresses
        assert item.text.startswith(TODO)
        assert item.sources == (INFERRED,)


def test_a_success_is_asked_for_no_contributing_factor(premortem: Command, tmp_path: Path):
    premortem("new", "went-well-2024", "--outcome", "succeeded", "--out", tmp_path)
    assert not parse_case((tmp_path / "went-well-2024.md").read_text("utf-8"), source="x.md").factors


def test_a_strategy_is_a_canonical_file_with_gaps(premortem: Command, small_corpus: Path):
    flags = ("--phase", "migration", "--role", "operations", "--effort", "days", "--category", "no-way-back")
    ran = premortem("new", "--strategy", "rehearse-every-cutover", *flags, "--cases", small_corpus)
    path = small_corpus / "strategies" / "rehearse-every-cutover.md"
    strategy = parse_strategy(path.read_text("utf-8"), source=path.name)
    assert ran.code == 0
    assert render_strategy(strategy) == path.read_text("utf-8")
    assert strategy.meta.addresses == ("no-way-back",)


def test_the_name_is_made_of_title_and_years(premortem: Command, tmp_path: Path):
    assert premortem("new", *FLAGS, "--out", tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["bakery-chain-switches-every-till-2024.md"]


@pytest.mark.parametrize(
    "parts, slug",
    [
        (("Überörtliche Käserei's", "2011-2018"), "uberortliche-kasereis-2018"),
        (("???", None), ""),
        (("", ""), ""),
        (("x" * 200,), ""),
        (("日本", "2020"), "2020"),
    ],
)
def test_slugs(parts, slug):
    assert slug_of(*parts) == slug


def test_nothing_is_overwritten(premortem: Command, tmp_path: Path):
    path = tmp_path / "mine-2024.md"
    path.write_text("mine", "utf-8")
    ran = premortem("new", "mine-2024", "--out", tmp_path)
    assert (ran.code, path.read_text("utf-8")) == (2, "mine")
    assert "is there already" in ran.err
    assert "another name" in ran.err


def test_an_id_of_the_corpus_is_not_taken_again_in_another_folder(premortem: Command, tmp_path: Path):
    ran = premortem("new", "warehouse-analytics-legacy", "--out", tmp_path)
    assert ran.code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--industry", "retial"], "did you mean 'retail'?"),
        (["--category", "xyzzy"], "use one of: "),
        (["--years", "soon", "--title", "x"], "write 2011 or 2011-2018"),
        (["--source-url", "ftp://x", "--source-title", "y", "--title", "x"], "https://"),
        (["--source-date", "2024-13", "--source-title", "y", "--title", "x"], "no day 2024-13"),
        (["Not A Slug", "--title", "x"], "give one like example-company-2019"),
        (["../../etc/passwd", "--title", "x"], "give one like example-company-2019"),
        ([], "give one like example-company-2019"),
        (["--role", "users", "--title", "x"], "a case has no --role"),
        (["--strategy", "x", "--outcome", "abandoned"], "a strategy has no --outcome"),
        ([*("--category", "training") * 5, "--title", "x"], "at most 4"),
        (["--source-title", "a [b](c", "--source-publisher", "2019-01-01. news", "--title", "x"], ""),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_is_written(premortem: Command, tmp_path: Path, arguments: list[str], told: str):
    ran = premortem("new", *arguments, "--out", tmp_path)
    if told:
        assert ran.code == 2
        assert told in ran.err
        assert not list(tmp_path.iterdir())
    for path in tmp_path.iterdir():  # odd words are either refused or kept as they are
        parse_case(path.read_text("utf-8"), source=path.name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_to(premortem: Command, tmp_path: Path):
    tmp_path.chmod(0o500)
    assert premortem("new", "x-2024", "--out", tmp_path).code == 7


def test_out_that_is_a_file_is_told(premortem: Command, tmp_path: Path):
    (tmp_path / "file").write_text("", "utf-8")
    ran = premortem("new", "x-2024", "--out", tmp_path / "file")
    assert (ran.code, "file is there already" in ran.err) == (2, True)


# --- the walk that CONTRIBUTING.md leads through is real


def shell_block(beginning: str) -> tuple[list[str], str]:
    """Return the arguments of the first command of a block in CONTRIBUTING.md, and what it is said to print."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    block = text[text.index(f"$ premortem {beginning}") :].partition("\n```")[0]
    command, _, printed = re.sub(r" \\\n\s+", " ", block).partition("\n")
    return shlex.split(command)[2:], printed.partition("\n$ ")[0]


def test_the_walk_begins_as_told(premortem: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    arguments, printed = shell_block("new")
    assert premortem(*arguments, "--out", "cases/studies").out.rstrip("\n") == printed


def test_the_walk_is_checked_as_told(premortem: Command, small_corpus: Path, monkeypatch: pytest.MonkeyPatch):
    small_corpus.rename(small_corpus.with_name("cases"))
    monkeypatch.chdir(small_corpus.parent)
    arguments, printed = shell_block("lint")
    path = Path(arguments[1])
    path.write_text((FIXTURES / "contributing-example.md").read_text("utf-8"), "utf-8")
    assert premortem(*arguments).out.rstrip("\n") == printed.rstrip("\n")
    mended = path.read_text("utf-8").replace("estimate for the week.", "estimate for the week. [^s1]")
    mended = mended.replace("The IT manager was careless and kept none.", "Nobody had asked for them.").replace(
        "status: draft", "status: published"
    )
    path.write_text(mended, "utf-8")
    assert premortem(*arguments).out == "1 file, no problems\n"


class Terminal:
    """The real command at a pseudo-terminal."""

    def __init__(self, *arguments: object) -> None:
        environment = {**os.environ, "COLUMNS": "120", "PYTHONPATH": str(ROOT), "TERM": "dumb"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # As a terminal starts a command; whoever runs the tests may ignore or block the signal.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            os.chdir(ROOT)
            os.execve(sys.executable, [sys.executable, "-m", "api.cli", *map(str, arguments)], environment)
        self.seen = ""

    def read_until(self, pattern: str) -> str:
        started, until = len(self.seen), time.monotonic() + 60
        while not re.search(pattern, self.seen[started:], re.DOTALL):
            assert time.monotonic() < until, self.seen[-2000:]
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                self.seen += data.decode("utf-8", "replace")
        return self.seen[started:]

    def answer(self, text: str) -> str:
        os.write(self.fd, f"{text}\n".encode())
        return self.read_until(r"> $")

    def interrupt(self) -> int:
        """Press Ctrl-C, and again when nothing happens: Python overlooks one in the instant between a prompt and the reading."""
        for _ in range(10):
            os.write(self.fd, b"\x03")
            for _ in range(30):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.read_until("(?!)")
                    return os.waitstatus_to_exitcode(status)
                time.sleep(0.1)
        raise AssertionError(self.seen[-2000:])

    def end(self) -> int:
        self.read_until("(?!)")  # matches nothing: to the end
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_questions_offer_the_taxonomy_and_ask_again(tmp_path: Path):
    terminal = Terminal("new", "--out", tmp_path)
    terminal.read_until("Title.*> $")
    terminal.answer("A bakery chain switches every till in one night")
    terminal.answer("")  # organisation
    terminal.answer("Norway")
    assert "write 2011 or 2011-2018" in terminal.answer("soon")
    assert "Retail and e-commerce" in terminal.answer("2024")
    assert "did you mean 'retail'?" in terminal.answer("retial")
    terminal.answer("Retail and e-commerce")
    terminal.answer("1")  # undertaking
    assert "did you mean 'user-adoption'?" in terminal.answer("big-bang, user-adption")
    terminal.answer("big-bang, user-adoption")
    terminal.answer("go-live")
    terminal.answer("rolled-back")
    terminal.answer("")  # systems
    assert "bakery-chain-switches-every-till-2024" in terminal.answer("")  # no source: its details are not asked for
    os.write(terminal.fd, b"bakery-tills-2024\n")
    assert terminal.end() == 0
    case = parse_case((tmp_path / "bakery-tills-2024.md").read_text("utf-8"), source="x.md")
    assert (case.meta.industry, case.meta.undertaking, case.meta.country) == ("retail", "system-replacement", "Norway")
    assert case.meta.categories == ("big-bang-rollout", "user-adoption")


def test_ctrl_c_at_a_question_writes_nothing(tmp_path: Path):
    terminal = Terminal("new", "--out", tmp_path)
    terminal.read_until("Title.*> $")
    assert terminal.interrupt() == 1
    assert "Traceback" not in terminal.seen
    assert not list(tmp_path.iterdir())
