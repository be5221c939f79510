"""A run's curves for people: down-sampled so that no peak and no dip is lost.

What a run draws stands in RunMetric, a row a step. Once it has ended, each curve is kept beside that in at most KEPT
points, which is what comparisons read: a hundred runs of 10,000 steps are a million rows, but a hundred such curves.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import orjson
from django.db.models import TextField
from django.db.models.functions import Cast

from training.models import RunCurve, TrainingRun

KEPT = 1000
NAME_LENGTH = 200
DIGITS = 4  # of the values that charts draw: a chart of 300 pixels shows three


class Curve(NamedTuple):
    """Shape: both (points,) float64, in the order of steps."""

    steps: np.ndarray
    values: np.ndarray


def curves_of(run: TrainingRun) -> dict[str, Curve]:
    """Every metric's curve, each point of it; a run of several candidates has `candidate/metric`."""
    # The rows' texts are read as one JSON document for each candidate: ten times faster than row by row.
    rows = run.points.annotate(text=Cast("values", TextField())).order_by("candidate", "step")
    steps, texts = defaultdict(list), defaultdict(list)
    for candidate, step, text in rows.values_list("candidate", "step", "text").iterator(chunk_size=10_000):
        steps[candidate].append(step)
        texts[candidate].append(text)
    return {
        full_name(candidate, name): curve
        for candidate in steps
        for name, curve in _columns(steps[candidate], orjson.loads(f"[{','.join(texts[candidate])}]")).items()
    }


def _columns(steps: Sequence[int], records: Sequence[dict[str, float]]) -> dict[str, Curve]:
    at = np.asarray(steps, float)
    found = {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = np.array([record.get(name) for record in records], float)
        known = np.isfinite(values)
        found[name] = Curve(at[known], values[known])
    return found


def full_name(candidate: str, metric: str) -> str:
    return f"{candidate}/{metric}" if candidate else metric


def sampled(run: TrainingRun, points: int) -> dict[str, dict[str, list[Any]]]:
    """{metric: {"steps", "values"}} with at most `points` points each."""
    reduced = {name: downsample(curve, points) for name, curve in curves_of(run).items()}
    return {
        name: {"steps": curve.steps.astype(int).tolist(), "values": curve.values.tolist()}
        for name, curve in reduced.items()
    }


def downsample(curve: Curve, points: int) -> Curve:
    """At most `points` (≥ 4) of the given ones: the first, the last, and each stretch's minimum and maximum."""
    count = len(curve.steps)
    if count <= points:
        return curve
    stretches = (points - 2) // 2
    size = -(-(count - 2) // stretches)
    inner = curve.values[1:-1]
    # The last stretch is filled up with its own first value, so that all are rows of one matrix.
    filled = np.pad(inner, (0, -len(inner) % size), constant_values=inner[(len(inner) - 1) // size * size])
    table = filled.reshape(-1, size)
    starts = 1 + size * np.arange(len(table))
    extremes = np.concatenate([starts + table.argmin(axis=1), starts + table.argmax(axis=1)])
    kept = np.unique(np.concatenate([[0], extremes[extremes < count - 1], [count - 1]]))
    return Curve(curve.steps[kept], curve.values[kept])


def keep(run: TrainingRun) -> dict[str, Curve]:
    """Keep the curves of an ended run in KEPT points each, once; return them."""
    found = {name[:NAME_LENGTH]: downsample(curve, KEPT) for name, curve in curves_of(run).items()}
    if run.is_finished:
        rows = [RunCurve(run=run, name=name, points=_packed(curve)) for name, curve in found.items()]
        RunCurve.objects.bulk_create(rows, ignore_conflicts=True)
    return found


def _packed(curve: Curve) -> bytes:
    return np.stack(curve).astype("<f8").tobytes()


def _unpacked(points: bytes) -> Curve:
    return Curve(*np.frombuffer(points, "<f8").reshape(2, -1))


class Overlay(NamedTuple):
    """One metric of several runs: its curves by run, the names of all their metrics, and the runs that are not read yet."""

    metric: str
    metrics: list[str]
    curves: dict[UUID, Curve]
    pending: list[UUID]


def overlay(runs: Sequence[TrainingRun], metric: str, points: int = KEPT, seconds: float = 1.0) -> Overlay:
    """The curves of `metric` over each other; without that name, of the metric that most of the runs have.

    Ended runs whose curves are not kept yet are read for `seconds` at most; the rest is pending, for the next call.
    """
    kept = RunCurve.objects.filter(run__in=[run.pk for run in runs])
    names: dict[UUID, list[str]] = defaultdict(list)
    for run_id, name in kept.values_list("run_id", "name"):
        names[run_id].append(name)
    read: dict[UUID, dict[str, Curve]] = {}
    until = time.monotonic() + seconds
    waiting = [run for run in runs if run.pk not in names]
    for place, run in enumerate(waiting):
        if place and time.monotonic() > until:
            break
        read[run.pk] = keep(run)
    pending = [run.pk for run in waiting if run.pk not in read]
    known = _common_first([*names.values(), *(list(each) for each in read.values())])
    chosen = metric if metric in known else _usual(known)
    found = {run_id: _unpacked(bytes(raw)) for run_id, raw in kept.filter(name=chosen).values_list("run_id", "points")}
    found |= {run_id: each[chosen] for run_id, each in read.items() if chosen in each}
    order = {run.pk: downsample(found[run.pk], points) for run in runs if run.pk in found}
    return Overlay(chosen, known, order, pending)


def _common_first(lists: Iterable[Sequence[str]]) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for names in lists:
        for name in names:
            counts[name] += 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def _usual(known: Sequence[str]) -> str:
    """The validation loss that most runs have, or whatever most have."""
    return next((name for name in known if name.rpartition("/")[2] == "validation_loss"), next(iter(known), ""))


def rounded(values: np.ndarray, digits: int = DIGITS) -> list[float]:
    """The values with so many significant digits: short in JSON, and as exact at 1e-6 as at 1e6."""
    size = np.floor(np.log10(np.abs(values, where=values != 0, out=np.ones_like(values))))
    scale = 10.0 ** np.abs(digits - 1 - size)
    # Always divided or multiplied by a whole power of ten, never by its inverse: 0.3 stays 0.3.
    with np.errstate(over="ignore", invalid="ignore"):
        fine, coarse = np.round(values * scale) / scale, np.round(values / scale) * scale
    return list(np.where(size < digits, fine, coarse).tolist())
