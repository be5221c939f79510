"""Probabilities that mean what they say: fitted on rows that the model did not learn from, applied in numpy.

Shapes: probabilities (n, k), one column a class; truth (n,) class codes; weight (n,) or None. What is fitted is plain JSON.
With two classes one map is fitted, of the class that the decision is about; with more, one a class against the rest,
and the results are made to sum to one (Zadrozny & Elkan 2002, Transforming Classifier Scores).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

METHODS = ("none", "platt", "isotonic", "temperature")
FLOOR = 1e-12
LEAST_ROWS = 50  # fewer say nothing about a map
_STEPS = 100

Fitted = dict[str, Any]
Map = Callable[[np.ndarray], np.ndarray]


def fit(
    method: str, probabilities: np.ndarray, truth: np.ndarray, *, positive: int = 1, weight: np.ndarray | None = None
) -> Fitted:
    """Fit a method; returns {"method", …} as `calibrator` reads it. `positive` is the class of a two-class map.

    Raises ValueError for an unknown method and for rows too few, or of one class alone.
    """
    if method not in METHODS:
        raise ValueError(f"unknown calibration {method!r}; known are {', '.join(METHODS)}")
    if method == "none":
        return {"method": "none"}
    if len(truth) < LEAST_ROWS or len(np.unique(truth)) < 2:
        raise ValueError(f"{len(truth)} rows are too few, or all of one class; {LEAST_ROWS} of both are needed")
    w = np.ones(len(truth)) if weight is None else weight / weight.mean()
    if method == "temperature":
        return {"method": method, "temperature": _temperature(probabilities, truth, w)}
    one = _platt if method == "platt" else _isotonic
    classes = [positive] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return {"method": method, "maps": [one(probabilities[:, c], truth == c, w) for c in classes]}


def calibrator(fitted: Mapping[str, Any], *, positive: int = 1) -> Map:
    """The function from (n, k) probabilities to calibrated ones that sum to one."""
    method = fitted["method"]
    if method == "none":
        return lambda probabilities: probabilities
    if method == "temperature":
        return lambda probabilities: _tempered(probabilities, 1.0 / fitted["temperature"])
    maps = [_map_of(method, each) for each in fitted["maps"]]
    return _two_classes(maps[0], positive) if len(maps) == 1 else _each_against_the_rest(maps)


def _two_classes(map_: Map, positive: int) -> Map:
    def apply(probabilities: np.ndarray) -> np.ndarray:
        found = np.empty_like(probabilities)
        found[:, positive] = map_(probabilities[:, positive])
        found[:, 1 - positive] = 1.0 - found[:, positive]
        return found

    return apply


def _each_against_the_rest(maps: list[Map]) -> Map:
    def apply(probabilities: np.ndarray) -> np.ndarray:
        found = np.stack([map_(probabilities[:, c]) for c, map_ in enumerate(maps)], axis=1)
        total = found.sum(axis=1, keepdims=True)
        result: np.ndarray = np.divide(found, total, out=probabilities.copy(), where=total > 0)
        return result

    return apply


def _map_of(method: str, fitted: Mapping[str, Any]) -> Map:
    if method == "platt":
        slope, level = float(fitted["slope"]), float(fitted["level"])
        return lambda p: _sigmoid(slope * _logit(p) + level)
    x, y = np.asarray(fitted["x"], float), np.asarray(fitted["y"], float)
    return lambda p: np.asarray(np.interp(p, x, y))


def _logit(p: np.ndarray) -> np.ndarray:
    held = np.clip(p, FLOOR, 1.0 - FLOOR)
    result: np.ndarray = np.log(held) - np.log1p(-held)
    return result


def _sigmoid(z: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.exp(-np.logaddexp(0.0, -z))
    return result


def _platt(p: np.ndarray, hit: np.ndarray, w: np.ndarray) -> dict[str, float]:
    """Platt 1999 with its smoothed targets, by Newton's method (Lin, Lin & Weng 2007), on log-odds."""
    z, hits, others = _logit(p), float(w[hit].sum()), float(w[~hit].sum())
    target = np.where(hit, (hits + 1) / (hits + 2), 1 / (others + 2))
    theta = np.array([1.0, 0.0])
    features = np.stack([z, np.ones_like(z)])  # (2, rows)
    for _ in range(_STEPS):
        q = _sigmoid(theta @ features)
        slope = features @ (w * (q - target))
        curve = (features * (w * q * (1 - q))) @ features.T + 1e-9 * np.eye(2)
        step = np.clip(np.linalg.solve(curve, slope), -1.0, 1.0)
        theta -= step
        theta[0] = min(20.0, max(0.01, theta[0]))  # never turned round: the order of the rows is the model's
        if np.abs(step).max() < 1e-9:
            break
    return {"slope": float(theta[0]), "level": float(theta[1])}


def _isotonic(p: np.ndarray, hit: np.ndarray, w: np.ndarray) -> dict[str, list[float]]:
    """Pool adjacent violators (Ayer et al. 1955), straight lines between the pools' ends."""
    x, place = np.unique(p, return_inverse=True)
    weight = np.bincount(place, w)
    share = np.bincount(place, w * hit) / weight
    pools: list[list[float]] = []  # value, weight, first, last
    for index, (y, mass) in enumerate(zip(share.tolist(), weight.tolist(), strict=True)):
        pools.append([y, mass, index, index])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            value, mass_, _first, last = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + value * mass_) / (before[1] + mass_)
            before[1] += mass_
            before[3] = last
    ends = [(x[int(at)], value) for value, _mass, first, last in pools for at in sorted({first, last})]
    return {"x": [float(at) for at, _value in ends], "y": [float(value) for _at, value in ends]}


def _tempered(probabilities: np.ndarray, power: float) -> np.ndarray:
    z = power * np.log(np.maximum(probabilities, FLOOR))
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result


def _temperature(probabilities: np.ndarray, truth: np.ndarray, w: np.ndarray) -> float:
    """Guo et al. 2017, On Calibration of Modern Neural Networks: golden section on the log of the temperature."""
    own = np.arange(len(truth))

    def loss(log_t: float) -> float:
        p = _tempered(probabilities, float(np.exp(-log_t)))[own, truth]
        return float(-(w * np.log(np.maximum(p, FLOOR))).mean())

    low, high, golden = np.log(0.05), np.log(20.0), (5**0.5 - 1) / 2
    while high - low > 1e-6:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))
