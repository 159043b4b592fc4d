from __future__ import annotations

import msgspec
import pytest

from indexer import generation as gen
from indexer.build import build_index
from indexer.calibration import UNFITTED
from indexer.searcher import Searcher
from kb.errors import EncoderError, IndexDamagedError, IndexFormatError, IndexMissingError
from tests.conftest import HashEncoder


@pytest.fixture
def index(tmp_path, small_corpus):
    build_index(tmp_path / "index", [small_corpus], encoder=HashEncoder())
    return tmp_path / "index"


def edit_manifest(index, **values):
    path = gen.current_generation(index)[0] / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | values))


def test_no_index_at_all(tmp_path):
    with pytest.raises(IndexMissingError) as caught:
        gen.current_generation(tmp_path / "index")
    assert "premortem index" in caught.value.next_step


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "photos.txt").write_text("mine")
    with pytest.raises(IndexDamagedError, match="not a Premortem index"):
        gen.current_generation(tmp_path)


@pytest.mark.parametrize("name", ["", "0123456789abcdef", "../../etc", "\x00"])
def test_a_pointer_to_nothing(index, name):
    (index / "current").write_text(name)
    with pytest.raises(IndexDamagedError):
        gen.current_generation(index)


@pytest.mark.parametrize("name", ["store.sqlite", "cases.faiss", "passages.faiss", "manifest.json"])
def test_a_half_written_generation(index, name):
    (gen.current_generation(index)[0] / name).unlink()
    with pytest.raises(IndexDamagedError) as caught:
        gen.current_generation(index)
    assert "premortem index" in caught.value.next_step


def test_an_index_of_a_newer_release(index):
    edit_manifest(index, format=gen.FORMAT + 1)
    with pytest.raises(IndexFormatError, match=f"format {gen.FORMAT + 1}") as caught:
        gen.current_generation(index)
    assert "upgrade" in caught.value.next_step


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1}', b"\xff"])
def test_a_manifest_that_is_none(index, content):
    (gen.current_generation(index)[0] / "manifest.json").write_bytes(content)
    with pytest.raises((IndexDamagedError, IndexFormatError)):
        gen.current_generation(index)


@pytest.mark.parametrize("name", ["store.sqlite", "cases.faiss", "strategies.faiss"])
def test_files_with_damage_inside_are_told_on_opening(index, name):
    folder, manifest = gen.current_generation(index)
    path = folder / name
    path.write_bytes(b"\x00" * 64)
    assert gen.damaged_files(folder, manifest) == [name]
    with pytest.raises(IndexDamagedError, match="cannot be read"):
        Searcher(folder, manifest, HashEncoder(), UNFITTED)


def test_files_of_two_generations_mixed_are_told(index, tmp_path, small_corpus):
    (small_corpus / "studies" / "retailer-crm-marketing.md").unlink()
    build_index(tmp_path / "other", [small_corpus], encoder=HashEncoder())
    other = gen.current_generation(tmp_path / "other")[0]
    folder, manifest = gen.current_generation(index)
    (folder / "cases.faiss").write_bytes((other / "cases.faiss").read_bytes())
    with pytest.raises(IndexDamagedError, match="do not belong together"):
        Searcher(folder, manifest, HashEncoder(), UNFITTED)


def test_an_index_of_another_encoder_is_refused(index, real_encoder):
    folder, manifest = gen.current_generation(index)
    with pytest.raises(EncoderError, match="hash"):
        Searcher(folder, manifest, real_encoder, UNFITTED)


def test_an_index_in_a_read_only_folder_answers(index):
    for path in [*index.rglob("*"), index]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder, manifest = gen.current_generation(index)
    assert Searcher(folder, manifest, HashEncoder(), UNFITTED).store.case_ids
    for path in [index, *index.rglob("*")]:
        path.chmod(0o755)
