"""From fused score to probability of relevance and band."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from indexer.answer import Band
from indexer.arrays import FloatArray
from kb.errors import EncoderError

ENGINE = 3
"""Raised when scores change their meaning, so that an old calibration is not used."""


OWN = "calibration.json"
"""A calibration in the index folder, for a model that has no packaged one."""
PACKAGED = Path(__file__).parent / "model"


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Logistic regressions, fitted on judged descriptions and pairs by `premortem eval --calibrate`.

    The first asks of the description alone whether it describes a project that this knowledge base could know anything
    about; the second asks of a case, given that it does, whether the case is strongly useful. Their product is the probability.
    The third asks of a sentence and a passage whether they make sense as a reason; only its order is used.
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
    reason: dict[str, float]
    """Feature of a pair, see `indexer.reasons.pair_features` → coefficient."""
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
        return self.useful(fused, parts) * self.describes_project(whole)

    def useful(self, fused: FloatArray, parts: dict[str, FloatArray]) -> FloatArray:
        """Return the probability that each candidate is strongly useful, given that the description is of a project."""
        features = case_features(fused, parts)
        logits = np.full_like(fused, self.case_intercept)
        for name, weight in self.case.items():
            logits += weight * features[name]
        return _logistic(logits)

    def describes_project(self, whole: FloatArray) -> float:
        """Return the probability that the description is of a project that this knowledge base could know anything about.

        1 when calibrated for another encoder, which the answer says.
        """
        if len(self.project) != len(whole):
            return 1.0
        return float(_logistic(np.asarray(float(np.dot(self.project, whole)) + self.project_intercept)))

    def makes_sense(self, features: dict[str, FloatArray]) -> FloatArray:
        """Return a score for every pair, higher for those that make more sense as a reason.

        Args:
            features: each broadcasts to shape (n_sentences, n_passages).
        """
        scores: FloatArray = np.zeros_like(features["cosine"])
        for name, weight in self.reason.items():
            scores += weight * features[name]
        return scores

    def band(self, probability: float) -> Band:
        if probability >= self.strong:
            return "strong"
        return "related" if probability >= self.related else "weak"


UNFITTED = Calibration(
    engine=ENGINE,
    model="",
    project=[],
    project_intercept=0.0,
    case={},
    case_intercept=0.0,
    reason={"cosine": 1.0},
    usual={},
    strong=1.0,
    related=1.0,
    floor=0.0,
    fitted_on="nothing",
)
"""Scores without meaning: what a calibration is fitted with."""


def case_features(fused: FloatArray, parts: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Return what the probability of a case is fitted on: its fused score, and how near the nearest cases and all cases are.

    All but the fused score are the same for every case of a search, so that the probability keeps the order of the scores.
    """
    ones = np.ones_like(fused)
    return {"fused": fused, "nearest": ones * parts["whole"].max(), "usual": ones * parts["best"].mean()}


def _logistic(logits: FloatArray) -> FloatArray:
    result: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0)))
    return result


class _Versioned(msgspec.Struct):
    engine: int


def read_calibration(path: Path) -> Calibration:
    """Return the calibration of a file.

    Raises:
        EncoderError: it cannot be read, or is for another engine version.
    """
    mend = "run `premortem eval --calibrate` in a checkout, or delete the file"
    try:
        data = path.read_bytes()
        engine = msgspec.json.decode(data, type=_Versioned).engine  # first: other engines have other fields
        if engine == ENGINE:
            return msgspec.json.decode(data, type=Calibration)
    except (OSError, msgspec.MsgspecError) as error:
        raise EncoderError(f"the calibration {path} cannot be read: {error}", next_step=mend) from error
    raise EncoderError(f"the calibration {path} is for engine {engine}, this is {ENGINE}", next_step=mend)


def find_calibration(index: Path, model: str) -> Calibration:
    """Return the calibration for a model: the index's own, else the packaged one.

    For a model without one it is that of the default model, whose `model` then tells the difference.

    Args:
        index: index folder.
        model: sha256 of the encoder's weights.

    Raises:
        EncoderError: the index's own calibration does not fit.
    """
    own = index / OWN
    if own.is_file():
        calibration = read_calibration(own)
        if calibration.model != model:
            raise EncoderError(
                f"the calibration {own} is for model {calibration.model[:12]}, the index was built with {model[:12]}",
                next_step="run `premortem eval --calibrate` in a checkout, or delete the file",
            )
        return calibration
    packaged = [read_calibration(path) for path in sorted(PACKAGED.glob("*.calibration.json"), reverse=True)]  # premortem before base
    return next((calibration for calibration in packaged if calibration.model == model), packaged[0])
