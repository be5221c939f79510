"""A version's uncertainty as pages and the API tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from serving.runtime.uncertainty.conformal import Conformal
from serving.runtime.uncertainty.levels import needed
from serving.uncertainty.learned import USUAL, known
from training.models import ModelVersion


@dataclass(frozen=True, slots=True)
class Told:
    """`kind` is intervals or sets; `calibration` how many rows the quantiles are of, `needed` how many the usual level
    takes; `levels` and `groups` the coverage on test rows, as in serving.uncertainty.models."""

    kind: str
    by: str
    calibration: int
    needed: int
    levels: list[dict[str, Any]]
    groups: list[dict[str, Any]]

    @property
    def usual(self) -> dict[str, Any] | None:
        """The coverage at the usual level."""
        return next((each for each in self.levels if each["level"] == USUAL), None)

    @property
    def is_ready(self) -> bool:
        return self.calibration >= self.needed


def told(version: ModelVersion) -> Told | None:
    """None for a version that kept no scored rows."""
    found = known(version)
    if found is None:
        return None
    conformal = Conformal.from_json(found.conformal)
    least = needed(USUAL, conformal.kind.bounds.tails)
    return Told(found.conformal["kind"], found.by, conformal.rows, least, found.coverage, found.groups)
