"""A run's curves for people: down-sampled so that no peak and no dip is lost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from training.models import TrainingRun

Point = tuple[int, float]


def series_of(run: TrainingRun) -> dict[str, list[Point]]:
    """Every metric's (step, value) points in the order of steps; a run of several candidates has `candidate/metric`."""
    rows = run.points.order_by("candidate", "step").values_list("candidate", "step", "values")
    found: dict[str, list[Point]] = {}
    for candidate, step, values in rows.iterator(chunk_size=5000):
        for name, value in values.items():
            found.setdefault(full_name(candidate, name), []).append((step, value))
    return found


def full_name(candidate: str, metric: str) -> str:
    return f"{candidate}/{metric}" if candidate else metric


def sampled(run: TrainingRun, points: int) -> dict[str, dict[str, list[Any]]]:
    """{metric: {"steps", "values"}} with at most `points` points each."""
    reduced = {name: downsample(series, points) for name, series in series_of(run).items()}
    return {
        name: {"steps": [step for step, _ in series], "values": [value for _, value in series]}
        for name, series in reduced.items()
    }


def downsample(series: Sequence[Point], points: int) -> list[Point]:
    """At most `points` (≥ 4) of the given ones: the first, the last, and each stretch's minimum and maximum."""
    if len(series) <= points:
        return list(series)
    inner = series[1:-1]
    stretches = (points - 2) // 2
    size = math.ceil(len(inner) / stretches)
    kept = [point for start in range(0, len(inner), size) for point in _extremes(inner[start : start + size])]
    return [series[0], *kept, series[-1]]


def _extremes(stretch: Iterable[Point]) -> list[Point]:
    """The lowest and the highest point of a stretch, in the order of steps."""
    numbered = list(stretch)
    low = min(numbered, key=lambda point: point[1])
    high = max(numbered, key=lambda point: point[1])
    return sorted({low, high})
