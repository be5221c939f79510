"""The figures of a report: metrics with intervals, and how probabilities held, from a version's scored rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.shares import wilson
from training.engine import metrics
from training.scored import CALIBRATION, TEST, Scored

DRAWS, MOST_ROWS, BINS = 200, 5_000, 10


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric on rows never seen, with its bootstrap interval (95 %)."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose probability for the last class lies in a band: the mean told, and the share that came true."""

    rows: int
    told: float
    observed: float
    low: float
    high: float


def judged(rows: Scored) -> Scored:
    """The test rows; the calibration rows where none were kept."""
    test = rows.of(TEST)
    return test if len(test) else rows.of(CALIBRATION)


def metrics_of(rows: Scored, task: str) -> list[Metric]:
    """Every metric with its interval over draws of the rows (Efron 1979). Of many rows, draws are of an evenly spaced
    part, and the interval is narrowed by the root of what was left out."""
    values = _score(rows, task)
    part = rows.take(np.arange(0, len(rows), -(-len(rows) // MOST_ROWS) or 1))
    draw = np.random.Generator(np.random.PCG64(0))
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _turn in range(DRAWS):
        for name, value in _score(part.take(draw.integers(0, len(part), len(part))), task).items():
            drawn.setdefault(name, []).append(value)
    shrink, middle = (len(part) / len(rows)) ** 0.5, _score(part, task)
    return [_metric(name, value, drawn[name], middle.get(name, value), shrink) for name, value in values.items()]


def _score(rows: Scored, task: str) -> dict[str, float]:
    answer = rows.prediction[:, 0] if task == "regression" else rows.prediction
    return metrics.score(rows.truth, answer, task, rows.weight)


def _metric(name: str, value: float, drawn: list[float], middle: float, shrink: float) -> Metric:
    finite = [each for each in drawn if np.isfinite(each)]
    if len(finite) < DRAWS / 2:
        return Metric(name, value, None, None)
    low, high = np.quantile(finite, [0.025, 0.975])
    return Metric(name, value, value + (low - middle) * shrink, value + (high - middle) * shrink)


def reliability(rows: Scored) -> tuple[list[Bin], float]:
    """Bands of equal size of the last class's probability, and the expected calibration error over them (ECE)."""
    told = rows.prediction[:, -1]
    came = rows.truth == rows.prediction.shape[1] - 1
    bands = [band for band in np.array_split(np.argsort(told, kind="stable"), BINS) if len(band)]
    bins = [
        Bin(len(b), float(told[b].mean()), float(came[b].mean()), *wilson(int(came[b].sum()), len(b))) for b in bands
    ]
    error = sum(each.rows * abs(each.told - each.observed) for each in bins) / max(1, len(rows))
    return bins, error


def of_version(rows: Scored | None, task: str) -> dict[str, Any]:
    """{metrics, rows, bins, ece} for the report; empty without scored rows."""
    if rows is None or not len(rows):
        return {}
    own = judged(rows)
    found: dict[str, Any] = {"metrics": metrics_of(own, task), "rows": len(own), "part": str(own.part[0])}
    if task != "regression":
        found["bins"], found["ece"] = reliability(own)
    return found
