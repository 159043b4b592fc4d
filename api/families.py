"""Families of categories: few enough to tell apart by colour and shape."""

from __future__ import annotations

from typing import NamedTuple

from kb.taxonomy import Taxonomy


class Family(NamedTuple):
    name: str
    categories: tuple[str, ...]


FAMILIES = (
    Family("Purpose and people", ("unclear-goals", "misaligned-stakeholders", "process-mismatch", "user-adoption", "knowledge-loss")),
    Family("Steering and suppliers", ("governance-gap", "ignored-warnings", "supplier-management", "skills-gap")),
    Family("Scope and plan", ("schedule-pressure", "scope-growth", "underestimated-complexity", "big-bang-rollout")),
    Family("Data and old systems", ("legacy-entanglement", "data-mapping", "data-quality", "interface-mismatch", "over-customisation")),
    Family("Testing and change", ("insufficient-testing", "unsafe-change", "no-way-back", "operational-readiness", "hazardous-tooling")),
    Family(
        "Running the service",
        (
            "capacity-limit",
            "single-point-of-failure",
            "cascading-failure",
            "untested-recovery",
            "weak-monitoring",
            "error-handling",
            "expiry-and-rotation",
        ),
    ),
    Family("Security and dependencies", ("access-control", "security-weakness", "third-party-dependency")),
    Family("Models and assumptions", ("model-validity", "automated-decisions", "reused-assumptions")),
)
"""In the order of colours and shapes."""
REST = "Further categories"
"""Family of the categories that another taxonomy adds."""


def family_index(category: str) -> int:
    """Return the place of a category's family in `FAMILIES`, or their number when none has it."""
    return next((at for at, family in enumerate(FAMILIES) if category in family.categories), len(FAMILIES))


def families(taxonomy: Taxonomy) -> tuple[Family, ...]:
    """Return the families with every category of a taxonomy; the last takes those that no other has, if there are any."""
    rest = tuple(category for category in taxonomy.ids("category") if family_index(category) == len(FAMILIES))
    return (*FAMILIES, Family(REST, rest)) if rest else FAMILIES
