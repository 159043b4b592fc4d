"""Probabilities: fitted, versioned, refused where they do not fit."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from indexer.calibration import ENGINE, OWN, PACKAGED, UNFITTED, find_calibration, read_calibration
from indexer.encoder import BASE, TRAINED, find_model
from indexer.searcher import open_searcher
from kb.errors import EncoderError

PLAN = "We replace the ERP before Christmas, all sites at once."


@pytest.mark.parametrize("name", [BASE, TRAINED])
def test_every_packaged_model_has_its_calibration(tmp_path, name):
    calibration = find_calibration(tmp_path, find_model(name).sha256)
    assert calibration == read_calibration(PACKAGED / f"{name}.calibration.json")
    assert (calibration.engine, calibration.model) == (ENGINE, find_model(name).sha256)
    assert 0 < calibration.floor < calibration.related < calibration.strong < 1


def test_the_calibration_of_an_index_comes_first(tmp_path):
    own = msgspec.structs.replace(UNFITTED, model="abc")
    (tmp_path / OWN).write_bytes(msgspec.json.encode(own))
    assert find_calibration(tmp_path, "abc") == own


@pytest.mark.parametrize(
    ("change", "says"), [({"model": "other"}, "is for model other"), ({"model": "abc", "engine": ENGINE - 1}, f"for engine {ENGINE - 1}")]
)
def test_one_that_does_not_fit_is_refused(tmp_path, change, says):
    (tmp_path / OWN).write_bytes(msgspec.json.encode(msgspec.structs.replace(UNFITTED, **change)))
    with pytest.raises(EncoderError, match=says) as caught:
        find_calibration(tmp_path, "abc")
    assert "premortem eval --calibrate" in caught.value.next_step


def test_one_of_an_engine_with_other_fields_is_refused_for_its_engine(tmp_path):
    (tmp_path / OWN).write_text('{"engine": 2, "model": "abc", "project": []}')
    with pytest.raises(EncoderError, match="is for engine 2"):
        find_calibration(tmp_path, "abc")


def test_a_damaged_one_is_refused(tmp_path):
    (tmp_path / OWN).write_text('{"engine": 2')
    with pytest.raises(EncoderError, match="cannot be read"):
        find_calibration(tmp_path, "abc")


def test_an_answer_says_when_there_is_none(real_index, real_encoder):
    foreign = msgspec.structs.replace(find_calibration(real_index, real_encoder.fingerprint.model), model="another")
    answer = open_searcher(real_index, known_encoder=real_encoder, calibration=foreign).search(PLAN)
    assert "uncalibrated" in {notice.code for notice in answer.notices}
    assert "uncalibrated" not in {notice.code for notice in open_searcher(real_index, known_encoder=real_encoder).search(PLAN).notices}


def test_probability_rises_with_the_score():
    calibration = msgspec.structs.replace(UNFITTED, case={"fused": 0.5}, case_intercept=-2.0)
    fused = np.array([0.0, 4.0, 8.0])
    parts = {"whole": fused, "best": fused}
    assert np.allclose(calibration.probability(np.ones(3), fused, parts), 1 / (1 + np.exp(2 - fused / 2)))
