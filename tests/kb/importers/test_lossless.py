"""Whatever the file: no crash, no hang, a sound draft or a reason, and every word of the source in the draft."""

from __future__ import annotations

import json
import random
import re
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kb.importers import FORMATS
from kb.importers.draft import draft_text
from kb.importers.record import plain_data
from kb.importers.run import import_path
from kb.importers.source import UnreadableError
from kb.parse import read_case
from kb.render import render_case
from tests.kb.importers.conftest import FIXTURES, VOCABULARY

WORD = st.text(string.ascii_lowercase + "äß字", min_size=2, max_size=8)
INLINE = st.lists(
    st.one_of(
        WORD,
        st.sampled_from(
            ["**", "*", "`", "_", "[^1]", "[a](b.md)", "![](x.png)", "<br>", "<b>", "|", "#", "- ", "1. ", ">", "\\", "]", "[", "(", ":"]
        ),
        st.sampled_from(["10:00", "2024-01-02", "2024-13-45", "TODO", "N/A", "---", "===", "~~~", "[x]: y", "&amp;", "e.g. This", "“q”"]),
    ),
    min_size=1,
    max_size=12,
).map(" ".join)
HEADING = st.sampled_from(
    [
        "# {}",
        "## Summary",
        "## Timeline",
        "### Root cause",
        "**Impact**",
        "Lessons\n-------",
        "Action items:",
        "## {}",
        "h2. Detection",
        "What went well",
    ]
)
PIECE = st.one_of(
    INLINE,
    INLINE.map("- {}".format),
    INLINE.map("  * {}".format),
    INLINE.map("1. {}".format),
    INLINE.map("> {}".format),
    INLINE.map("    {}".format),
    st.lists(INLINE, min_size=2, max_size=3).map(lambda cells: f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}\n| {' | '.join(cells)} |"),
    INLINE.map("```\n{}\n```".format),
    st.tuples(HEADING, WORD).map(lambda pair: pair[0].format(pair[1])),
    st.just(""),
)
PROSE = st.lists(PIECE, min_size=1, max_size=25).map("\n".join)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), INLINE, PROSE, st.text(max_size=30)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=12,
)
KEY = st.sampled_from(
    ["title", "summary", "impact", "root_cause", "timeline", "lessons", "action_items", "date", "url", "tags", "body", "id", "x"]
)


def imported(format_name: str, data: bytes, name: str):
    """Import one file into a new folder; return the report and the drafts' texts."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / name, Path(folder) / "out"
        source.write_bytes(data)
        report = import_path(format_name, source, out, VOCABULARY, today="2030-01-02")
        return report, [path.read_text("utf-8") for path in sorted(out.glob("*.md"))]


def check(report, texts) -> None:
    assert len(texts) == len(report.drafts)
    assert report.drafts or report.skipped
    for text in texts:
        case, problems = read_case(text, source="draft.md")
        assert problems == []
        assert render_case(case) == text
    assert not any("could not be read (" in skipped.reason for skipped in report.skipped), report.skipped


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{2,}", text.casefold()))


@settings(max_examples=60)
@given(PROSE)
def test_prose_of_any_shape_becomes_a_sound_draft_with_every_word(text):
    report, texts = imported("markdown", text.encode(), "a.md")
    check(report, texts)
    if texts:
        marks = {"br", "todo", "amp"} | words("# summary timeline root cause impact lessons action items detection what went well")
        assert words(text) - marks <= words(texts[0])


@settings(max_examples=40)
@given(st.dictionaries(KEY, VALUE, min_size=1), st.sampled_from(["json", "auto"]))
def test_any_json_becomes_a_sound_draft_or_a_reason(value, format_name):
    check(*imported(format_name, json.dumps(value).encode(), "a.json"))


@settings(max_examples=40)
@given(st.dictionaries(KEY, st.one_of(INLINE, PROSE), min_size=2))
def test_every_word_of_a_record_is_in_its_draft(value):
    report, texts = imported("json", json.dumps(value).encode(), "a.json")
    check(report, texts)
    if texts:
        assert words(" ".join(value.values())) - {"br", "todo", "amp"} <= words(texts[0]) | words(
            "summary timeline root cause impact lessons action items detection what went well"
        )


@settings(max_examples=40)
@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=5), min_size=1, max_size=6), st.sampled_from([",", ";", "\t", "|"]))
def test_any_table_becomes_sound_drafts_or_reasons(rows, delimiter):
    check(*imported("csv", "\n".join(delimiter.join(row) for row in rows).encode("utf-8", "replace"), "a.csv"))


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from(FORMATS), st.sampled_from(["a.md", "a.json", "a.yaml", "a.csv", "a", "a.html", "a.org"]))
def test_any_bytes_in_any_format_are_a_draft_or_a_reason(data, format_name, name):
    check(*imported(format_name, data, name))


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_of_every_format_are_a_draft_or_a_reason(seed):
    rng = random.Random(seed)
    files = sorted(path for path in FIXTURES.rglob("*") if path.is_file())
    path = rng.choice(files)
    data = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 40)]
            case _:
                data[at:at] = bytes(rng.choice(list(b"[]{}#*|`-:\"'<>\n\\ ")) for _ in range(rng.randint(1, 20)))
        if not data:
            data = bytearray(b"x")
    check(*imported("auto", bytes(data), path.name))


@pytest.mark.parametrize(
    "name, text",
    [
        ("a.md", "# T\n\n## Summary\n\n" + "[" * 20_000),
        ("a.md", "# T\n\n## Summary\n\n" + "*a " * 20_000),
        ("a.md", "# T\n\n## Lessons\n\n" + "".join("  " * depth + "- x\n" for depth in range(400))),
        ("a.md", "# T\n\n## Lessons\n\n- " + " " * 50_000 + "x"),
        ("a.md", "# T\n\n" + "**Impact**\n" * 3_000),
        ("a.md", "# T\n\n## Timeline\n\n" + "- 10:00 x\n" * 5_000),
        ("a.md", "# T\n\n## Summary\n\n" + "(" * 5_000 + "a. B " * 5_000),
        ("a.md", "# T\n\n## Appendix\n\n" + "a line of a log\n" * 60_000),
        ("a.html", "<h1>T</h1>" + "<div>" * 3_000 + "x"),
        ("a.html", "<h2>Summary</h2>" + "<p>x</p>" * 5_000),
        ("a.json", "[" * 100_000),
        ("a.json", '{"summary": ' * 500 + "1" + "}" * 500),
        ("a.json", '{"title": "T", "summary": ' + "9" * 6_000 + "}"),
        ("a.yaml", "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(22))),
        ("a.yaml", "{" * 50_000),
        ("a.csv", "a,b\n" + '"' * 20_000),
        ("a.csv", ",".join("abc" for _ in range(3_000)) + "\n" + "x,y\n"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
@pytest.mark.timeout(120)
def test_large_and_hostile_files_end(name, text):
    check(*imported("auto", text.encode(), name))


def test_a_file_longer_than_any_post_mortem_is_a_reason():
    report, texts = imported("auto", b"# T\n\n## Summary\n\n" + b"words " * 700_000, "a.md")
    assert texts == []
    assert report.skipped[0].reason == "longer than 4,000,000 characters"


@settings(max_examples=40)
@given(VALUE)
@example("0\n")
def test_data_of_a_file_survives_writing_and_reading(value):
    from kb.importers.record import Record

    try:
        kept = plain_data(value)
    except UnreadableError:
        return
    record = Record("json", "a.json", "x", title="T", story=["It broke."], original="")
    record.rest["fields"] = {"value": kept}
    case, problems = read_case(draft_text(record, VOCABULARY, imported="2030-01-02"), source="draft.md")
    assert problems == []
    assert case.meta.x_import["fields"] == {"value": kept}
