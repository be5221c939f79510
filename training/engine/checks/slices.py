"""A part of the rows on which the model does much worse than on the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding
from training.engine.targets import NUMERIC

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from training.engine.checks._answered import Answered

RATIO = 1.5
CHANCE = 0.01  # that any slice at all is found where all are alike
MIN_ROWS = 30
MOST_CATEGORIES = 50
MOST_FOUND = 3


def find(answered: Answered) -> Iterator[dict[str, Any]]:
    """Categories, and quarters of numbers and dates, whose mean loss is half again that of the other rows and whose
    difference Welch's test finds beyond chance, corrected for the number of slices (Bonferroni). The worst three.
    """
    if answered.frame is None or len(answered.y) < 2 * MIN_ROWS:
        return
    losses = answered.losses()
    slices = [s for name in answered.features for s in _slices(answered.frame[name], answered.schema[name].type)]
    judged = [
        (label, name, inside) for label, name, inside in slices if MIN_ROWS <= inside.sum() <= len(losses) - MIN_ROWS
    ]
    bound = _quantile(CHANCE / max(1, len(judged)))
    found = [(*_worse(losses, inside), label, name, int(inside.sum())) for label, name, inside in judged]
    worst = sorted((each for each in found if each[0] >= RATIO and each[1] > bound), reverse=True)[:MOST_FOUND]
    for ratio, _t, label, name, rows in worst:
        message = (
            f"Much worse where {label}: {ratio:.1f} times the loss of the other {answered.part} rows ({rows:,} rows)."
        )
        yield finding(
            "worse_slice", "warning", message, [name], test="loss there by loss elsewhere", value=round(ratio, 6),
            threshold=RATIO, fix="Collect more such rows, add columns that tell about them, or decide about them apart.",
        )  # fmt: skip


def _slices(column: pl.Series, type_: str) -> Iterator[tuple[str, str, np.ndarray]]:
    """(words, column, which rows) of each slice. Shape of the last: (rows,) of truth values."""
    name = column.name
    if column.null_count():
        yield f"“{name}” is missing", name, column.is_null().to_numpy()
    known = column.drop_nulls()
    if type_ in ("text", "boolean"):
        values = known.unique().sort().to_list() if known.n_unique() <= MOST_CATEGORIES else []
        for value in values:
            yield f"“{name}” is {value}", name, (column == value).fill_null(value=False).to_numpy()
        return
    quarters = [known.quantile(q, "nearest") for q in (0.25, 0.5, 0.75)] if type_ in NUMERIC and len(known) else []
    edges = sorted({float(edge) for edge in quarters if edge is not None})
    for low, high in zip([None, *edges], [*edges, None], strict=True) if edges else ():
        inside = column.is_not_null()
        inside = inside if low is None else inside & (column > low)
        inside = inside if high is None else inside & (column <= high)
        yield _between(name, low, high), name, inside.fill_null(value=False).to_numpy()


def _between(name: str, low: float | None, high: float | None) -> str:
    if low is None:
        return f"“{name}” is at most {high:g}"
    return f"“{name}” is above {low:g}" if high is None else f"“{name}” is above {low:g} and at most {high:g}"


def _worse(losses: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """How many times the mean loss elsewhere, and Welch's t of the difference."""
    here, there = losses[inside], losses[~inside]
    error = math.sqrt(here.var(ddof=1) / len(here) + there.var(ddof=1) / len(there))
    ratio = float(here.mean() / there.mean()) if there.mean() > 0 else 1.0
    return ratio, float((here.mean() - there.mean()) / error) if error > 0 else 0.0


def _quantile(chance: float) -> float:
    """What a standard normal exceeds with that chance: the slices hold thirty rows and more."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(1.0 - chance)
