"""The levels that can be asked for, and order statistics that hold them on finitely many rows."""

from __future__ import annotations

import math

import numpy as np

LEVELS = np.arange(50, 100) / 100  # a level between two of them is answered by the upper
LOWEST, HIGHEST = float(LEVELS[0]), float(LEVELS[-1])
FEWEST = 100  # calibration rows; with fewer, the coverage of 90 % swings by more than ±6 points
BEYOND = 2  # calibration rows that must lie beyond a bound for it to be more than the most extreme of them


def place_of(level: float) -> int:
    """The place in LEVELS of the lowest level that is at least this one."""
    return min(len(LEVELS) - 1, max(0, math.ceil(round((level - LOWEST) * 100, 6))))


def needed(level: float, tails: int) -> int:
    """How many calibration rows a level takes: `tails` is 2 for intervals, which err on either side, and 1 for sets."""
    return max(FEWEST, math.ceil(round(BEYOND * tails / (1.0 - float(LEVELS[place_of(level)])), 6)))


def lower(scores: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """For each tail t, a bound that a new score is below with probability at most t: the ⌊t(n+1)⌋-th smallest.

    −∞ where there are too few scores. Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World; Lei et
    al. 2018, Distribution-Free Predictive Inference for Regression.
    """
    ordered = np.concatenate([[-np.inf], np.sort(scores)])
    places = np.floor(np.round(tails * (len(scores) + 1), 9)).astype(int)
    found: np.ndarray = ordered[np.minimum(places, len(scores))]
    return found


def upper(scores: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """The same from above."""
    return -lower(-scores, tails)
