"""Each family of formats: what lands where, what is kept, what stays a gap."""

from __future__ import annotations

import pytest

from kb.corpus import read_corpora
from kb.importers import FORMATS
from kb.lint import lint
from tests.kb.importers.conftest import FIXTURES, drafts_of, kept, only_draft, told


def test_google_sre(run):
    case = only_draft(run("google-sre", FIXTURES / "google-sre.md"))
    assert case.meta.title == "Catalogue pages timed out (incident #12)"
    assert case.meta.years == "2023"
    assert case.meta.x_import["format"] == "google-sre"
    assert told(case, "story")[0] == "Catalogue pages timed out for 26 minutes after a new image library."
    assert told(case, "impact") == ["About 4,100 shoppers saw an error page."]
    assert told(case, "factors") == ["A thread leak met the autumn sale.", "Trigger: The release of the image library."]
    assert told(case, "lessons") == ["Nobody had tested with the sale's pictures.", "Where we got lucky: The sale began a day late."]
    assert told(case, "prevention")[0] == "Load test every release of the image library (Type: prevent; Owner: team shop; Bug: 811 DONE)"
    assert told(case, "timeline")[0] == "2023-09-18 14:51 release reaches all hosts"
    assert kept(case, "sections")["Supporting information"] == "Dashboard: shop/latency"


def test_what_went_well_is_context_and_no_lesson(run):
    case = only_draft(run("markdown", FIXTURES / "google-sre.md"))
    assert "**What went well.** The rollback took three minutes." in told(case, "story")
    assert "rollback" not in " ".join(told(case, "lessons"))


def test_atlassian_headings_in_bold(run):
    case = only_draft(run("atlassian", FIXTURES / "atlassian.md"))
    assert told(case, "factors") == [
        "Tokens were signed with the old key.",
        "Sign-in failed. Why? The signature did not fit.",
        "Why did it not fit? The old key was still in the cache.",
    ]
    assert told(case, "prevention") == [
        "Rotate keys by pipeline - identity team - 2024-06-01",
        "Alert on signature errors - base team - 2024-06-15",
    ]
    assert "**Recurrence.** Same cause as INC-3." in told(case, "story")


def test_pagerduty_tables_tasks_and_fields(run):
    case = only_draft(run("pagerduty", FIXTURES / "pagerduty.md"))
    assert told(case, "impact") == ["Time in SEV-1 4 mins", "Time in SEV-2 5 mins", "Accounts Affected 12"]
    assert told(case, "prevention") == ["(open) Limit ad-hoc jobs", "(done) Watch locks"]
    assert told(case, "lessons") == ["Paging took nine minutes."]
    assert told(case, "timeline")[1] == "2024-02-03 09:09 UTC Job stopped (Who: database team)"
    assert kept(case, "fields")["Post-Mortem Owner"] == "on-call lead"
    assert kept(case, "sections")["Internal Email"] == "Sent at noon."


def test_gitlab_comments_and_commands_are_kept_aside(run):
    case = only_draft(run("gitlab", FIXTURES / "gitlab.md"))
    assert told(case, "story")[0] == "• Service(s) affected : registry"
    assert told(case, "timeline") == [
        "2024-05-06 10:05 UTC certificate expires",
        "2024-05-06 10:30 UTC new certificate in place",
    ]
    assert kept(case, "asides") == {"comments": " Fill in every question below. ", "commands": "/label ~IncidentReview"}
    assert told(case, "prevention") == ["#345 alert 21 days before expiry, due 2024-07-01"]


def test_kubernetes(run):
    case = only_draft(run("kubernetes", FIXTURES / "kubernetes.md"))
    assert case.meta.years == "2022"
    assert told(case, "timeline") == ["TODO 13:20 deploy", "TODO 15:25 alias set right"]
    assert told(case, "lessons") == ["No alert fired.", "Where we got lucky: It was a quiet day."]
    assert "is it the alias?" in kept(case, "sections")["Appendix"]


def test_dfds_takes_the_id_from_the_file_name(run):
    case = only_draft(run("dfds", FIXTURES / "PM2031-007 - Label printers went quiet.md"))
    assert case.meta.x_import["id"] == "PM2031-007"
    assert told(case, "timeline") == ["2031-02-01 08:10 Driver updated", "TODO ~2031-02-01 08:40 First call"]
    assert told(case, "prevention") == ["Pin the driver on every print server"]
    assert kept(case, "sections") == {"Atendees": "- AB, CD", "Stats": "- Category: Print\n- Time to detection: 30 minutes"}


def test_another_language(run):
    case = only_draft(run("auto", FIXTURES / "german.md"))
    assert told(case, "timeline") == ["2024-03-12 09:00 Umstellung", "TODO 09:40 Rückbau"]
    assert told(case, "factors") == ["Ein Schalter war falsch gesetzt."]
    assert told(case, "prevention") == ["Test vor jeder Umstellung"]


@pytest.mark.parametrize(
    "name, title, factor",
    [
        ("azure.md", "Mail gateway refused attachments", "A filter list was published empty. The last list was restored."),
        ("plain.txt", "POST-MORTEM: THE LOST INVOICES", "The job ran before the export had ended."),
        ("setext.rst", "Search index emptied", "one name for two indexes"),
        ("page.html", "Outage of the map service", "The tile store was full."),
        ("crlf-bom.md", "Billing run stopped", "A full disk."),
    ],
)
def test_other_markup(run, name, title, factor):
    case = only_draft(run("auto", FIXTURES / name))
    assert case.meta.title == title
    assert told(case, "factors")[0] == factor


def test_html_loses_scripts_and_styles(run, out):
    run("auto", FIXTURES / "page.html")
    (draft,) = out.glob("*.md")
    assert "never shown" not in draft.read_text("utf-8")
    assert "color" not in draft.read_text("utf-8")


def test_another_encoding_is_read_and_told(run):
    report = run("auto", FIXTURES / "latin-1.md")
    assert only_draft(report).meta.title == "Störung im Lager"
    assert report.notes == ["latin-1.md: read as cp1252, since it is not UTF-8"]


def test_icco(run):
    case = only_draft(run("icco", FIXTURES / "icco"))
    assert case.meta.organisation == "Example Bakery"
    assert case.meta.years == "2024"
    assert case.meta.categories == ("unsafe-change",)
    assert told(case, "story") == [
        "A flag flip emptied the order queue.",
        "On March 1 a flag was switched on for all shops at once. Orders queued and were dropped.",
        "The team will roll flags out shop by shop.",
    ]
    assert case.sources[0].url == "https://status.example.org/incidents/42"
    assert kept(case, "fields")["keywords"] == ["feature flag", "queue", 2147483647]
    assert case.meta.x_import["archive_url"].startswith("https://web.archive.org/")


def test_a_list_of_links_with_sentences(run):
    cases = drafts_of(run("links", FIXTURES / "links" / "list.md"))
    assert [case.meta.organisation for case in cases] == ["Example Air", "Example Mail", "Example Rail"]
    assert cases[0].meta.x_import["url"] == "https://air.example/pm"
    assert cases[1].sources[0].url == "https://mail.example/pm?id=7"
    assert kept(cases[2], "fields")["category"] == "Hardware/Power Failures"


def test_a_list_of_bullets_with_impact(run):
    report = run("auto", FIXTURES / "links" / "clusters.md")
    first, second = drafts_of(report)
    assert (first.meta.title, first.meta.organisation, first.meta.years) == ("Our cluster forgot its names", "Example Shop", "2021")
    assert told(first, "impact") == ["production outage, 40 minutes"]
    assert kept(second, "fields")["involved"] == "autoscaler"
    assert [skipped.reason for skipped in report.skipped] == ["entry 3 (Only a link) has no text beside its link"]


def test_swarmproof(run):
    case = only_draft(run("swarmproof", FIXTURES / "swarmproof"))
    assert (case.meta.organisation, case.meta.years, case.meta.evidence) == ("Example Shop", "2024", "news")
    assert told(case, "factors") == [
        "Trigger: A customer asked for a coupon ten times.",
        "The tool had no limit for one customer.",
        "Coupons were not counted.",
    ]
    assert told(case, "impact") == ["scope: one shop", "reversibility: reversible", "cost: amount usd: 180; estimated: true"]
    assert told(case, "timeline") == ["2024-04-04 First coupon", "2024-04-05 Tool switched off"]
    assert kept(case, "fields")["failure_classes"] == [{"class": "excessive-agency", "subclass": "missing-approval-gate"}]


def test_rootecho_lines_of_which_one_is_cut_off(run):
    report = run("auto", FIXTURES / "rootecho" / "history.jsonl")
    first, second = drafts_of(report)
    assert told(first, "factors") == ["The queue dropped messages after three tries."]
    assert told(first, "prevention") == ["dead-letter queue (id: A1; owner: base team; status: open; due date: 2024-02-01)"]
    assert told(second, "factors") == ["dns"]
    assert [skipped.reason for skipped in report.skipped] == ["line 3 is not JSON"]


def test_aiid_joins_reports_follows_duplicates_and_reads_classifications(run):
    report = run("auto", FIXTURES / "aiid")
    (case,) = drafts_of(report)
    assert [source.title for source in case.sources] == ["A town without loans", "Why the model refused"]
    assert [item.lead for item in case.factors] == ["Generalization Failure"]
    assert kept(case, "classifications")["GMF"]["Known AI Goal"] == '["Scoring"]'
    assert "incident 9002 is a duplicate of 9001" in [skipped.reason for skipped in report.skipped]


def test_llis_hits(run):
    report = run("auto", FIXTURES / "llis" / "hits.json")
    (case,) = drafts_of(report)
    assert case.meta.organisation == "XYZ"
    assert told(case, "lessons") == ["Checklists ended at test stop, not at safe state."]
    assert told(case, "prevention") == ["End every procedure at a verified safe state.", "Sign for it."]
    assert [skipped.reason for skipped in report.skipped] == ["record 2 is no lesson"]


def test_llis_table_reads_the_raw_columns(run):
    case = only_draft(run("auto", FIXTURES / "llis" / "mika.csv"))
    assert told(case, "lessons") == ["A spare bolt is part of the kit."]
    assert kept(case, "fields")["Lesson(s) Learned"] == "['spare', 'bolt']"


def test_graphrca_reads_a_folder_as_one(run):
    report = run("auto", FIXTURES / "graphrca")
    (case,) = drafts_of(report)
    assert (case.meta.organisation, case.meta.years) == ("Example Ferry", "2022")
    assert kept(case, "beside")["ground_truth.json"]["category"] == "Replication"
    assert {skipped.reason for skipped in report.skipped} == {"read together with postmortem.md"}


def test_a_table_with_a_mapping(run):
    report = run("csv", FIXTURES / "tables" / "void.csv", mapping=FIXTURES / "tables" / "mapping.yaml")
    first, second = drafts_of(report)
    assert (first.meta.organisation, first.meta.years, first.meta.title) == ("Example Mail", "2023", "Login loop")
    assert first.sources[0].url == "https://mail.example/pm"
    assert told(second, "impact") == ['"all lines" stopped']
    assert kept(first, "fields") == {
        "date of incident": "2023-09-09",
        "duration": "2h 5m",
        "technologies": "OAuth, Redis",
        "analysis": "contributing factors",
    }


def test_a_table_by_the_names_of_its_columns(run):
    first, _ = drafts_of(run("auto", FIXTURES / "tables" / "void.csv"))
    assert (first.meta.organisation, first.meta.years) == ("Example Mail", "2023")
    assert told(first, "impact") == ["partial outage"]


def test_an_export_with_a_body_of_markdown(run):
    case = only_draft(run("auto", FIXTURES / "tables" / "export.json"))
    assert (told(case, "story"), told(case, "factors"), told(case, "prevention")) == (
        ["Cards were refused for ten minutes."],
        ["An expired key."],
        ["Rotate keys."],
    )


def test_front_matter_in_a_toml_fence(run):
    case = only_draft(run("auto", FIXTURES / "rustsec.md"))
    assert case.meta.x_import["id"] == "EXAMPLE-0000-0001"
    assert kept(case, "fields")["versions"] == {"patched": [">= 1.2.3"]}


def test_settings_files_are_no_post_mortems(run):
    report = run(
        "auto", {"package.json": '{"name": "x", "version": "1", "description": "A tool"}', "compose.yaml": "services: {web: {image: x}}"}
    )
    assert report.drafts == []
    assert len(report.skipped) == 2


def test_every_draft_has_no_problem_but_its_gaps(run, out):
    run("auto", FIXTURES)
    problems = [problem for problem in lint(read_corpora([out])) if problem.rule not in {"todo", "duplicate-source"}]
    assert problems == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_survives_every_fixture(run, name):
    report = run(name, FIXTURES)
    assert report.files == sum(path.is_file() for path in FIXTURES.rglob("*"))
