"""The command `premortem`: what it prints, and its exit code for each kind of error."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from api.cli import EXIT_CODES, cli
from api.serving import check_port
from api.terminal import print_markdown
from indexer.searcher import Searcher
from kb.errors import PortInUseError
from tests.api.conftest import BRIEF, Answer, Client, Ran, generation_folder, seed_index

Command = Callable[..., Ran]
ROOT = Path(__file__).parents[2]
CASE = "queensland-health-payroll-2010"
STRATEGY = "iterative-rollout"


def refused(ran: Ran, code: int) -> str:
    """Return what a command said when it failed, after checking that it says what to do next."""
    assert ran.code == code, ran
    assert ran.err.strip().startswith(("premortem: ", "/")), ran.err
    assert re.search(r"^  → \S", ran.err, re.MULTILINE)
    assert "Traceback" not in ran.err
    return ran.err


def break_case(corpus: Path, name: str, pattern: str, replacement: str) -> Path:
    path = corpus / "studies" / f"{name}.md"
    text, n = re.subn(pattern, replacement, path.read_text("utf-8"), flags=re.MULTILINE)
    assert n
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def broken_corpus(small_corpus: Path) -> Path:
    """Two cases of four are invalid, one of them in two ways."""
    break_case(small_corpus, "multinational-erp-regions", "^industry: .*", "industry: manufactoring")
    break_case(small_corpus, "multinational-erp-regions", "^## Lessons$", "## Lesons")
    break_case(small_corpus, "retailer-crm-marketing", "^phase: .*\n", "")
    return small_corpus


# --- search


def test_search_by_argument_prints_verdict_reasons_and_strategies(premortem: Command, real_index: Path, answer: Answer):
    ran = premortem("search", "--index", real_index, BRIEF)
    flat = " ".join(ran.out.split())
    assert ran.code == 0
    assert re.match(r"\d+ strong precedents?, \d+ related\n", ran.out)
    assert answer["cases"][0]["title"] in flat
    assert answer["cases"][0]["reasons"][0]["query"][:40] in flat
    assert "What would have helped" in ran.out
    assert answer["strategies"][0]["title"] in flat
    assert "Signs to watch" in ran.out
    assert ran.out.count("premortem show ID tells") == 1


def test_search_as_json_is_the_answer_of_the_api(premortem: Command, real_index: Path, answer: Answer):
    ran = premortem("search", "--index", real_index, "--json", BRIEF)
    assert json.loads(ran.out) == answer


@pytest.mark.parametrize("arguments", [[], ["--file", "-"], ["--file", "FILE"]], ids=["standard input", "dash", "file"])
def test_search_reads_the_description_from_elsewhere(
    premortem: Command, real_index: Path, answer: Answer, tmp_path: Path, arguments: list[str]
):
    (tmp_path / "plan.md").write_text(BRIEF, "utf-8-sig")
    arguments = [argument.replace("FILE", str(tmp_path / "plan.md")) for argument in arguments]
    ran = premortem("search", "--index", real_index, "--json", *arguments, stdin=BRIEF.encode())
    assert json.loads(ran.out) == answer


def test_search_takes_filters_and_limit_as_the_api_does(premortem: Command, client: Client, real_index: Path):
    arguments = ["--industry", "health", "--industry", "retail", "--from-year", "2000", "--limit", "3"]
    ran = premortem("search", "--index", real_index, "--json", *arguments, BRIEF)
    body = {"description": BRIEF, "filters": {"industry": ["health", "retail"], "from_year": 2000}, "limit": 3}
    assert len(json.loads(ran.out)["cases"]) == 3
    assert json.loads(ran.out) == client.post("/api/v1/search", json=body).json()


def test_search_that_finds_nothing_says_so_and_what_to_try(premortem: Command, real_index: Path):
    ran = premortem("search", "--index", real_index, "Write me a haiku about the first frost on an empty playground.")
    assert ran.code == 0
    assert "Nothing close in" in ran.out
    assert "Say what will be done" in ran.out


def test_search_shows_notices(premortem: Command, real_index: Path):
    assert "3 words say little" in premortem("search", "--index", real_index, "new payroll system").out


def test_search_says_when_cases_have_changed(premortem: Command, small_real_index: Path, small_corpus: Path):
    before = premortem("search", "--index", small_real_index, BRIEF)
    break_case(small_corpus, "retailer-crm-marketing", "^status: .*", "status: draft")
    after = premortem("search", "--index", small_real_index, BRIEF)
    assert "cases, their terms or this release have changed" not in before.err
    assert "cases, their terms or this release have changed" in after.err


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--industry", "retial", "new payroll"], "'retail'"),
        (["--limit", "0", "new payroll"], "1 to 100"),
        ([""], "empty"),
        (["a" * 50_001], "50,000"),
        (["--file", "/nonexistent/plan.md"], "/nonexistent/plan.md"),
        (["--file", "/"], "cannot read"),
    ],
)
def test_search_that_cannot_be_answered_exits_with_2(premortem: Command, real_index: Path, arguments: list[str], told: str):
    assert told in refused(premortem("search", "--index", real_index, *arguments), 2)


def test_description_that_is_not_utf_8_exits_with_2(premortem: Command, real_index: Path):
    assert "UTF-8" in refused(premortem("search", "--index", real_index, stdin="Bürgerämter".encode("latin-1")), 2)


def test_stray_bytes_in_an_argument_are_read_as_blanks(premortem: Command, real_index: Path):
    ran = premortem("search", "--index", real_index, os.fsdecode(b"We replace \xff the payroll of all hospitals in one weekend"))
    assert ran.code == 0
    assert "control characters were read as blanks" in ran.out


# --- list and show


def test_list_is_that_of_the_api(premortem: Command, client: Client, real_index: Path):
    ran = premortem("list", "--index", real_index, "--json", "--industry", "retail", "-q", "erp")
    assert json.loads(ran.out) == client.get("/api/v1/cases?industry=retail&q=erp&page_size=500").json()["items"] != []


@pytest.mark.parametrize("what", ["strategies", "categories", "terms"])
def test_other_lists_are_those_of_the_api(premortem: Command, client: Client, real_index: Path, what: str):
    ran = premortem("list", what, "--index", real_index, "--json")
    assert json.loads(ran.out) == client.get(f"/api/v1/{what}").json()


@pytest.mark.parametrize(
    "what, expected", [("cases", CASE), ("strategies", STRATEGY), ("categories", "data-mapping"), ("terms", "failed-go-live")]
)
def test_list_prints_ids_whole(premortem: Command, real_index: Path, what: str, expected: str):
    ran = premortem("list", what, "--index", real_index)
    assert ran.code == 0
    assert expected in ran.out.split()


def test_list_counts_what_it_lists(premortem: Command, client: Client, real_index: Path):
    n = client.get("/api/v1/cases?industry=retail").json()["total"]
    assert premortem("list", "--index", real_index, "--industry", "retail").out.strip().endswith(f"{n} cases")


def test_show_prints_a_case_for_reading(premortem: Command, real_index: Path):
    ran = premortem("show", "--index", real_index, CASE)
    assert ran.code == 0
    assert all(heading in ran.out for heading in ("Undertaking", "Symptoms", "Lessons", "Prevention"))
    assert "**" not in ran.out


def test_show_lists_the_sources_by_the_marks_in_the_text(premortem: Command, client: Client, real_index: Path):
    ran = premortem("show", "--index", real_index, CASE)
    text, _, listed = ran.out.rpartition("\nSources")
    sources = client.get(f"/api/v1/cases/{CASE}").json()["sources"]
    assert "[^" not in ran.out
    assert len(sources) > 1
    for source in sources:
        assert f"[{source['id']}]" in text
        assert f"\n[{source['id']}] {source['title'][:40]}" in listed
        assert not source["url"] or source["url"] in listed.splitlines()


def test_show_lists_the_sources_of_a_strategy(premortem: Command, client: Client, real_index: Path):
    [source, *_] = client.get("/api/v1/strategies/process-discovery").json()["sources"]
    assert premortem("show", "--index", real_index, "process-discovery").out.rpartition("\nSources")[2].strip().startswith(source)


def test_show_leaves_the_footnotes_of_a_plain_postmortem_where_they_stand(searcher: Searcher, capsys: pytest.CaptureFixture[str]):
    plain = "# Orders stop\n\nA disk was full.[^1]\n\n[^1]: The log of the day.\n\n## Since then\n\nThere are alarms."
    print_markdown(msgspec.structs.replace(searcher.store.case(CASE), markdown=plain))
    shown = capsys.readouterr().out
    assert "A disk was full.[1]" in shown
    assert shown.index("[1]: The log of the day.") < shown.index("There are alarms.")
    assert "Sources" not in shown


@pytest.mark.parametrize("kind, item", [("cases", CASE), ("strategies", STRATEGY)])
def test_show_as_json_is_that_of_the_api(premortem: Command, client: Client, real_index: Path, kind: str, item: str):
    ran = premortem("show", "--index", real_index, "--json", item)
    assert json.loads(ran.out) == client.get(f"/api/v1/{kind}/{item}").json()


def test_show_raw_is_the_file(premortem: Command, client: Client, real_index: Path):
    assert premortem("show", "--index", real_index, "--raw", CASE).out.strip() == client.get(f"/api/v1/cases/{CASE}.md").text.strip()


def test_unknown_id_exits_with_3_and_names_the_nearest(premortem: Command, real_index: Path):
    assert CASE in refused(premortem("show", "--index", real_index, "queensland-health-payroll-2011"), 3)


# --- index


def test_index_builds_then_finds_nothing_to_do(premortem: Command, real_index: Path, small_corpus: Path, tmp_path: Path):
    index = seed_index(tmp_path / "index", real_index)
    built = premortem("index", "--index", index, "--cases", small_corpus)
    again = premortem("index", "--index", index, "--cases", small_corpus)
    assert (built.code, again.code) == (0, 0)
    assert "Indexed 4 cases" in built.err
    assert "up to date: 4 cases" in again.err


def test_index_encodes_only_what_is_new(premortem: Command, small_real_index: Path, small_corpus: Path):
    break_case(small_corpus, "retailer-crm-marketing", "^## Lessons\n$", "## Lessons\n\n- **Zanzibar comes first.** Consider it. [^s1]")
    ran = premortem("index", "--index", small_real_index, "--cases", small_corpus)
    assert re.search(r"embeddings: 1 encoded, \d\d+ known", " ".join(ran.err.split()))


def test_index_of_two_corpora_answers_from_both(premortem: Command, real_index: Path, small_corpus: Path, tmp_path: Path):
    index, ours = seed_index(tmp_path / "index", real_index), tmp_path / "ours"
    ours.mkdir()
    shutil.move(small_corpus / "studies" / "retailer-crm-marketing.md", ours)
    premortem("index", "--index", index, "--cases", small_corpus, "--cases", ours)
    listed = json.loads(premortem("list", "--index", index, "--json").out)
    assert sorted(case["corpus"] for case in listed) == ["corpus", "corpus", "corpus", "ours"]
    assert len(json.loads(premortem("list", "--index", index, "--json", "--corpus", "ours").out)) == 1


def test_index_of_invalid_cases_exits_with_4_and_lists_every_problem(
    premortem: Command, real_index: Path, broken_corpus: Path, tmp_path: Path
):
    err = refused(premortem("index", "--index", seed_index(tmp_path / "index", real_index), "--cases", broken_corpus), 4)
    linted = json.loads(premortem("lint", "--format", "json", broken_corpus).out)["findings"]
    told = [f"{each['file']}:{each['line']}:{each['column']} {each['rule']} {each['message']} → {each['advice']}" for each in linted]
    assert len(told) >= 3
    assert [line for line in told if line not in err] == []
    assert "--skip-invalid" in err
    assert not (tmp_path / "index" / "current").exists()


def test_skip_invalid_indexes_the_good_ones(premortem: Command, real_index: Path, broken_corpus: Path, tmp_path: Path):
    index = seed_index(tmp_path / "index", real_index)
    ran = premortem("index", "--index", index, "--cases", broken_corpus, "--skip-invalid")
    listed = json.loads(premortem("list", "--index", index, "--json").out)
    assert ran.code == 0
    assert "multinational-erp-regions.md" in ran.err
    assert sorted(case["id"] for case in listed) == ["ecommerce-payment-api", "warehouse-analytics-legacy"]


def test_skip_invalid_with_nothing_good_exits_with_4(premortem: Command, tmp_path: Path):
    (tmp_path / "notes.md").write_text("Just notes.", "utf-8")
    refused(premortem("index", "--index", tmp_path / "index", "--cases", tmp_path, "--skip-invalid"), 4)


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_corpus_without_cases_exits_with_4(premortem: Command, tmp_path: Path, folder: str):
    refused(premortem("index", "--index", tmp_path / "index", "--cases", tmp_path / folder), 4)


# --- the other exit codes


@pytest.mark.parametrize("arguments", [["search", "new payroll"], ["list"], ["show", CASE]])
def test_no_index_exits_with_5(premortem: Command, tmp_path: Path, arguments: list[str]):
    assert "premortem index" in refused(premortem(*arguments, "--index", tmp_path / "none"), 5)


def test_damaged_index_exits_with_5(premortem: Command, copied_index: Path):
    (generation_folder(copied_index) / "cases.faiss").unlink()
    assert "cases.faiss" in refused(premortem("search", "--index", copied_index, "new payroll"), 5)


def test_index_of_a_newer_release_exits_with_5(premortem: Command, copied_index: Path):
    manifest = generation_folder(copied_index) / "manifest.json"
    manifest.write_bytes(msgspec.json.encode(msgspec.json.decode(manifest.read_bytes()) | {"format": 99}))
    assert "upgrade" in refused(premortem("list", "--index", copied_index), 5)


def test_wrong_model_folder_exits_with_6(premortem: Command, real_index: Path, small_corpus: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PREMORTEM_MODEL", str(tmp_path))
    assert str(tmp_path) in refused(premortem("search", "--index", real_index, "new payroll"), 6)
    assert "PREMORTEM_MODEL" in refused(premortem("index", "--index", tmp_path / "index", "--cases", small_corpus), 6)


def test_folder_that_cannot_be_written_to_exits_with_7(premortem: Command, small_corpus: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    assert "--index" in refused(premortem("index", "--index", tmp_path / "file" / "index", "--cases", small_corpus), 7)


def test_port_in_use_exits_with_8_at_once(premortem: Command, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        err = refused(premortem("serve", "--index", tmp_path / "none", "--port", port), 8)
    assert str(port) in err
    assert f"--port {port + 1}" in err


def test_a_port_in_use_with_none_above_it_is_answered_with_the_one_below(monkeypatch):
    def taken(*_: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(socket.socket, "bind", taken)
    with pytest.raises(PortInUseError) as caught:
        check_port("127.0.0.1", 65535)
    assert "--port 65534" in caught.value.next_step


def test_host_of_another_machine_exits_with_8(premortem: Command, tmp_path: Path):
    refused(premortem("serve", "--index", tmp_path / "none", "--host", "192.0.2.1"), 8)


@pytest.mark.parametrize("arguments", [["search", "new payroll"], ["list"], ["lint"], ["doctor"], ["index"], ["serve"], ["show", CASE]])
def test_unknown_setting_exits_with_2_and_hints_at_the_right_one(premortem: Command, monkeypatch, arguments: list[str]):
    monkeypatch.setenv("PREMORTEM_PROT", "9000")
    assert "PREMORTEM_PORT" in refused(premortem(*arguments), 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["list", "nonsense"],
        ["show"],
        ["search", "--limit", "many", "x"],
        ["search", "x", "--file", "y"],
        ["search", "x", "--from-year", "99999999999999999999"],
        ["list", "--to-year", "999"],
        ["serve", "--port", "x"],
    ],
)
def test_wrong_use_exits_with_2_and_shows_the_usage(premortem: Command, arguments: list[str]):
    ran = premortem(*arguments)
    assert ran.code == 2
    assert "Usage: premortem" in ran.err
    assert "--help" in ran.err


def test_exit_codes_stand_in_the_help(premortem: Command):
    told = " ".join(premortem("--help").out.split())
    assert all(re.search(rf"\b{code} [a-z]", told) for code in set(EXIT_CODES.values()))


# --- doctor


def test_doctor_is_content_with_a_good_index(premortem: Command, small_real_index: Path, small_corpus: Path):
    ran = premortem("doctor", "--index", small_real_index, "--cases", small_corpus)
    assert ran.code == 0, ran.out
    assert "✗" not in ran.out
    assert "4 cases" in ran.out
    assert "every checksum fits" in " ".join(ran.out.split())


def test_doctor_is_content_with_a_withdrawn_case_and_a_draft_with_gaps(
    premortem: Command, real_index: Path, small_corpus: Path, tmp_path: Path
):
    names = sorted(path.stem for path in (small_corpus / "studies").glob("*.md"))
    break_case(small_corpus, names[0], "^status: .*", "status: withdrawn")
    break_case(small_corpus, names[1], "^status: .*", "status: draft")
    break_case(small_corpus, names[1], "^## Lessons$", "## Lessons\n\n- TODO")
    index = seed_index(tmp_path / "seeded", real_index)
    assert premortem("index", "--index", index, "--cases", small_corpus).code == 0
    assert premortem("lint", small_corpus).code == 0
    ran = premortem("doctor", "--index", index, "--cases", small_corpus)
    assert ran.code == 0, ran.out
    assert "0 errors, 2 warnings (`premortem lint` tells them)" in " ".join(ran.out.split())
    assert "a case finds itself" in ran.out


def test_doctor_names_a_damaged_file(premortem: Command, small_real_index: Path, small_corpus: Path):
    with (generation_folder(small_real_index) / "passages.faiss").open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x01")
    ran = premortem("doctor", "--index", small_real_index, "--cases", small_corpus)
    assert ran.code == 1
    assert re.search(r"✗ .*passages\.faiss\n\s+→ run `premortem index --rebuild`", ran.out)


def test_doctor_says_when_the_cases_are_newer(premortem: Command, small_real_index: Path, small_corpus: Path):
    break_case(small_corpus, "retailer-crm-marketing", "^status: .*", "status: draft")
    ran = premortem("doctor", "--index", small_real_index, "--cases", small_corpus)
    assert ran.code == 1
    assert "older than the cases" in " ".join(ran.out.split())


def test_doctor_prints_a_folder_with_brackets_as_it_is(premortem: Command, tmp_path: Path):
    ran = premortem("doctor", "--cases", tmp_path / "cases [/old]")
    assert "cases [/old]" in " ".join(ran.out.split())


def test_doctor_checks_everything_even_when_the_first_check_fails(premortem: Command, broken_corpus: Path, tmp_path: Path):
    ran = premortem("doctor", "--index", tmp_path / "none", "--cases", broken_corpus)
    assert ran.code == 1
    assert "premortem lint" in ran.out
    assert "✓ model" in ran.out
    assert "no index" in ran.out


def test_doctor_tells_what_the_cases_cover(premortem: Command, small_corpus: Path):
    ran = premortem("doctor", "--knowledge", "--cases", small_corpus)
    assert ran.code == 0
    assert "gap: fewer than 3 cases of industry" in " ".join(ran.out.split())


# --- help


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_help_of_each_command_has_examples(premortem: Command, name: str):
    ran = premortem(name, "--help")
    assert ran.code == 0
    assert re.search(rf"^  premortem {name}\b|^  .*\| premortem {name}\b", ran.out, re.MULTILINE)


def test_help_lists_every_command(premortem: Command):
    out = premortem("--help").out
    assert set(cli.commands) == {
        *("search", "index", "serve", "lint", "list", "show", "doctor", "eval", "new", "import", "review-cases", "train")
    }
    assert all(re.search(rf"^  {name}  ", out, re.MULTILINE) for name in cli.commands)


def test_version(premortem: Command):
    assert re.fullmatch(r"premortem, version \d+\.\d+\.\d+\n", premortem("--version").out)


# --- as a process of its own


def process(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "api.cli", *map(str, arguments)]


def test_reader_that_goes_away_causes_no_traceback(real_index: Path):
    with subprocess.Popen(
        process("list", "terms", "--json", "--index", real_index), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout
        assert command.stderr
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(60) == 1


def test_installed_command_reads_a_pipe_and_writes_plain_text(real_index: Path):
    premortem = Path(sys.executable).with_name("premortem")
    ran = subprocess.run([premortem, "search", "--index", real_index], input=BRIEF.encode(), capture_output=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"strong precedent" in ran.stdout
    assert b"\x1b[" not in ran.stdout


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (["search", "new payroll"], {"torch", "transformers", "pandas", "pyarrow", "sklearn", "sqlite_utils", "openvino.tools.ovc"}),
        (["index"], {"torch", "transformers", "pandas", "pyarrow", "sklearn", "openvino.tools.ovc"}),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_what_takes_long_to_import_is_left_alone(command: list[str], heavy: set[str], real_index: Path):
    code = f"import sys; sys.argv = ['premortem', *{command!r}, '--index', {str(real_index)!r}]\n"
    code += f"from api.cli import main\ntry: main()\nexcept SystemExit: print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert ran.stderr.strip().endswith(b"[]"), ran.stderr


def test_a_score_is_explained(premortem: Command, real_index: Path):
    ran = premortem("search", BRIEF, "--explain", "warehouse-analytics-legacy", "--index", real_index)
    assert ran.code == 0
    for part in ("whole", "headline", "best", "late", "lexical", "fused", "Probability", "Words in common"):
        assert part in ran.out
    as_json = json.loads(premortem("search", BRIEF, "--explain", "warehouse-analytics-legacy", "--json", "--index", real_index).out)
    assert as_json["case"] == "warehouse-analytics-legacy"
    assert sum(part["contribution"] for part in as_json["parts"]) == pytest.approx(as_json["fused"], abs=1e-3)
