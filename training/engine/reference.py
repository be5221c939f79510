"""What the training rows looked like, in counts: the other side of every comparison with what a model is asked later.

No row is kept, and of categories only the usual ones are named. See serving/runtime/drift/reference.py for the format.
Needs numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.schema import Schema

if TYPE_CHECKING:
    import polars as pl

BINS = 50  # of a number: the distance of two distributions is then seen to two percent
MOST_LABELS = 100
# A category that fewer rows have is not named: with so few it could say who somebody is, and a test learns nothing.
FEWEST_ROWS = 5


def describe(frame: pl.DataFrame, schema: Schema, names: Sequence[str]) -> dict[str, Any]:
    """{"rows", "columns"} of the training rows. Dates are left out: they move on by themselves."""
    told = {name: _describe(frame[name], schema[name].type) for name in names}
    return {"rows": frame.height, "columns": {name: each for name, each in told.items() if each is not None}}


def _describe(column: pl.Series, type_: str) -> dict[str, Any] | None:
    if type_ in {"integer", "number"}:
        return _numbers(column)
    return _categories(column) if type_ in {"text", "boolean"} else None


def _numbers(column: pl.Series) -> dict[str, Any]:
    import polars as pl

    numbers = column.cast(pl.Float64).to_numpy()
    known = numbers[np.isfinite(numbers)]
    edges = edges_of(known)
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return {"missing": len(numbers) - len(known), "edges": edges.tolist(), "counts": counts.tolist()}


def edges_of(values: np.ndarray, most: int = BINS) -> np.ndarray:
    """The edges of at most so many bins that hold equal shares of the values; a frequent value has one of its own.

    Bin i holds what is above edge i − 1 and not above edge i. The largest value is no edge: nothing lies above it.
    """
    if not len(values):
        return np.zeros(0)
    places = np.arange(1, most) * len(values) // most
    cuts = np.unique(np.partition(values, np.unique(places))[places])
    edges: np.ndarray = cuts[cuts < values.max()].astype(np.float64)
    return edges


def _categories(column: pl.Series) -> dict[str, Any]:
    known = column.drop_nulls()
    counted = sorted(zip(*known.value_counts().to_dict(as_series=False).values(), strict=True), key=_frequent_first)
    named = [(value, count) for value, count in counted if count >= FEWEST_ROWS][:MOST_LABELS]
    other = len(known) - sum(count for _value, count in named)
    return {
        "missing": column.null_count(),
        "labels": [str(value).lower() if isinstance(value, bool) else str(value) for value, _count in named],
        "counts": [count for _value, count in named],
        "other": other,
        "complete": other == 0,
    }


def _frequent_first(counted: tuple[Any, int]) -> tuple[int, str]:
    return -counted[1], str(counted[0])
