"""The vocabularies: the shipped file is sound, and a broken one says so."""

from __future__ import annotations

import msgspec
import pytest
import yaml

from kb.corpus import shipped
from kb.errors import CorpusError, NotFoundError
from kb.parse import SLUG
from kb.taxonomy import Taxonomy, Term, did_you_mean, nearest, read_taxonomy

PATH = shipped("cases") / "taxonomy.yaml"
VOCABULARIES = Taxonomy.__struct_fields__
every_vocabulary = pytest.mark.parametrize("vocabulary", VOCABULARIES)


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return read_taxonomy(PATH)


def term(term_id: str) -> Term:
    return Term(id=term_id, name=term_id.title(), definition="Something.", examples=("one",), since="2026-01-01")


def small(**terms: str) -> Taxonomy:
    """A taxonomy with one term per vocabulary, or those given, separated by blanks."""
    return Taxonomy(**{name: tuple(term(each) for each in terms.get(name, f"some-{name}").split()) for name in VOCABULARIES})


@every_vocabulary
def test_shipped_terms_have_name_definition_examples_and_date(taxonomy, vocabulary):
    terms = taxonomy.terms(vocabulary)
    assert len(terms) >= 3
    lacking = [
        each.id
        for each in terms
        if not (each.name.strip() and each.definition.strip() and each.examples and all(each.examples) and each.since)
    ]
    assert lacking == []


@every_vocabulary
def test_shipped_definitions_end_as_sentences(taxonomy, vocabulary):
    assert [each.id for each in taxonomy.terms(vocabulary) if not each.definition.endswith(".")] == []


@every_vocabulary
def test_shipped_ids_are_slugs_and_unique_also_among_aliases(taxonomy, vocabulary):
    ids = [name for each in taxonomy.terms(vocabulary) for name in (each.id, *each.aliases)]
    assert [each for each in ids if not SLUG.fullmatch(each)] == []
    assert len(ids) == len(set(ids))


@every_vocabulary
def test_shipped_names_are_unique(taxonomy, vocabulary):
    names = [each.name.casefold() for each in taxonomy.terms(vocabulary)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "word, wanted", [("golive", "go-live"), ("GO-LIVE", "go-live"), ("migrations", "migration"), ("discover", "discovery")]
)
def test_a_misspelt_word_is_answered_with_the_nearest(word, wanted):
    assert did_you_mean(word, ["discovery", "go-live", "migration"]) == f"did you mean {wanted!r}?"


@pytest.mark.parametrize("word", ["zzz", "", "漢字"])
def test_a_word_like_no_other_is_answered_with_all(word):
    assert did_you_mean(word, ["discovery", "go-live"]) == "use one of: discovery, go-live"


def test_of_many_words_the_first_are_named_and_the_rest_counted():
    words = [f"case-{number}" for number in range(100, 1100)]
    assert did_you_mean("zzz", words) == f"use one of: {', '.join(words[:40])} and 960 more"
    assert did_you_mean("zzz", words[:10]) == f"use one of: {', '.join(words[:10])}"


def test_nothing_is_nearest_among_no_words():
    assert nearest("go-live", []) is None


def test_a_term_is_found_by_vocabulary_and_id():
    assert small(phase="design build").term("phase", "build") == term("build")


def test_an_unknown_term_is_not_found_and_names_the_nearest():
    with pytest.raises(NotFoundError, match="no phase 'biuld'") as raised:
        small(phase="design build").term("phase", "biuld")
    assert "'build'" in raised.value.next_step


def test_the_name_of_an_unknown_term_is_its_id():
    taxonomy = small(phase="design")
    assert (taxonomy.name("phase", "design"), taxonomy.name("phase", "later")) == ("Design", "later")


def test_terms_rank_as_in_the_file_and_unknown_ones_last():
    taxonomy = small(phase="design build")
    assert [taxonomy.order("phase", each) for each in ("design", "build", "later")] == [0, 1, 2]


def test_extending_adds_the_terms_that_lack_at_the_end():
    assert small(phase="design build").extended(small(phase="build run")).ids("phase") == ["design", "build", "run"]


def test_extending_keeps_the_own_definition_of_a_shared_term():
    mine, theirs = small(phase="design"), small(phase="design")
    theirs = msgspec.structs.replace(theirs, phase=(msgspec.structs.replace(theirs.phase[0], definition="Else."),))
    assert mine.extended(theirs).term("phase", "design").definition == "Something."


def test_extending_by_itself_changes_nothing(taxonomy):
    assert taxonomy.extended(taxonomy) == taxonomy


def broken(change) -> bytes:
    raw = yaml.safe_load(PATH.read_text("utf-8"))
    change(raw)
    return yaml.safe_dump(raw, allow_unicode=True).encode()


BROKEN = {
    "empty": b"",
    "no YAML": b"phase: [",
    "a list": b"- phase",
    "one word": b"phase",
    "not UTF-8": b"phase: \xff",
    "a control character": b"phase: \x00",
    "a date that does not exist": PATH.read_bytes().replace(b"since: 2026-11-22", b"since: 2026-13-45"),
    "a vocabulary is missing": broken(lambda raw: raw.pop("phase")),
    "an unknown vocabulary": broken(lambda raw: raw.update(mood=raw["phase"])),
    "a vocabulary without terms": broken(lambda raw: raw.update(phase=None)),
    "a vocabulary of words": broken(lambda raw: raw.update(phase=["design"])),
    "a vocabulary that is a word": broken(lambda raw: raw.update(phase="design")),
    "a term without definition": broken(lambda raw: raw["phase"][0].pop("definition")),
    "a term with an unknown field": broken(lambda raw: raw["phase"][0].update(colour="red")),
    "a term with a number for an id": broken(lambda raw: raw["phase"][0].update(id=7)),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_taxonomy_is_an_error_that_names_file_and_model(tmp_path, content):
    path = tmp_path / "taxonomy.yaml"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=r"taxonomy\.yaml is not a taxonomy") as raised:
        read_taxonomy(path)
    assert "cases/taxonomy.yaml" in raised.value.next_step


@pytest.mark.parametrize("name", ["nothing-here.yaml", "."])
def test_a_taxonomy_that_cannot_be_read_is_an_error_that_says_so(tmp_path, name):
    with pytest.raises(CorpusError, match="cannot read") as raised:
        read_taxonomy(tmp_path / name)
    assert "taxonomy.yaml" in raised.value.next_step
