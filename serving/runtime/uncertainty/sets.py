"""Prediction sets: every class that is likely enough (LAC).

Sadinle, Lei & Wasserman 2019, Least Ambiguous Set-Valued Classifiers With Bounded Error Levels: the smallest sets on
average that hold the level. Where a level lies below the model's accuracy, the rows it is least sure of get the empty
set: no class is as likely there as the true one usually is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.groups import Grouping
from serving.runtime.uncertainty._bounds import Bounds, by_group
from serving.runtime.uncertainty.levels import LEVELS, lower


@dataclass(frozen=True)
class Sets:
    """A class is in the set when its probability is at least the bound."""

    bounds: Bounds

    @classmethod
    def fit(
        cls,
        prediction: np.ndarray,
        truth: np.ndarray,
        grouping: Grouping | None = None,
        values: Sequence[Any] | None = None,
    ) -> Sets:
        """From calibration rows. Shapes: prediction (n, classes), truth (n,) codes; `values` as for Intervals."""
        likely = prediction[np.arange(len(truth)), truth]
        return cls(by_group(_side, likely, 1, grouping, values))

    def of(self, prediction: np.ndarray, level: float, values: Sequence[Any] | None = None) -> np.ndarray:
        """Shape: prediction (n, classes) to (n, classes) of truth values."""
        which = self.bounds.which(values, len(prediction), level)
        found: np.ndarray = prediction >= self.bounds.at(0, which, level)[:, None]
        return found

    def covers(self, sets: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Shape: (n,) of truth values."""
        found: np.ndarray = sets[np.arange(len(truth)), truth]
        return found

    def size(self, sets: np.ndarray) -> np.ndarray:
        """How many classes each set has."""
        count: np.ndarray = sets.sum(axis=1)
        return count

    def to_json(self) -> dict[str, Any]:
        return {"bounds": self.bounds.to_json()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Sets:
        return cls(Bounds.from_json(told["bounds"]))


def _side(likely: np.ndarray) -> np.ndarray:
    return lower(likely, 1 - LEVELS)[None]
