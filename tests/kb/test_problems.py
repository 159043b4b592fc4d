"""Every rule of the format: what breaks it is told with its line and with what to write instead."""

from __future__ import annotations

import random
import shutil

import msgspec
import pytest

from kb.case import CaseMeta
from kb.corpus import Corpora, corpus_files, read_corpora, read_file, shipped
from kb.lint import fix, lint
from kb.parse import read_case
from tests.kb.conftest import CASE, CASE_TEXT, STRATEGY, STRATEGY_TEXT


def changed(text: str, old: str, new: str) -> str:
    assert old in text, f"the good file has no {old!r}"  # or a row of the table would test nothing
    return text.replace(old, new, 1)


def missing(name: str) -> tuple[str, str]:
    """Change that removes a front matter field."""
    line = next(line for line in CASE_TEXT.split("\n") if line.startswith(f"{name}:"))
    return f"{line}\n", ""


def section(name: str, following: str) -> str:
    """A whole section of the good case."""
    return CASE_TEXT[CASE_TEXT.index(f"## {name}\n") : CASE_TEXT.index(f"## {following}\n")]


LESSONS, PREVENTION = section("Lessons", "Prevention"), section("Prevention", "Disputed")
FRONT = CASE_TEXT[: CASE_TEXT.index("## Undertaking")]
IMPACT = "- **Customers could not pay.** About 1.9 million were locked out. [^s1]"

# (old, new, rule, start of the line told or 1, words of the message, words of the advice). Each row is exactly one problem.
CASE_ROWS = [
    # front matter
    (FRONT, "", "front-matter", 1, "no front matter", "begin the file with ---"),
    (*missing("title"), "front-matter", 1, "`title` is missing", "add `title: …`"),
    (*missing("industry"), "front-matter", 1, "`industry` is missing", "add `industry"),
    (*missing("undertaking"), "front-matter", 1, "`undertaking` is missing", "add"),
    (*missing("categories"), "front-matter", 1, "`categories` is missing", "add"),
    (*missing("phase"), "front-matter", 1, "`phase` is missing", "add"),
    (*missing("outcome"), "front-matter", 1, "`outcome` is missing", "add"),
    (*missing("evidence"), "front-matter", 1, "`evidence` is missing", "add"),
    (*missing("status"), "front-matter", 1, "`status` is missing", "add"),
    ("country: GB", "country: GB\nregion: Kent", "front-matter", "region", "unknown field `region`", "use one of: title"),
    ("country: GB", "country: GB\ncountry: FR", "front-matter", "country: FR", "`country` stands twice", "one `key: value`"),
    ("organisation: Example Bank", "organisation: [A, B]", "front-matter", "organisation", "`organisation`: Expected", "cases/README.md"),
    (
        "categories: [big-bang-rollout, insufficient-testing]",
        "categories: big-bang-rollout",
        "front-matter",
        "categories",
        "Expected `array`",
        "form",
    ),
    ("systems: [core-banking, payments]", "systems: [core-banking, 7]", "front-matter", "systems", "got `int`", "form"),
    ("country: GB", "country: no", "front-matter", "country", "got `bool`", "form"),
    ("status: published", "status: 2018", "front-matter", "status", "got `int`", "form"),
    ("industry: banking-and-payments", "industry: ''", "front-matter", "industry", "is empty", "write one line"),
    ("industry: banking-and-payments", 'industry: "a\\nb"', "front-matter", "industry", "longer than one line", "write one line"),
    ("country: GB", "country: [GB", "front-matter", "years", "did not find", "key: value"),
    ("country: GB", "country GB", "front-matter", "years", "could not find", "key: value"),
    ("country: GB", "country: !!bool maybe", "front-matter", 2, "not YAML", "key: value"),
    ("country: GB", "country: !!timestamp soon", "front-matter", 2, "not YAML", "key: value"),
    ("country: GB", "country: " + "[" * 100_000, "front-matter", 1, "nested more than 100 deep", "key: value"),
    ("country: GB", "country: &a GB\nregion: *a", "front-matter", "region", "`*a` repeats a value", "key: value"),
    ("years: 2016-2018", "years: about 2016", "front-matter", "years", "'about 2016' is not a year or a span", "2011-2018"),
    ("years: 2016-2018", "years: 16-18", "front-matter", "years", "not a year", "2011"),
    ("years: 2016-2018", "years: 201", "front-matter", "years", "'201' is not a year", "2011"),
    ("years: 2016-2018", "years: 2018-07-01", "front-matter", "years", "'2018-07-01' is not a year", "2011"),
    ("years: 2016-2018", "years: 0x" + "f" * 5000, "front-matter", "years", "got `int`", "form"),
    ("[big-bang-rollout, insufficient-testing]", "[]", "front-matter", "categories", "`categories` is empty", "name one to four"),
    # vocabulary
    (
        "industry: banking-and-payments",
        "industry: banking-and-payment",
        "vocabulary",
        "industry",
        "unknown industry",
        "did you mean 'banking-and-payments'?",
    ),
    (
        "undertaking: platform-migration",
        "undertaking: platform-migraton",
        "vocabulary",
        "undertaking",
        "unknown undertaking",
        "'platform-migration'?",
    ),
    (
        "categories: [big-bang-rollout",
        "categories: [bigbang-rollout",
        "vocabulary",
        "categories",
        "unknown category",
        "'big-bang-rollout'?",
    ),
    ("phase: go-live", "phase: golive", "vocabulary", "phase", "unknown phase 'golive'", "'go-live'?"),
    ("outcome: failed-go-live", "outcome: failed-golive", "vocabulary", "outcome", "unknown outcome", "'failed-go-live'?"),
    ("systems: [core-banking", "systems: [core-bank", "vocabulary", "systems", "unknown system 'core-bank'", "'core-banking'?"),
    ("evidence: official-report", "evidence: offical-report", "vocabulary", "evidence", "unknown evidence", "'official-report'?"),
    ("status: published", "status: publishd", "vocabulary", "status", "unknown status", "'published'?"),
    ("status: published", "status: 漢字", "vocabulary", "status", "unknown status", "use one of: draft, published"),
    ("`test`", "`tests`", "vocabulary", "- **Defects", "unknown phase 'tests'", "'test'?"),
    ("`big-bang-rollout` [^s1]", "`big-bang` [^s1]", "vocabulary", "- **Everything", "unknown category 'big-bang'", "'big-bang-rollout'?"),
    (". news", ". newz", "vocabulary", "[^s3]:", "unknown evidence 'newz'", "'news'?"),
    # sections and blocks
    (LESSONS, "", "section", "## Prevention", "`Lessons` is missing", "add `## Lessons` before `## Prevention`"),
    (section("Undertaking", "Is this you?"), "", "section", "## Is", "`Undertaking` is missing", "add `## Undertaking`"),
    (
        "## Lessons",
        "## Morals\n\nNone.\n\n## Lessons",
        "section",
        "## Morals",
        "unknown section `Morals`",
        "use one of: Undertaking, Is this you?",
    ),
    (
        "## Prevention",
        "## Lessons\n\n- **Again.** [^s1]\n\n## Prevention",
        "section",
        "## Lessons",
        "`Lessons` stands twice",
        "join the two",
    ),
    (LESSONS + PREVENTION, PREVENTION + LESSONS, "section", "## Lessons", "`Lessons` is out of order", "the order is: Undertaking"),
    (IMPACT, "", "section", "## Impact", "`Impact` is empty", "leave an optional section out"),
    ("## Undertaking", "Hello.\n\n## Undertaking", "section", "Hello.", "text before the first section", "move it under `## Undertaking`"),
    ("A bank set out to", "### Background\n\nA bank set out to", "block", "### Background", "a heading does not belong here", "paragraphs"),
    ("It planned one", "- It planned one", "block", "- It planned", "a bullet list does not belong here", "write paragraphs"),
    (
        IMPACT,
        f"{IMPACT}\n\n| who | how many |\n|---|---|\n| all | 1 |",
        "block",
        "| who",
        "a paragraph does not belong here",
        "a list of `- ` items",
    ),
    (IMPACT, f"{IMPACT}\n\n```\nselect 1\n```", "block", 38, "a code block does not belong here", "a list of `- ` items"),
    (IMPACT, f"{IMPACT}\n\n1. **One.** [^s1]", "block", "1. **One", "a numbered list does not belong here", "a list of `- ` items"),
    (IMPACT, f"{IMPACT}\n\n<div>x</div>", "raw-html", "<div>", "an HTML block does not belong here", "a list of `- ` items"),
    (
        "## Impact",
        "All in all, it was bad.\n\n## Impact",
        "block",
        "All in all",
        "a paragraph does not belong here",
        "then one `- date: …` list",
    ),
    # items and timeline
    ("**Move in stages.** ", "", "item", "- A small group", "a lesson has no lead", "begin it with **the point"),
    ("**Customers could not pay.** ", "", "item", "- About", "an impact has no lead", "begin it with"),
    (" `test`", "", "item", "- **Defects", "a symptom names no phase", "add `phase`"),
    (" `insufficient-testing`", "", "item", "- **Only half", "a factor names no category", "add `category`"),
    ("`go-live` [^s3]", "`go-live`", "source-missing", "- **The queue", "a symptom names no source", "end it with [^s1]"),
    (
        "parallel running. [^inferred]",
        "parallel running.",
        "source-missing",
        "- **Keep",
        "a prevention names no source",
        "[^inferred] for advice",
    ),
    ("- 2016: Work", "- Work", "timeline", "- Work", "a timeline entry has no date", "write `- 2018-07:"),
    ("- 2016: Work", "- early 2016: Work", "date", "- early 2016", "'early 2016' is not a date", "write 2018, 2018-07"),
    ("- 2016: Work", "- 2016-1-2: Work", "date", "- 2016-1-2", "is not a date", "2018-07-09"),
    ("begins. [^s1]", "begins.", "source-missing", "- 2016:", "a timeline entry names no source", "end it with [^s1]"),
    # sources and links
    ("first. [^s1]", "first. [^s9]", "source-undefined", "- **Move", "[^s9] is not defined", "define it"),
    ("of two data centres[^s1]", "of two data centres[^S1]", "source-undefined", "Tests ran", "[^S1] is not defined", "define it"),
    ("[^s3]: [", "[^s4]: [Other](). news\n[^s3]: [", "source-unused", "[^s4]:", "[^s4] is never cited", "cite it"),
    ("[^inferred]: ", "[^s2]: [Other](). news\n[^inferred]: ", "source-form", "[^s2]: [Other]", "[^s2] is defined twice", "keep one"),
    (
        "<https://example.org/report_(2019)>",
        "https://example.org/minutes",
        "source-form",
        "[^s2]:",
        "[^s2] and [^s1] have one address",
        "keep one",
    ),
    (
        "../strategies/rehearse-cutover.md): a full",
        "../strategies/rehearse-cutovers.md): a full",
        "link",
        "- [Rehearse the",
        "no strategy 'rehearse-cutovers'",
        "'rehearse-cutover'?",
    ),
    (
        "status: published",
        "status: superseded\nsuperseded_by: example-bank-2019",
        "link",
        "superseded_by",
        "superseded_by 'example-bank-2019' is no case",
        "'example-bank-2018'?",
    ),
    ("status: published", "status: superseded", "front-matter", "status", "names no other", "superseded_by"),
    (
        "status: published",
        "status: published\nsuperseded_by: example-bank-2018",
        "front-matter",
        "status",
        "superseded_by stands in a published case",
        "status: superseded",
    ),
    # canonical form
    ("- **Move", "* **Move", "form", "* **Move", "not in canonical form", "write '- **Move in stages.**"),
    ("## Lessons", "\n## Lessons", "form", 48, "not in canonical form", "write '## Lessons'"),
    ("It planned one", "It\nplanned one", "form", "It", "not in canonical form", "write 'It planned one weekend"),
    ("country: GB", "country: 'GB'", "form", "country", "not in canonical form", "write 'country: GB', or run `premortem lint --fix`"),
    ("country: GB\n", "", "form", 5, "not in canonical form", "write 'country: null'"),
    ("from the case.\n", "from the case.", "form", 65, "not in canonical form", "premortem lint --fix"),
    ("from the case.\n", "from the case.\n\n", "form", 66, "not in canonical form", "premortem lint --fix"),
]


def line_told(text: str, at: str | int) -> int:
    """The line given, or the last line that starts so."""
    return at if isinstance(at, int) else max(number for number, line in enumerate(text.split("\n"), 1) if line.startswith(at))


@pytest.mark.parametrize("old, new, rule, at, message, advice", CASE_ROWS, ids=[f"{row[2]}-{row[4]}" for row in CASE_ROWS])
def test_what_breaks_a_rule_for_cases_is_told_with_line_and_advice(folder, old, new, rule, at, message, advice):
    text = changed(CASE_TEXT, old, new)
    [problem] = folder.of_case(text)
    assert (problem.rule, problem.line) == (rule, line_told(text, at))
    assert message in problem.message
    assert advice in problem.advice
    assert problem.source == str(folder.studies / CASE)


def test_every_required_field_of_a_case_has_its_row():
    required = {field.name for field in msgspec.structs.fields(CaseMeta) if field.required}
    assert required == {row[4].split("`")[1] for row in CASE_ROWS if row[2] == "front-matter" and row[4].endswith("is missing")}


STRATEGY_ROWS = [
    ("effort: weeks\n", "", "front-matter", 1, "`effort` is missing", "add `effort: …`"),
    ("effort: weeks", "effort: [weeks]", "front-matter", "effort", "`effort`: Expected `str`", "form of each field"),
    ("effort: weeks", "effort: weeks\ncost: high", "front-matter", "cost", "unknown field `cost`", "use one of: title, phase"),
    ("[operations, testers]", "[]", "front-matter", "roles", "`roles` is empty", "name at least one"),
    ("[big-bang-rollout, no-way-back]", "[]", "front-matter", "addresses", "`addresses` is empty", "name at least one"),
    ("phase: migration", "phase: migrating", "vocabulary", "phase", "unknown phase 'migrating'", "did you mean 'migration'?"),
    ("effort: weeks", "effort: week", "vocabulary", "effort", "unknown effort 'week'", "'weeks'?"),
    ("[operations, testers]", "[operations, tester]", "vocabulary", "roles", "unknown role 'tester'", "'testers'?"),
    ("no-way-back]", "noway-back]", "vocabulary", "addresses", "unknown category 'noway-back'", "'no-way-back'?"),
    (
        "## Limits\n\nA copy is never the real thing.\n\nCosts grow with the data.\n",
        "",
        "section",
        24,
        "`Limits` is missing",
        "add `## Limits`",
    ),
    ("- Two rehearsals ended in time.\n", "", "section", "## Done when", "`Done when` is empty", "fill it"),
    ("1. **Write", "- **Write", "block", "- **Write", "a bullet list does not belong here", "a list of `1. ` steps"),
    ("- Two rehearsals", "Two rehearsals", "block", "Two", "a paragraph does not belong here", "a list of `- ` items"),
    (
        "with the data.\n",
        "with the data.\n\n[^s1]: [T](). news\n",
        "source-form",
        "[^s1]",
        "[^s1]: a strategy has no footnotes",
        "in the front matter",
    ),
    ("2. **Run", "3. **Run", "form", "3. **Run", "not in canonical form", "write '2. **Run"),
]


@pytest.mark.parametrize("old, new, rule, at, message, advice", STRATEGY_ROWS, ids=[f"{row[2]}-{row[4]}" for row in STRATEGY_ROWS])
def test_what_breaks_a_rule_for_strategies_is_told_with_line_and_advice(folder, old, new, rule, at, message, advice):
    text = changed(STRATEGY_TEXT, old, new)
    [problem] = [problem for problem in folder.of_strategy(text) if problem.source.endswith(STRATEGY)]
    assert (problem.rule, problem.line) == (rule, line_told(text, at))
    assert message in problem.message
    assert advice in problem.advice


MALFORMED = [
    "A weekend of errors. news",
    "[A weekend]() news",
    "[A weekend](), 2018",
    "[](). news",
    "[A [weekend]](). news",
    "[A](a b c). news",
    "",
]


def test_a_footnote_that_pages_could_not_number_is_told(folder):
    text = CASE_TEXT.replace("[^s3]", "[^report]")
    (problem,) = folder.of_case(text)
    assert (problem.rule, problem.line) == ("source-form", line_told(text, "[^report]:"))
    assert "[^report] is not the label of a source" in problem.message
    assert "write [^s1], [^s2] and so on" in problem.advice


@pytest.mark.parametrize("footnote", MALFORMED)
def test_a_footnote_that_is_no_source_is_told_with_the_form_of_one(folder, footnote):
    text = changed(CASE_TEXT, "[A weekend of errors](), Example Times, London. news", footnote)
    problem = folder.of_case(text)[-1]
    assert (problem.rule, problem.line) == ("source-form", line_told(text, "[^s3]:"))
    assert "[^s3] is not in the form of a source" in problem.message
    assert "`[^s1]: [Title](address), Publisher, 2019-05-01. news`" in problem.advice


def test_the_good_corpus_has_no_problem(folder):
    assert folder.problems() == []


@pytest.mark.parametrize("form", [lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text], ids=["CRLF", "BOM"])
def test_line_ends_and_byte_order_mark_of_windows_are_accepted(folder, form):
    assert folder.of_case(form(CASE_TEXT)) == []


def test_bytes_that_are_not_utf_8_are_told_with_their_line(folder):
    (folder.studies / CASE).write_bytes(CASE_TEXT.encode().replace(b"five million", b"f\xfcnf Millionen"))
    [problem] = folder.problems()
    assert (problem.rule, problem.line) == ("file", 18)
    assert "0xfc is not UTF-8" in problem.message
    assert "save the file as UTF-8" in problem.advice


@pytest.mark.parametrize("name", ["Example Bank.md", "example_bank.md", "example--bank.md", "-bank.md", "bänk.md"])
def test_a_file_name_that_is_no_slug_is_told(folder, name):
    (folder.studies / CASE).rename(folder.studies / name)
    [problem] = folder.problems()
    assert (problem.rule, problem.line) == ("file-name", 1)
    assert "is not a slug" in problem.message
    assert "example-company-2019.md" in problem.advice


def test_a_title_used_twice_is_told_in_the_second_file(folder):
    shutil.copy(folder.studies / CASE, folder.studies / "later.md")
    [problem] = folder.problems()
    assert (problem.source, problem.rule, problem.line) == (str(folder.studies / "later.md"), "duplicate", 2)
    assert CASE in problem.message


def test_an_id_used_in_two_corpora_is_told(folder, tmp_path):
    shutil.copytree(folder.path, tmp_path / "second")
    problems = lint(read_corpora([folder.path, tmp_path / "second"]))
    assert [problem.message for problem in problems if problem.message.startswith("id 'example-bank-2018' is also")]


def test_a_case_superseded_by_a_known_one_is_accepted(folder):
    later = changed(CASE_TEXT, "Example Bank: moves", "Later: moves")
    (folder.studies / "later.md").write_text(later, "utf-8")
    assert folder.of_case(changed(CASE_TEXT, "status: published", "status: superseded\nsuperseded_by: later")) == []


def test_a_term_of_the_corpus_own_taxonomy_is_accepted(folder):
    own = (shipped("cases") / "taxonomy.yaml").read_text("utf-8").replace("id: banking-and-payments", "id: barter")
    (folder.path / "taxonomy.yaml").write_text(own, "utf-8")
    assert folder.of_case(changed(CASE_TEXT, "industry: banking-and-payments", "industry: barter")) == []


def test_all_problems_of_all_files_come_at_once_and_sorted(folder):
    folder.of_case(changed(changed(CASE_TEXT, "phase: go-live", "phase: golive"), " `test`", ""))
    (folder.studies / "broken.md").write_bytes(b"\xff")
    problems = folder.of_strategy(changed(STRATEGY_TEXT, "effort: weeks", "effort: week"))
    found = [(problem.source.rpartition("/")[2], problem.line, problem.rule) for problem in problems]
    assert found == [(STRATEGY, 5, "vocabulary"), ("broken.md", 1, "file"), (CASE, 9, "vocabulary"), (CASE, 40, "item")]


def test_a_problem_reads_as_place_rule_message_and_advice(folder):
    [problem] = folder.of_case(changed(CASE_TEXT, "phase: go-live", "phase: golive"))
    assert str(problem) == f"{folder.studies / CASE}:9:8 vocabulary unknown phase 'golive' → did you mean 'go-live'?"


def test_a_problem_of_form_is_not_told_beside_others_of_its_file(folder):
    text = changed(changed(CASE_TEXT, "- **Move", "* **Move"), "phase: go-live\n", "")
    assert [problem.rule for problem in folder.of_case(text)] == ["front-matter"]


def test_fixing_the_form_leaves_no_problem(folder):
    (folder.studies / CASE).write_text(changed(CASE_TEXT, "- **Move", "\n\n* **Move"), "utf-8")
    assert fix(read_corpora([folder.path])) == [folder.studies / CASE]
    assert folder.problems() == []
    assert (folder.studies / CASE).read_text("utf-8") == CASE_TEXT


def test_fixing_the_form_leaves_a_broken_file_alone(folder):
    text = changed(changed(CASE_TEXT, "- **Move", "* **Move"), "phase: go-live\n", "")
    folder.of_case(text)
    assert fix(read_corpora([folder.path])) == []
    assert (folder.studies / CASE).read_text("utf-8") == text


def damaged(data: bytes, seed: int) -> bytes:
    """A copy with a few bytes overwritten, removed or repeated, every third time cut off."""
    chance = random.Random(seed)
    copy = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(copy))
        with_what = chance.choice([b"", b"\n", b"\n\n", b"---\n", b"[", b"`", b"**", b": ", b"[^", b"\x00", bytes([chance.randrange(256)])])
        copy[place : place + chance.choice([0, 1, 40])] = with_what
    return bytes(copy[: chance.randrange(len(copy))]) if seed % 3 == 0 else bytes(copy)


@pytest.mark.parametrize("seed", range(200))
def test_a_damaged_file_never_raises(tmp_path, shipped_corpora, seed):
    original = random.Random(seed).choice(corpus_files(shipped("cases")))
    path = tmp_path / original[0].name
    path.write_bytes(damaged(original[0].read_bytes(), seed))
    file, problems = read_file(path, original[1])
    found = lint(Corpora(shipped_corpora.taxonomy, [file] if file else [], problems))
    n_lines = path.read_bytes().count(b"\n") + 1
    assert set(problems) <= set(found)
    assert all(1 <= problem.line <= n_lines + 1 and problem.message and problem.advice for problem in found)


@pytest.mark.parametrize(
    "text", ["", "\n", "---", "---\n---\n", "---\n- a\n---\n", "# Title\n", "\x00", "[^a]:", "> " * 5000, "- " * 5000, "[" * 50_000]
)
def test_a_file_that_is_no_case_has_problems_and_raises_nothing(text):
    assert read_case(text, source=CASE)[1]


@pytest.mark.parametrize(
    "when",
    ["2018", "2018-07", "2018-07-09", "2018-07-09 17:20", "2018-07-09 17:20 UTC", "2018-07 to 2018-09", "2025-11-18 11:20 to 14:30 UTC"],
)
def test_dates_of_every_allowed_form_are_accepted(folder, when):
    assert folder.of_case(changed(CASE_TEXT, "- 2018-04-22 18:00: The", f"- {when}: The")) == []


def drafted(*changes: tuple[str, str]) -> str:
    text = changed(CASE_TEXT, "status: published", "status: draft")
    for old, new in changes:
        text = changed(text, old, new)
    return text


def test_gaps_of_one_line_are_one_finding(folder):
    [problem] = folder.of_case(drafted((IMPACT, "- **TODO: what it cost.** TODO: figures. [^s1]")))
    assert (problem.rule, problem.severity, problem.column) == ("todo", "warning", 5)


@pytest.mark.parametrize(
    "old, new, rule",
    [
        (FRONT[FRONT.index("years: ") : FRONT.index("\n", FRONT.index("years: "))], "years: TODO", "front-matter"),
        (IMPACT, f"{IMPACT}\n\nTODO", "block"),
    ],
)
def test_gap_where_none_can_be_is_told_once(folder, old, new, rule):
    [problem] = folder.of_case(drafted((old, new)))
    assert problem.rule == rule


def test_gap_of_a_strategy_is_to_be_written_since_there_are_no_drafts_of_one(folder):
    problems = folder.of_strategy(changed(STRATEGY_TEXT, "effort: ", "effort: TODO # "))
    assert {problem.advice for problem in problems if problem.rule == "todo"} == {"write it"}
