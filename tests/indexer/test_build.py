from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from indexer import generation as gen
from indexer.build import build_index, is_stale
from indexer.calibration import UNFITTED
from indexer.searcher import Searcher
from kb.corpus import shipped
from kb.errors import FolderNotWritableError, IndexLockedError, IndexUnavailableError, InvalidCasesError
from tests.conftest import SEEDS, HashEncoder


@pytest.fixture
def build(tmp_path, small_corpus):
    def run(**options):
        encoder = options.pop("encoder", None) or HashEncoder()
        return build_index(tmp_path / "index", options.pop("folders", [small_corpus]), encoder=encoder, **options)

    return run


def searcher_of(index: Path) -> Searcher:
    folder, manifest = gen.current_generation(index)
    return Searcher(folder, manifest, HashEncoder(), UNFITTED)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_second_build_does_nothing(build):
    first = build()
    encoder = HashEncoder()
    second = build(encoder=encoder)
    assert not first.unchanged
    assert first.n_embedded == first.n_embeddings > 100
    assert second.unchanged
    assert second.generation == first.generation
    assert encoder.encoded == []


def test_only_changed_texts_are_encoded_again(build, small_corpus):
    first = build()
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "Invoices pile up.", "Invoices pile up high.")
    encoder = HashEncoder()
    second = build(encoder=encoder)
    assert second.generation != first.generation
    assert 0 < second.n_embedded == len(encoder.encoded) <= 3
    assert any("Invoices pile up high." in text for text in encoder.encoded)


def test_an_added_case_is_found_and_a_removed_one_is_gone(build, small_corpus, tmp_path):
    build()
    added = small_corpus / "studies" / "another-case.md"
    shutil.copy(small_corpus / "studies" / f"{SEEDS[0]}.md", added)
    change(added, "title: A multinational", "title: Another multinational")
    (small_corpus / "studies" / f"{SEEDS[1]}.md").unlink()
    build()
    ids = searcher_of(tmp_path / "index").store.case_ids
    assert "another-case" in ids
    assert SEEDS[1] not in ids


def test_the_same_content_gives_the_same_generation_wherever_it_lies(build, small_corpus, tmp_path):
    moved = tmp_path / "elsewhere" / "corpus"
    shutil.copytree(small_corpus, moved)
    assert build().generation == build(folders=[moved]).generation


def test_going_back_to_an_earlier_state_takes_the_earlier_generation(build, small_corpus, tmp_path):
    first = build()
    path = small_corpus / "studies" / f"{SEEDS[0]}.md"
    before = path.read_text("utf-8")
    change(path, "Invoices", "Bills")
    build()
    path.write_text(before, "utf-8")
    again = build()
    assert again.unchanged
    assert gen.current_generation(tmp_path / "index")[1].generation == first.generation


def test_two_generations_are_kept(build, small_corpus, tmp_path):
    path = small_corpus / "studies" / f"{SEEDS[0]}.md"
    for before, after in (("A week of", "Ten days of"), ("Ten days of", "A month of"), ("A month of", "A year of")):
        change(path, before, after)
        build()
    folders = [folder for folder in (tmp_path / "index").iterdir() if (folder / "manifest.json").exists()]
    assert len(folders) == gen.KEPT


def test_rebuild_makes_a_new_folder_while_the_old_one_answers(build, tmp_path):
    build()
    old = gen.current_generation(tmp_path / "index")[0]
    again = build(rebuild=True)
    new = gen.current_generation(tmp_path / "index")[0]
    assert not again.unchanged
    assert again.n_embedded == 0
    assert new != old
    assert old.is_dir()


def test_damaged_files_are_noticed_and_built_again(build, tmp_path):
    build()
    folder, _ = gen.current_generation(tmp_path / "index")
    (folder / "cases.faiss").write_bytes(b"damaged")
    assert not build().unchanged
    folder, manifest = gen.current_generation(tmp_path / "index")
    assert gen.damaged_files(folder, manifest) == []


def _no_database(cache: Path) -> None:
    cache.write_bytes(b"not a database, but long enough to be read as one" * 100)


def _damaged_pages(cache: Path) -> None:
    data = bytearray(cache.read_bytes())
    data[3 * 4096 : 30 * 4096] = b"\xff" * (27 * 4096)
    cache.write_bytes(data)


def _another_table(cache: Path) -> None:
    cache.unlink()
    with sqlite3.connect(cache) as foreign:
        foreign.execute("create table embeddings (id integer primary key, text)")
        foreign.execute("insert into embeddings (text) values ('of another program')")
    foreign.close()


@pytest.mark.parametrize("damage", [_no_database, _damaged_pages, _another_table])
def test_a_damaged_embedding_cache_is_replaced(build, tmp_path, small_corpus, damage):
    build()
    damage(tmp_path / "index" / "embeddings.sqlite")
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "Invoices", "Bills")
    built = build()
    assert built.n_embedded == built.n_embeddings


def test_a_locked_embedding_cache_is_told_and_kept(build, tmp_path, small_corpus):
    build()
    cache = tmp_path / "index" / "embeddings.sqlite"
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "Invoices", "Bills")
    other = sqlite3.connect(cache)
    other.execute("begin exclusive")
    with pytest.raises(IndexUnavailableError, match="locked"):
        build()
    other.close()
    built = build()
    assert 0 < built.n_embedded < built.n_embeddings


def test_an_index_of_another_release_is_stale_until_it_is_brought_up_to_date(build, tmp_path, small_corpus):
    build()
    folder, manifest = gen.current_generation(tmp_path / "index")
    gen.restate(folder, msgspec.structs.replace(manifest, made_with="terms, strategies or weights that were shipped before"))
    assert is_stale(gen.current_generation(tmp_path / "index")[1], [small_corpus])
    assert build().unchanged
    assert not is_stale(gen.current_generation(tmp_path / "index")[1], [small_corpus])


def test_every_problem_of_every_file_is_told_and_nothing_is_written(build, small_corpus, tmp_path):
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "industry: manufacturing", "industry: manufactoring")
    change(small_corpus / "studies" / f"{SEEDS[1]}.md", "## Lessons", "## Lesson")
    (small_corpus / "studies" / "broken.md").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(InvalidCasesError) as caught:
        build()
    text = "\n".join(str(problem) for problem in caught.value.problems)
    assert "did you mean 'manufacturing'?" in text
    assert "unknown section `Lesson`" in text
    assert "is not UTF-8" in text
    assert "--skip-invalid" in caught.value.next_step
    assert not (tmp_path / "index").exists()


def test_good_cases_are_indexed_alone_only_when_asked(build, small_corpus, tmp_path):
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "industry: manufacturing", "industry: manufactoring")
    built = build(skip_invalid=True)
    assert built.n_cases == len(SEEDS) - 1
    assert [Path(path).stem for path in built.skipped] == [SEEDS[0]]
    assert SEEDS[0] not in searcher_of(tmp_path / "index").store.case_ids


def test_a_corpus_without_one_good_case_is_refused(build, small_corpus):
    for path in (small_corpus / "studies").glob("*.md"):
        path.write_text("nothing", "utf-8")
    with pytest.raises(InvalidCasesError, match="problem") as caught:
        build(skip_invalid=True)
    assert "not one case" in caught.value.next_step


def test_two_corpora_are_searched_together_and_told_apart(build, small_corpus, tmp_path):
    ours = tmp_path / "ours"
    ours.mkdir()
    shutil.copy(small_corpus / "studies" / f"{SEEDS[0]}.md", ours / "our-failure.md")
    change(ours / "our-failure.md", "title: A multinational", "title: Our multinational")
    build(folders=[small_corpus, ours])
    store = searcher_of(tmp_path / "index").store
    assert store.case("our-failure").corpus == "ours"
    assert store.facet_counts()["corpus"] == {"corpus": len(SEEDS), "ours": 1}


def test_a_withdrawn_case_can_be_read_but_is_not_found(build, small_corpus, tmp_path):
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "status: published", "status: withdrawn")
    build()
    searcher = searcher_of(tmp_path / "index")
    assert searcher.store.case(SEEDS[0]).case.meta.status == "withdrawn"
    text = "A multinational set out to unify finance, HR and supply chain of all its regions on one ERP platform."
    assert SEEDS[0] not in [case.id for case in searcher.search(text, limit=100).cases]
    assert searcher.search(text).n_cases == len(SEEDS) - 1


def test_staleness_is_noticed(build, small_corpus, tmp_path):
    build()
    manifest = gen.current_generation(tmp_path / "index")[1]
    assert not is_stale(manifest, [small_corpus])
    change(small_corpus / "studies" / f"{SEEDS[0]}.md", "Invoices", "Bills")
    assert is_stale(manifest, [small_corpus])


def test_a_changed_vocabulary_of_a_corpus_is_noticed(build, small_corpus, tmp_path):
    own = small_corpus / "taxonomy.yaml"
    shutil.copy(shipped("cases") / "taxonomy.yaml", own)
    build()
    change(own, "{id: consolidation, name: Consolidation onto one system,", "{id: our-merger, name: Our merger,")
    assert is_stale(gen.current_generation(tmp_path / "index")[1], [small_corpus])
    assert not build().unchanged
    assert not is_stale(gen.current_generation(tmp_path / "index")[1], [small_corpus])


def test_a_folder_that_cannot_be_written_to_is_told(build, tmp_path, small_corpus):
    (tmp_path / "file").touch()
    with pytest.raises(FolderNotWritableError, match="cannot write") as caught:
        build_index(tmp_path / "file" / "index", [small_corpus], encoder=HashEncoder())
    assert "PREMORTEM_INDEX" in caught.value.next_step


def test_a_second_builder_waits_and_then_says_so(build, tmp_path):
    build()
    with gen.write_lock(tmp_path / "index", wait_s=1), pytest.raises(IndexLockedError, match="another process"):
        build(rebuild=True, wait_s=0.2)


def _edited_invalid(corpus: Path) -> list[Path]:
    (corpus / "studies" / "broken.md").write_text("still nothing, in other words", "utf-8")
    return [corpus]


def _another_invalid(corpus: Path) -> list[Path]:
    (corpus / "studies" / "broken-too.md").write_text("nothing", "utf-8")
    return [corpus]


def _unreadable(corpus: Path) -> list[Path]:
    (corpus / "studies" / "a-folder.md").mkdir()
    return [corpus]


def _moved(corpus: Path) -> list[Path]:
    return [Path(shutil.move(corpus, corpus.parent / "elsewhere" / corpus.name))]


@pytest.mark.parametrize("change", [_edited_invalid, _another_invalid, _unreadable, _moved])
def test_the_same_cases_from_elsewhere_are_unchanged_and_no_longer_stale(build, small_corpus, tmp_path, change):
    (small_corpus.parent / "elsewhere").mkdir()
    (small_corpus / "studies" / "broken.md").write_text("nothing", "utf-8")
    build(skip_invalid=True)
    folders = change(small_corpus)
    assert is_stale(gen.current_generation(tmp_path / "index")[1], folders)
    built = build(folders=folders, skip_invalid=True)
    manifest = gen.current_generation(tmp_path / "index")[1]
    assert built.unchanged
    assert not is_stale(manifest, folders)
    assert manifest.skipped == built.skipped
    assert searcher_of(tmp_path / "index").manifest == manifest


def test_a_setting_that_changes_no_text_is_taken_over_without_building(build, tmp_path):
    first = build()
    before = gen.current_generation(tmp_path / "index")[1]
    second = build(lenient=True, model="/copies/base")
    after = gen.current_generation(tmp_path / "index")[1]
    assert second.unchanged
    assert second.generation == first.generation
    assert (after.lenient, after.model) == (True, "/copies/base")
    assert (after.built_at, after.checksums) == (before.built_at, before.checksums)
    folder = gen.current_generation(tmp_path / "index")[0]
    assert {path.name for path in folder.iterdir()} == {*after.checksums, "manifest.json"}
