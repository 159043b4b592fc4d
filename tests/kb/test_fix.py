"""`--fix`: mends what is mechanical, loses no word, and a second time changes nothing."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.corpus import Corpora, read_corpora, read_text
from kb.errors import FolderNotWritableError
from kb.lint import fix
from kb.lint.fix import mended_text
from kb.taxonomy import Taxonomy, Term
from kb.text import words
from tests.kb.conftest import CASE, CASE_TEXT, Folder


def fixed(folder: Folder, text: str) -> str:
    (folder.studies / CASE).write_bytes(text.encode())
    fix(read_corpora([folder.path]))
    return (folder.studies / CASE).read_bytes().decode()


@pytest.mark.parametrize(
    "written, iso",
    [
        ("22 April 2018", "2018-04-22"),
        ("April 22, 2018", "2018-04-22"),
        ("22nd Apr. 2018", "2018-04-22"),
        ("April 2018", "2018-04"),
        ("2018/04/22", "2018-04-22"),
        ("2018.4.2", "2018-04-02"),
        ("2018-4-2", "2018-04-02"),
        ("April 2018 until 3 May 2018", "2018-04 to 2018-05-03"),
    ],
)
def test_a_date_that_leaves_no_doubt_becomes_an_iso_date(folder, written, iso):
    assert f"\n- {iso}: The bank opens" in fixed(folder, CASE_TEXT.replace("2018-04-22 18:00", written))
    assert folder.problems() == []


@pytest.mark.parametrize("written", ["03/04/2018", "early 2018", "31 April 2018", "2018-13-01", "Easter"])
def test_a_date_that_leaves_doubt_is_left(folder, written):
    text = CASE_TEXT.replace("2018-04-22 18:00", written)
    assert fixed(folder, text) == text


@pytest.mark.parametrize("heading", ["##  lessons", "## LESSONS", "## Lessons ##", "## Lessons:"])
def test_a_heading_that_differs_in_signs_is_spelt_as_it_should_be(folder, heading):
    assert fixed(folder, CASE_TEXT.replace("## Lessons", heading)) == CASE_TEXT


def test_a_heading_with_other_words_is_left(folder):
    text = CASE_TEXT.replace("## Lessons", "## Lesons")
    assert fixed(folder, text) == text


def test_sections_are_put_in_order(folder):
    start, middle, end = (CASE_TEXT.index(f"## {name}\n") for name in ("Lessons", "Prevention", "Disputed"))
    text = CASE_TEXT[:start] + CASE_TEXT[middle:end] + CASE_TEXT[start:middle] + CASE_TEXT[end:]
    assert fixed(folder, text) == CASE_TEXT


def renamed(taxonomy: Taxonomy, vocabulary: str, old: str, new: str) -> Taxonomy:
    terms = tuple(
        Term(id=new, name=term.name, definition=term.definition, examples=term.examples, since=term.since, aliases=(old,))
        if term.id == old
        else term
        for term in taxonomy.terms(vocabulary)
    )
    return Taxonomy(**{name: terms if name == vocabulary else taxonomy.terms(name) for name in taxonomy.__struct_fields__})


@pytest.mark.parametrize("vocabulary, old", [("category", "big-bang-rollout"), ("phase", "test"), ("industry", "banking-and-payments")])
def test_a_renamed_term_gets_its_new_name(folder, shipped_corpora, vocabulary, old):
    taxonomy = renamed(shipped_corpora.taxonomy, vocabulary, old, "renamed")
    file = read_text(CASE_TEXT, folder.studies / CASE)[0]
    mended = mended_text(file, taxonomy)
    assert old not in mended.replace("insufficient-testing", "") or old == "test"
    assert mended.count("renamed") == CASE_TEXT.count(old) - (CASE_TEXT.count("insufficient-testing") + 1 if old == "test" else 0)
    assert words(mended.replace("renamed", old)) == words(CASE_TEXT)


def test_a_word_of_the_text_that_is_also_an_old_term_is_left(folder, shipped_corpora):
    taxonomy = renamed(shipped_corpora.taxonomy, "phase", "test", "trial")
    text = CASE_TEXT.replace("half of the logins fail.", "half of the logins fail the `test` run.")
    mended = mended_text(read_text(text, folder.studies / CASE)[0], taxonomy)
    assert "the `test` run" in mended
    assert "`trial` [^s1][^s2]" in mended


def test_a_broken_file_is_left_alone(folder):
    text = CASE_TEXT.replace("- **Move", "* **Move").replace("phase: go-live\n", "")
    assert fixed(folder, text) == text


def test_only_the_files_asked_for_are_mended(folder):
    (folder.studies / CASE).write_text(CASE_TEXT.replace("## Lessons", "\n## Lessons"), "utf-8")
    corpora = read_corpora([folder.path])
    assert fix(corpora, only=[]) == []
    assert fix(corpora, only=[str(folder.studies / CASE)]) == [folder.studies / CASE]


def test_permissions_and_links_stay_and_nothing_is_left_beside(folder, tmp_path):
    real = tmp_path / "real.md"
    real.write_text(CASE_TEXT.replace("- **Move", "* **Move"), "utf-8")
    real.chmod(0o640)
    path = folder.studies / CASE
    path.unlink()
    path.symlink_to(real)
    assert fix(read_corpora([folder.path])) == [path]
    assert path.is_symlink()
    assert real.read_text("utf-8") == CASE_TEXT
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(each.name for each in (*folder.studies.iterdir(), *tmp_path.iterdir())) == ["corpus", CASE, "real.md"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(folder):
    (folder.studies / CASE).write_text(CASE_TEXT.replace("- **Move", "* **Move"), "utf-8")
    folder.studies.chmod(0o500)
    with pytest.raises(FolderNotWritableError):
        fix(read_corpora([folder.path]))


LINES = CASE_TEXT.split("\n")
CHANGES = st.lists(
    st.tuples(
        st.integers(0, len(LINES) - 1),
        st.sampled_from(["drop", "twice", "blank", "star", "indent", "upper", "swap", "join", "trail", "quote", "html", "define"]),
    ),
    min_size=1,
    max_size=6,
)


def changed_lines(changes: list[tuple[int, str]]) -> str:
    lines = list(LINES)
    for at, how in changes:
        line = lines[at]
        following = min(at + 1, len(lines) - 1)
        if how == "swap":
            lines[at], lines[following] = lines[following], line
            continue
        lines[at] = {
            "drop": "",
            "twice": f"{line}\n{line}",
            "blank": f"\n\n{line}\n",
            "star": line.replace("- ", "* ", 1),
            "indent": f" {line}",
            "upper": line.upper() if line.startswith("#") else line,
            "join": line.replace(". ", ".\n", 1),
            "trail": f"{line}  ",
            "quote": f"> {line}",
            "html": f"{line} <b>",
            "define": f"{line}\n\n[words]: https://example.org/x\n",
        }[how]
    return "\n".join(lines)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_whatever_stands_in_a_file_no_word_is_lost_and_a_second_time_changes_nothing(folder, shipped_corpora, changes):
    text = changed_lines(changes)
    once = mended_text(read_text(text, folder.studies / CASE)[0], shipped_corpora.taxonomy)
    again = mended_text(read_text(once, folder.studies / CASE)[0], shipped_corpora.taxonomy)
    assert again == once
    assert sorted(set(words(text)) - set(words(once))) == []


def test_shipped_files_need_no_mending(shipped_corpora):
    assert fix(Corpora(shipped_corpora.taxonomy, shipped_corpora.files)) == []
