"""Judged descriptions and judged pairs: what the encoder and the calibration learn from, and what search is measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

STRONGLY_USEFUL = 2.0
"""Lowest grade that counts as relevant where a measure knows only yes and no."""
MUST_READ = 3.0
"""Grade of the cases that recall is told of separately; of a known item, it is the case that the query was written for."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A description with the cases that judges found useful for it."""

    id: str
    text: str
    kind: str
    length: str = ""
    grades: dict[str, float]
    """Case id → 1 some overlap, 2 strongly useful, 3 must read; empty when nothing relevant exists."""


class JudgedPair(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence of a description and a passage of a case, judged by a reader who saw nothing else."""

    description: str
    case: str
    sentence: str
    passage: str
    """As it is embedded: lead and text."""
    verdict: int
    """0 makes no sense as a reason, 1 makes some, 2 is seen at once."""


def read_pairs(path: Path) -> list[JudgedPair]:
    """Read a file of judged pairs, one JSON object a line."""
    return msgspec.json.Decoder(JudgedPair).decode_lines(path.read_bytes())


def read_judged(path: Path) -> list[Judged]:
    """Read a file of judged descriptions, known-item queries or negatives."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: list[dict[str, Any]] = yaml.load(path.read_text("utf-8"), Loader=loader)  # noqa: S506 - a SafeLoader
    judged = []
    for entry in entries:
        grades = dict(entry.get("grades") or {})
        for position, case_id in enumerate(entry.get("relevant", ())):
            grades[case_id] = STRONGLY_USEFUL + (position == 0)  # the first is the case the query was written for
        judged.append(
            Judged(
                id=entry["id"],
                text=entry.get("text") or entry["query"],
                kind=entry.get("kind") or entry.get("distance", ""),
                length=entry.get("length", ""),
                grades={case_id: float(grade) for case_id, grade in grades.items() if grade > 0},
            )
        )
    return judged
