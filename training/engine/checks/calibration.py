"""Probabilities that do not come true as often as they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding
from training.engine.family import REGRESSION

if TYPE_CHECKING:
    import numpy as np

    from training.engine.checks._answered import Answered

THRESHOLD = 0.05
CHANCE = 0.001
BINS = 10
MIN_ROWS = 100


def find(answered: Answered) -> Iterator[dict[str, Any]]:
    """The expected calibration error (Naeini et al. 2015) over ten bins of equally many rows, where it is beyond 0.05
    and beyond chance by the test of Hosmer and Lemeshow (1980). Of several classes the probability of the chosen one is
    judged.
    """
    if answered.task == REGRESSION or len(answered.y) < MIN_ROWS:
        return
    said, true = _chosen(answered)
    error, chance = _distance(said, true)
    if error > THRESHOLD and chance < CHANCE:
        message = f"Probabilities are off by {error:.0%} on average on the {answered.part} rows."
        yield finding(
            "calibration", "warning", message, test="expected calibration error", value=round(error, 6),
            threshold=THRESHOLD, fix="Let the probabilities be calibrated, or judge by rank and a threshold of your own.",
        )  # fmt: skip


def _chosen(answered: Answered) -> tuple[np.ndarray, np.ndarray]:
    """The probability that is judged, and whether it came true. Shapes: both (rows,)."""
    if answered.answer.shape[1] == 2:
        return answered.answer[:, 1], answered.y == 1
    chosen = answered.answer.argmax(axis=1)
    return answered.answer.max(axis=1), answered.y == chosen


def _distance(said: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """The mean distance of bins' mean probability from their share that came true, and the chance of such a sum."""
    import numpy as np
    from scipy.stats import chi2

    bins = np.array_split(np.argsort(said, kind="stable"), BINS)
    means = np.array([[said[rows].mean(), true[rows].mean(), len(rows)] for rows in bins])
    expected, seen, rows = means.T
    variance = np.maximum(expected * (1.0 - expected), 1e-9) / rows
    statistic = float(((seen - expected) ** 2 / variance).sum())
    return float((np.abs(seen - expected) * rows).sum() / rows.sum()), float(chi2.sf(statistic, BINS))
