"""Headings, lists, tables and dates as people write them."""

from __future__ import annotations

import pytest

from kb.importers.aliases import place_of
from kb.importers.data import read_yaml
from kb.importers.dates import iso_date, split_when, when, years_of
from kb.importers.html import looks_like_html
from kb.importers.sections import _implied
from kb.importers.source import UnreadableError
from tests.kb.importers.conftest import kept, only_draft, told


@pytest.mark.parametrize(
    "heading, target",
    [
        ("1. Summary", "story"),
        ("TL;DR", "story"),
        ("🔥 Impact", "impact"),
        (":fire: **Impact**", "impact"),
        ("Impact & Metrics", "impact"),
        ("IV. Timeline (all times UTC)", "timeline"),
        ("Contributing Factors (findings)", "factors"),
        ("Contibuting Factors", "factors"),
        ("5 Whys", "factors"),
        ("What were the root causes?", "factors"),
        ("Lesson(s) Learnt", "lessons"),
        ("What Didn’t Go So Well?", "lessons"),
        ("Where we got lucky", "lessons"),
        ("What went well?", "story"),
        ("Action Items & Followups", "prevention"),
        ("Corrective and Preventative Measures", "prevention"),
        ("Atendees", "kept"),
        ("Ursachen", "factors"),
        ("Leçons apprises", "lessons"),
        ("Causa raíz", "factors"),
        ("根本原因分析", "factors"),
        ("再発防止策", "prevention"),
    ],
)
def test_headings_are_told_by_the_alias_table(heading, target):
    assert place_of(heading).target == target


@pytest.mark.parametrize(
    "heading", ["The cluster", "Our customers and us", "", "###", "A long heading that happens to speak of the impact of it all"]
)
def test_other_headings_are_not_guessed(heading):
    assert place_of(heading) is None


@pytest.mark.parametrize(
    "heading",
    [
        *("## Root Cause", "##Root Cause", "Root Cause\n----------", "Root Cause\n~~~~~~~~~~", "**Root Cause**", "__Root Cause:__"),
        *("h2. Root Cause", "== Root Cause ==", "ROOT CAUSE", "Root cause:", "2) Root Cause", "### 3.1 Root cause ###"),
        *("<!-- x -->\n## Root Cause", "<h2 id='r'>Root Cause</h2>"),
    ],
)
def test_headings_in_every_markup(run, heading):
    case = only_draft(run("markdown", {"a.md": f"# A title here\n\n## Summary\n\nIt broke.\n\n{heading}\n\nA full disk.\n"}))
    assert told(case, "factors") == ["A full disk."]
    assert told(case, "story") == ["It broke."]


def test_labels_in_front_of_their_text(run):
    text = "Outage of the shop\n\n**Summary:** It broke.\n\n**Root cause**: A full disk.\n\nAction items:\n- Watch it.\n"
    case = only_draft(run("auto", {"a.txt": text}))
    assert (told(case, "story"), told(case, "factors"), told(case, "prevention")) == (["It broke."], ["A full disk."], ["Watch it."])


def test_bullets_that_are_labels(run):
    text = "# Shop down\n\n- **Summary**: It broke.\n- **Impact**: 12 shops\n- **Root cause**: A full disk.\n"
    case = only_draft(run("auto", {"a.md": text}))
    assert (told(case, "impact"), told(case, "factors")) == (["12 shops"], ["A full disk."])


def test_kinds_of_actions_stay_actions(run):
    text = "# Shop down\n\n## Action items\n\n### Detection\n\n- Alert on the disk.\n\n### Mitigation\n\n- Write a runbook.\n"
    case = only_draft(run("auto", {"a.md": text}))
    assert told(case, "prevention") == ["Alert on the disk.", "Write a runbook."]
    assert kept(case, "headings") == {"Detection": "Action items", "Mitigation": "Action items"}


def test_a_heading_below_a_known_one_leads_its_paragraph(run):
    text = "# Shop down\n\n## Root causes\n\n### No alert\n\nNobody watched the disk.\n"
    assert told(only_draft(run("auto", {"a.md": text})), "factors") == ["No alert: Nobody watched the disk."]


def test_unknown_sections_are_kept_word_for_word(run):
    section = "Rows of *shelves*:\n\n| a | b |\n|---|---|\n| 1 |   2 |\n\n    code\n\n---\n\n```sh\nrm -rf  x\n```"
    case = only_draft(run("auto", {"a.md": f"# Shop down\n\n## Summary\n\nIt broke.\n\n## The shelves\n\n{section}\n"}))
    assert kept(case, "sections")["The shelves"] == section


def test_a_text_without_known_sections_is_a_story(run):
    text = "# Why we stopped\n\nWe wanted too much.\n\n## The first year\n\nNothing shipped.\n\n- nobody asked\n"
    case = only_draft(run("auto", {"a.md": text}))
    assert told(case, "story") == ["We wanted too much.", "**The first year.** Nothing shipped.", "• nobody asked"]
    assert [item.lead[:4] for item in case.lessons] == ["TODO"]


def test_nested_lists_stay_one_statement(run):
    text = "# Shop down\n\n## Lessons\n\n* Ask early\n  * the shops\n    * in writing\n  * the bank\n* Test\n"
    assert told(only_draft(run("auto", {"a.md": text})), "lessons") == ["Ask early the shops: in writing; the bank", "Test"]


def test_code_is_kept_beside_the_section(run):
    text = "# Shop down\n\n## Root cause\n\nThis line:\n\n```python\nwhile True:\n    pass\n```\n"
    case = only_draft(run("auto", {"a.md": text}))
    assert kept(case, "code") == {"Root cause": "python\nwhile True:\n    pass"}


def test_marks_that_would_mean_something_else_are_escaped(run):
    text = "# Shop down\n\n## Lessons\n\n- Restart with `systemctl`\n- See [^1] and [runbook](docs/r.md)\n"
    case = only_draft(run("auto", {"a.md": text}))
    assert told(case, "lessons") == ["Restart with `systemctl`", "See (note 1) and runbook (docs/r.md)"]
    assert case.lessons[0].tag is None


def test_words_that_say_nothing_are_gaps(run):
    case = only_draft(run("auto", {"a.md": "# Shop down\n\n## Summary\n\nIt broke.\n\n## Lessons learned\n\nN/A\n"}))
    assert told(case, "lessons") == []
    assert kept(case, "sections") == {"Lessons learned": "N/A"}


@pytest.mark.parametrize(
    "written, read",
    [
        ("2020-01-20 13:50", "2020-01-20 13:50"),
        ("2024-03-01T07:10:00Z", "2024-03-01 07:10 UTC"),
        ("May 4, 2024 2:51 pm", "2024-05-04 14:51"),
        ("4th May 2024", "2024-05-04"),
        ("12.03.2024 09:00", "2024-03-12 09:00"),
        ("2019", "2019"),
        ("14:51", "TODO 14:51"),
        ("03/04/2024", "TODO 03/04/2024"),
        ("2024-02-30", "TODO 2024-02-30"),
        ("", "TODO"),
    ],
)
def test_a_moment_is_written_as_cases_write_it_or_left_to_a_person(written, read):
    assert when(written) == read


def test_a_time_of_day_takes_the_day_above_it():
    assert when("10:05 UTC", "2024-01-01") == "2024-01-01 10:05 UTC"


@pytest.mark.parametrize(
    "line, moment, rest",
    [
        ("14:51 peak starts", "14:51", "peak starts"),
        ("[13:20] deploy", "13:20", "deploy"),
        ("**10:02** - restart", "10:02", "restart"),
        ("2024-05-04 14:51 UTC — gone", "2024-05-04 14:51 UTC", "gone"),
        ("10:00-10:40 users waited", "10:00-10:40", "users waited"),
        ("T+5m first call", "T+5m", "first call"),
        ("12 servers died", "", "12 servers died"),
        ("3.50 euros a day", "", "3.50 euros a day"),
    ],
)
def test_a_line_of_a_timeline_begins_with_its_moment(line, moment, rest):
    assert split_when(line) == (moment, rest)


@pytest.mark.parametrize("text, day", [("March 3rd, 2022 - Jobs stuck", "2022-03-03"), ("soon", ""), ("2022-13", ""), ("0000", "")])
def test_days(text, day):
    assert iso_date(text) == day


def test_years_span_what_the_dates_say():
    assert years_of(["2019-01-02 10:00", "2021-03", "soon"]) == "2019-2021"
    assert years_of(["soon"]) is None


@pytest.mark.parametrize(
    "table",
    [
        "| Time | Event |\n|---|---|\n| 2024-01-02 10:00 | gone |",
        "| Event | When |\n|---|---|\n| gone | 2024-01-02 10:00 |",
        "| Date | Time | What |\n|---|---|---|\n| 2024-01-02 | 10:00 | gone |",
        "2024-01-02\n\n- 10:00 gone",
        "* 2024-01-02\n  * 10:00: gone",
        "2024-01-02 10:00 gone",
        "### 2 January 2024\n\n10:00 - gone",
    ],
)
def test_timelines_of_every_shape(run, table):
    case = only_draft(run("auto", {"a.md": f"# Shop down\n\n## Summary\n\nIt broke.\n\n## Timeline\n\n{table}\n"}))
    assert told(case, "timeline") == ["2024-01-02 10:00 gone"]


def test_markdown_with_tags_in_it_stays_markdown(run):
    table = "| Time | Event |\n|---|---|\n| 2024-01-02 10:00 | one<br>two<br/>three<br>four |"
    top, folded = "<!-- keep --><p align='center'>Logo</p>", "<details>\n\n- A full disk.\n\n</details>"
    text = f"{top}\n\n# Shop down\n\n## Timeline\n\n{table}\n\n## Root cause\n\n{folded}\n"
    case = only_draft(run("auto", {"a.md": text}))
    assert told(case, "timeline") == ["2024-01-02 10:00 one two three four"]
    assert told(case, "factors") == ["A full disk."]


def test_a_month_with_a_long_s_is_no_month():
    assert iso_date("Auguſt 3, 2020") == ""


def test_only_breaks_are_cut_from_the_end_of_an_implied_heading():
    for line in ("Contributing factor", "Contributing factor<br/> <br>"):
        section, taken = _implied([line, "", "A disk was full."], 0)
        assert (section.heading, taken) == ("Contributing factor", 1)


def test_many_comments_before_a_text_take_no_time():
    comments = "<!-- a -->\n" * 2_000
    assert not looks_like_html(f"{comments}# Hello")
    assert looks_like_html(f"{comments}<html>")


def test_yaml_that_multiplies_its_values_is_refused_at_once():
    levels = [f"l{n}: &l{n}\n  <<: [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(UnreadableError, match=r"`\*l0` repeats a value from elsewhere, line 3: write the value out"):
        read_yaml("\n".join(["l0: &l0 {a: 1}", *levels]))
