"""Smoothed means of a target by category: the arithmetic of scikit-learn's TargetEncoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def folds_of(rows: int, folds: int) -> np.ndarray:
    """Each row's fold: scattered by a multiplicative hash of its place, so that no order of the rows can align."""
    import numpy as np

    scattered = (np.arange(rows, dtype=np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    return ((scattered * np.uint64(folds)) >> np.uint64(32)).astype(np.int64)


def smoothed(codes: np.ndarray, y: np.ndarray, categories: int, smoothing: float | None) -> tuple[np.ndarray, float]:
    """The mean of `y` for each code, drawn to the mean of all rows, and that mean.

    Without a smoothing, the draw is empirical Bayes: the less rows and the more spread a category has, the stronger.
    """
    import numpy as np

    if not len(y):
        return np.zeros(categories), 0.0
    overall = float(y.mean())
    counts = np.bincount(codes, minlength=categories).astype(np.float64)
    sums = np.bincount(codes, weights=y, minlength=categories)
    with np.errstate(invalid="ignore", divide="ignore"):
        if smoothing is not None:
            return np.nan_to_num((sums + smoothing * overall) / (counts + smoothing), nan=overall), overall
        means = sums / counts
        spread = np.bincount(codes, weights=(y - means[codes]) ** 2, minlength=categories) / counts
        trust = float(y.var()) * counts / (float(y.var()) * counts + spread)
        made = trust * means + (1 - trust) * overall
    return np.where(np.isnan(made), overall, made), overall


def out_of_fold(codes: np.ndarray, y: np.ndarray, categories: int, smoothing: float | None, folds: int) -> np.ndarray:
    """For each row the mean of its category in the other folds: a row never sees its own target."""
    import numpy as np

    fold, made = folds_of(len(y), folds), np.empty(len(y))
    for each in range(folds):
        inside = fold == each
        means, _ = smoothed(codes[~inside], y[~inside], categories, smoothing)
        made[inside] = means[codes[inside]]
    return made
