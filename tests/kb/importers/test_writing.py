"""The folder of drafts: nothing in it is ever damaged, the same source changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import CorpusError, FolderNotWritableError
from kb.importers.writing import canonical_url
from tests.kb.importers.conftest import FIXTURES, drafts_of, only_draft

TEXT = "# Shop down\n\n## Summary\n\nIt broke in 2021-03-04.\n\n## Lessons\n\n- Ask early.\n"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_input_twice_changes_nothing(run, out):
    run("auto", FIXTURES)
    before = contents(out)
    report = run("auto", FIXTURES)
    assert contents(out) == before
    assert {draft.did for draft in report.drafts} == {"unchanged"}


def test_the_source_is_never_written_to(run):
    before = {path: path.read_bytes() for path in FIXTURES.rglob("*") if path.is_file()}
    run("auto", FIXTURES)
    assert {path: path.read_bytes() for path in FIXTURES.rglob("*") if path.is_file()} == before


def test_a_draft_edited_by_hand_is_left_alone_and_told(run, out):
    run("auto", {"a.md": TEXT})
    (draft,) = out.iterdir()
    draft.write_text(draft.read_text("utf-8").replace("Ask early.", "Ask earlier."), "utf-8")
    before = draft.read_bytes()
    for text in (TEXT, TEXT.replace("broke", "broke twice")):
        report = run("auto", {"a.md": text})
        assert [each.did for each in report.drafts] == ["edited"]
        assert contents(out) == {draft.name: before}


def test_an_untouched_draft_follows_its_source(run, out):
    run("auto", {"a.md": TEXT})
    report = run("auto", {"a.md": TEXT.replace("Ask early.", "Ask before.")})
    assert [each.did for each in report.drafts] == ["updated"]
    assert drafts_of(report)[0].lessons[0].lead == "Ask before."
    assert len(contents(out)) == 1


def test_an_untouched_draft_follows_a_corrected_mapping(run, out):
    table = {"log.csv": "name,why\nShop down,Nobody watched the disk.\nKey expired,Nobody owned it.\n"}
    mapping = out.parent / "mapping.yaml"

    def did(text: str) -> list[str]:
        mapping.write_text(text, "utf-8")
        return [draft.did for draft in run("csv", table, mapping=mapping).drafts]

    assert did("title: name\nlessons: why\n") == ["drafted", "drafted"]
    assert did("title: name\ncauses: why\n") == ["updated", "updated"]
    before = contents(out)
    assert did("title: name\ncauses: why\n") == ["unchanged", "unchanged"]
    assert contents(out) == before
    assert all("## What went wrong\n\n- " in text.decode() for text in before.values())


def test_a_renamed_draft_is_known_again(run, out):
    run("auto", {"a.md": TEXT})
    (draft,) = out.iterdir()
    draft.rename(out / "our-own-name.md")
    assert [each.did for each in run("auto", {"a.md": TEXT}).drafts] == ["unchanged"]
    assert set(contents(out)) == {"our-own-name.md"}


def test_a_file_that_is_no_draft_keeps_its_name_and_content(run, out):
    out.mkdir()
    (out / "shop-down-2021.md").write_text("mine", "utf-8")
    (out / "shop-down.md").write_text("mine", "utf-8")
    run("auto", {"a.md": TEXT})
    assert (out / "shop-down.md").read_text("utf-8") == "mine"
    assert len(contents(out)) == 3


def test_post_mortems_of_one_title_get_their_own_ids_and_titles(run):
    other = TEXT.replace("It broke", "It burned")
    third = TEXT.replace("It broke", "It drowned")
    cases = drafts_of(run("auto", {"PM-1.md": TEXT, "PM-2.md": other, "x/PM-2.md": third}))
    assert len({case.id for case in cases}) == 3
    assert [case.meta.title for case in cases] == ["Shop down", "Shop down (PM-2)", "Shop down (x/PM-2.md)"]


def test_the_same_text_twice_is_one_draft(run):
    report = run("auto", {"a.md": TEXT, "b.md": TEXT})
    assert len(report.drafts) == 1
    assert [(skipped.file, skipped.reason) for skipped in report.skipped] == [("b.md", "the same as a.md")]


def test_two_archives_may_use_the_same_ids(run, out):
    line = '{"id": "INC-1", "title": "%s", "root_cause": "%s", "root_cause_tags": ["x"]}\n'
    run("rootecho", {"history.jsonl": line % ("Disk full", "Nobody watched.")})
    run("rootecho", {"history.jsonl": line % ("Key expired", "Nobody owned it.")})
    assert len(contents(out)) == 2


def test_a_corpus_gets_its_drafts_among_its_studies(run, out):
    (out / "studies").mkdir(parents=True)
    report = run("auto", {"a.md": TEXT})
    assert Path(report.drafts[0].path).parent == out / "studies"


def test_drafts_and_cases_are_not_imported_again(run, out):
    run("auto", {"a.md": TEXT})
    report = run("auto", {"copy.md": next(out.iterdir()).read_bytes()})
    assert "already a case of Premortem" in [skipped.reason for skipped in report.skipped]


@pytest.mark.parametrize(
    "name, data, reason",
    [
        ("empty.md", b"", "empty"),
        ("blank.md", b" \r\n\t\n", "empty"),
        ("photo.md", bytes(range(256)) * 20, "binary"),
        ("zeros.txt", b"abc\x00\x01\x02" * 50, "binary"),
        ("README.md", TEXT.encode(), "not a post-mortem, by its name"),
        ("postmortem-template.md", b"# Title\n\n## Summary\n\n## Lessons\n\n-\n", "a template that nobody has filled in"),
        ("broken.json", b'{"title": "x", "summary": ', "no post-mortem, as far as can be told"),
        ("broken.yaml", b"title: [", "not YAML: did not find expected node content, line 2"),
        ("code.py", b"print(1)\n", "no post-mortem, as far as can be told"),
    ],
)
def test_a_bad_file_is_named_with_the_reason_and_stops_nothing(run, name, data, reason):
    report = run("auto", {"a.md": TEXT, name: data})
    assert len(report.drafts) == 1
    assert [(skipped.file, skipped.reason) for skipped in report.skipped] == [(name, reason)]


def test_a_broken_link_and_a_hidden_folder_are_passed_over(run, tmp_path):
    archive = tmp_path / "archive"
    (archive / ".git").mkdir(parents=True)
    (archive / ".git" / "x.md").write_text(TEXT, "utf-8")
    (archive / "gone.md").symlink_to(archive / "nowhere.md")
    (archive / "a.md").write_text(TEXT, "utf-8")
    assert only_draft(run("auto", archive)).meta.title == "Shop down"


def test_drafts_inside_the_archive_are_not_read(run, tmp_path):
    report = run("auto", {"a.md": TEXT})
    assert report.files == 1
    from kb.importers.run import import_path
    from tests.kb.importers.conftest import VOCABULARY

    archive = tmp_path / "archive"
    inside = archive / "drafts"
    import_path("auto", archive, inside, VOCABULARY)
    assert import_path("auto", archive, inside, VOCABULARY).files == 1


def test_a_missing_path_is_an_error(run, tmp_path):
    with pytest.raises(CorpusError, match="nothing at"):
        run("auto", tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_an_error(run, out):
    out.write_text("mine", "utf-8")
    with pytest.raises(FolderNotWritableError):
        run("auto", {"a.md": TEXT})
    assert out.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "text, said",
    [
        ("- x", "is not a list"),
        ("sumary: x", "unknown part 'sumary'"),
        ("title: {form: x}", "title"),
        ("a: [", "not YAML: "),
        ("a: &b [x]\nc: *b", "`*b`"),
    ],
)
def test_a_wrong_mapping_is_told(run, tmp_path, text, said):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text, "utf-8")
    with pytest.raises(CorpusError, match=said):
        run("csv", FIXTURES / "tables" / "void.csv", mapping=mapping)


@pytest.mark.parametrize(
    "url",
    [
        "http://www.example.org/pm/",
        "https://example.org/pm#top",
        "https://web.archive.org/web/20240101000000if_/https://example.org/pm",
    ],
)
def test_addresses_are_compared_without_what_does_not_matter(url):
    assert canonical_url(url) == "https://example.org/pm"


def test_the_query_of_an_address_matters():
    assert canonical_url("https://example.org/pm?id=1") != canonical_url("https://example.org/pm?id=2")
