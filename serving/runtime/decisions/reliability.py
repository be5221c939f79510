"""How far probabilities are from what came true: bins of equally many rows, and the expected calibration error.

Bins of equal size, after Nixon et al. 2019, Measuring Calibration in Deep Learning: with bins of equal width nearly all
rows of a rare event would fall into the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """`said`: mean probability; `came`: share that came true; `rows`."""

    said: float
    came: float
    rows: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """`ece` = Σ rows/n · |said − came| over the bins."""

    bins: tuple[Bin, ...]
    ece: float


def reliability(probability: np.ndarray, hit: np.ndarray, bins: int = BINS) -> Reliability:
    """Shapes: probability (n,), hit (n,) truth values. Rows of equal probability stay together."""
    order = np.argsort(probability, kind="stable")
    p, y = probability[order], hit[order].astype(float)
    edges = np.searchsorted(p, p[np.linspace(0, len(p), bins + 1).astype(int)[1:-1]], "left") if len(p) else []
    parts = [part for part in zip(np.split(p, edges), np.split(y, edges), strict=True) if len(part[0])]
    found = tuple(Bin(float(said.mean()), float(came.mean()), len(said)) for said, came in parts)
    gaps = sum(each.rows * abs(each.said - each.came) for each in found)
    return Reliability(found, float(gaps / len(p)) if len(p) else 0.0)


def confidence(probabilities: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For several classes: the likeliest class's probability, and whether it came true. Shapes: (n, k), (n,) codes."""
    best = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(truth)), best], best == truth
