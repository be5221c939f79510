"""Whether two sets of counts come from one distribution, how far apart they are, and how to judge many at once.

Shapes: counts are (bins,) whole numbers over the same bins.

Siddiqi, Credit Risk Scorecards (2006) for the population stability index; Smirnov (1939) and Hodges (1958); Pearson (1900)
with Cochran's rule (1954); Fisher (1922); Holm (1979); Benjamini and Hochberg (1995).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.runtime.drift.probability import chi2_tail, fisher_tail, smirnov_tail

EXPECTED = 5.0  # Cochran: cells that expect fewer are put together


def psi(reference: np.ndarray, live: np.ndarray) -> float:
    """Population stability index: Σ (q − p) ln(q / p) over the bins' shares.

    Half a count is added to every bin, so that an empty one counts without being infinite. With nothing changed its mean
    is about (bins − 1)·(1/m + 1/n).
    """
    p = (reference + 0.5) / (reference.sum() + 0.5 * len(reference))
    q = (live + 0.5) / (live.sum() + 0.5 * len(live))
    return float(((q - p) * np.log(q / p)).sum())


def kolmogorov_smirnov(reference: np.ndarray, live: np.ndarray) -> tuple[float, float]:
    """The largest distance of the two cumulated shares at the bins' edges, and its p-value.

    The distance of the values themselves is at least as large, so the test errs on the quiet side.
    """
    m, n = int(reference.sum()), int(live.sum())
    if not m or not n:
        return 0.0, 1.0
    # In whole numbers, so that equal shares are equal.
    distance = int(np.abs(np.cumsum(reference) * n - np.cumsum(live) * m).max()) / (m * n)
    return distance, smirnov_tail(distance, m, n)


def chi_squared(reference: np.ndarray, live: np.ndarray) -> tuple[float, float]:
    """Pearson's statistic of the two rows of counts, and its p-value; bins that expect too few are put together."""
    table = np.stack([reference, live]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 0.0, 1.0
    rare = _expected(table).min(axis=0) < EXPECTED
    if rare.sum() > 1:
        table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    if table.shape[1] < 2:
        return 0.0, 1.0
    expected = _expected(table)
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, chi2_tail(statistic, table.shape[1] - 1)


def _expected(table: np.ndarray) -> np.ndarray:
    expected: np.ndarray = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return expected


def two_shares(hits: int, of: int, live_hits: int, live_of: int) -> float:
    """The p-value of two shares being one: Pearson's, or Fisher's exact one where Pearson's would expect too few."""
    table = np.array([[hits, of - hits], [live_hits, live_of - live_hits]], dtype=np.float64)
    if not table.sum(axis=0).all() or not table.sum(axis=1).all():
        return 1.0
    if _expected(table).min() >= EXPECTED:
        return chi_squared(table[0], table[1])[1]
    return fisher_tail(hits, of - hits, live_hits, live_of - live_hits)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: below α for any true hypothesis with a chance of at most α, however the tests depend."""
    order = np.argsort(p_values, kind="stable")
    count = len(order)
    adjusted = np.empty(count)
    adjusted[order] = np.maximum.accumulate([min(1.0, (count - i) * p_values[at]) for i, at in enumerate(order)] or [])
    return [float(each) for each in adjusted]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: of those below α, at most a share α is expected to be false."""
    order = np.argsort(p_values, kind="stable")[::-1]
    count = len(order)
    adjusted = np.empty(count)
    scaled = [min(1.0, p_values[at] * count / (count - i)) for i, at in enumerate(order)]
    adjusted[order] = np.minimum.accumulate(scaled or [])
    return [float(each) for each in adjusted]
