"""From fused score to probability of relevance and band."""

from __future__ import annotations

import math
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np

from indexer.answer import Band
from indexer.arrays import FloatArray
from kb.errors import EncoderError

ENGINE = 1
"""Raised when scores change their meaning, so that an old calibration is not used."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Two logistic regressions, fitted on judged descriptions by `premortem eval --calibrate`.

    The first asks of the description alone whether it describes a project that this knowledge base could know anything
    about; the second asks of a case, given that it does, whether the case is strongly useful. Their product is the probability.
    """

    engine: int
    model: str
    """sha256 of the encoder's weights."""
    project: list[float]
    """Coefficients over the embedding of the whole description."""
    project_intercept: float
    case: dict[str, float]
    """Feature, see `case_features` → coefficient."""
    case_intercept: float
    usual: dict[str, tuple[float, float]]
    """Part of the score → its usual mean and standard deviation over cases."""
    strong: float
    """Lowest probability of a strong precedent."""
    related: float
    floor: float
    """When no case reaches this, nothing is close."""
    fitted_on: str

    def probability(self, whole: FloatArray, fused: FloatArray, parts: dict[str, FloatArray]) -> FloatArray:
        """Return the probability of relevance of each candidate; shape (n,), float64, in the order of `fused`.

        Args:
            whole: shape (dim,), embedding of the description.
            fused: shape (n,), fused score.
            parts: part → shape (n,), raw values.
        """
        features = case_features(fused, parts)
        logits = np.full_like(fused, self.case_intercept)
        for name, weight in self.case.items():
            logits += weight * features[name]
        useful: FloatArray = _logistic(logits)
        if len(self.project) != len(whole):
            return useful  # calibrated for another encoder; the answer says so
        project = _logistic(np.asarray(float(np.dot(self.project, whole)) + self.project_intercept))
        return useful * project

    def band(self, probability: float) -> Band:
        if probability >= self.strong:
            return "strong"
        return "related" if probability >= self.related else "weak"


def case_features(fused: FloatArray, parts: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Return what the probability of a case is fitted on: its fused score, and how near the nearest cases and all cases are.

    All but the fused score are the same for every case of a search, so that the probability keeps the order of the scores.
    """
    ones = np.ones_like(fused)
    return {"fused": fused, "nearest": ones * parts["whole"].max(), "usual": ones * parts["best"].mean()}


def _logistic(logits: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0)))
    return result


def read_calibration(path: Path | None = None) -> Calibration:
    """Return the calibration that came with this release, or that of a file.

    Raises:
        EncoderError: it is for another engine version.
    """
    data = path.read_bytes() if path else (files("indexer") / "calibration.json").read_bytes()
    calibration = msgspec.json.decode(data, type=Calibration)
    if calibration.engine != ENGINE or not math.isfinite(calibration.case_intercept):
        raise EncoderError(
            f"the calibration is for engine {calibration.engine}, this is {ENGINE}", next_step="run `premortem eval --calibrate`"
        )
    return calibration
