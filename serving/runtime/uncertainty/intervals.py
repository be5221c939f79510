"""Prediction intervals: split-conformal, from normalised signed errors.

Papadopoulos, Gammerman & Vovk 2008, Normalized Nonconformity Measures for Regression; Linusson, Johansson & Löfström
2014, Signed-Error Conformal Regression: each side has its own quantile, so an interval need not be symmetric. By group:
Vovk, Lindsay, Nouretdinov & Gammerman 2003, Mondrian Confidence Machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.groups import Grouping
from serving.runtime.uncertainty._bounds import Bounds, by_group
from serving.runtime.uncertainty.levels import LEVELS, lower, upper

KNOTS = 10  # predicted values between which the usual size of an error is interpolated
EVERY = 4  # one calibration row in so many tells the usual size of errors, and is no part of the quantiles
NORMALISED_FROM = 400  # calibration rows; with fewer every error is taken to be of one size


@dataclass(frozen=True)
class Intervals:
    """`knots` and `sizes` (m,): the usual absolute error where the prediction is such."""

    knots: np.ndarray
    sizes: np.ndarray
    bounds: Bounds

    @classmethod
    def fit(
        cls,
        prediction: np.ndarray,
        truth: np.ndarray,
        grouping: Grouping | None = None,
        values: Sequence[Any] | None = None,
    ) -> Intervals:
        """From calibration rows. Shapes: prediction (n,), truth (n,); `values` are the grouping's column of each row."""
        errors, rest = truth - prediction, np.ones(len(truth), bool)
        knots, sizes = np.zeros(1), np.ones(1)
        if len(truth) >= NORMALISED_FROM:
            rest[::EVERY] = False
            knots, sizes = _usual(prediction[~rest], np.abs(errors[~rest]))
        scores = errors[rest] / np.interp(prediction[rest], knots, sizes)
        own = [value for value, kept in zip(values, rest, strict=True) if kept] if values is not None else None
        return cls(knots, sizes, by_group(_sides, scores, 2, grouping, own))

    def of(self, prediction: np.ndarray, level: float, values: Sequence[Any] | None = None) -> np.ndarray:
        """Shape: prediction (n,) to (n, 2), low and high."""
        size = np.interp(prediction, self.knots, self.sizes)
        which = self.bounds.which(values, len(prediction), level)
        return np.stack([prediction + size * self.bounds.at(side, which, level) for side in (0, 1)], axis=1)

    def covers(self, interval: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Shape: (n,) of truth values."""
        found: np.ndarray = (interval[:, 0] <= truth) & (truth <= interval[:, 1])
        return found

    def size(self, interval: np.ndarray) -> np.ndarray:
        """How wide each interval is."""
        width: np.ndarray = interval[:, 1] - interval[:, 0]
        return width

    def to_json(self) -> dict[str, Any]:
        return {"knots": self.knots.tolist(), "sizes": self.sizes.tolist(), "bounds": self.bounds.to_json()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Intervals:
        return cls(np.array(told["knots"]), np.array(told["sizes"]), Bounds.from_json(told["bounds"]))


def _usual(prediction: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean absolute error in bands of the prediction; no band's is under a twentieth of the whole mean."""
    order = np.argsort(prediction, kind="stable")
    bands = [band for band in np.array_split(order, KNOTS) if len(band)]
    mean = float(errors.mean()) or 1.0
    knots = np.array([prediction[band].mean() for band in bands])
    sizes = np.array([max(errors[band].mean(), mean / 20) for band in bands])
    return knots, sizes


def _sides(scores: np.ndarray) -> np.ndarray:
    tails = (1 - LEVELS) / 2
    return np.stack([lower(scores, tails), upper(scores, tails)])
