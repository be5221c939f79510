"""Figures of number columns, equal to pandas'."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from datasets.profiling.grid import Grid
from datasets.profiling.ordered import changes_in, ordered_figures, plain, quantile
from datasets.profiling.samples import Sample
from datasets.profiling.source import Chunks

if TYPE_CHECKING:
    import numpy.typing as npt
    import polars as pl

    Array = npt.NDArray[Any]

LONG = 1_000_000  # whole numbers of so many digits may be telephone or card numbers
BLOCK = 1_000_000  # values whose distances from the mean are in memory at a time
REACH = 1.5  # Tukey's rule: so many interquartile ranges beyond the quartiles is far out


def numbers(chunks: Chunks, rows: int) -> tuple[dict[str, Any], Grid | None, Sample | None]:
    """Return the figures of a column of numbers, the steps in which its ranks are counted, and some long numbers."""
    values, absent = _gathered(chunks, rows)
    mean, sd = _moments(values, absent)
    ordered = values if absent is None else _present(values, absent)
    ordered.sort()
    changes = changes_in(ordered)
    figures = {
        "missing": 0 if absent is None else int(absent.sum()),
        **ordered_figures(ordered, changes, plain),
        "mean": mean,
        "sd": sd,
        "outliers": _outliers(ordered),
        **_signs(ordered),
    }
    long_numbers = ordered.dtype.kind == "i" and len(ordered) > 0 and abs(int(ordered[-1])) >= LONG
    sample = Sample.of_numbers(ordered) if long_numbers else None
    return figures, Grid.of_ranks(ordered, changes) if figures["distinct"] > 1 else None, sample


def _gathered(chunks: Chunks, rows: int) -> tuple[Array, Array | None]:
    """The column's values in their order, zeros where there is none, and a mask of these (None: none is missing).

    NaN counts as missing, as in pandas.
    """
    import numpy as np

    values: Array | None = None
    absent: Array | None = None
    at = 0
    for series in chunks():
        part, missing = _numbers(series)
        values = np.empty(rows, part.dtype) if values is None else values
        values[at : at + len(part)] = part
        if missing is not None:
            absent = np.zeros(rows, bool) if absent is None else absent
            absent[at : at + len(part)] = missing
            values[at : at + len(part)][missing] = 0
        at += len(part)
    return np.empty(0) if values is None else values, absent


def _numbers(series: pl.Series) -> tuple[Array, Array | None]:
    """A part's values, and a mask of those that are missing, if any. Polars' expressions cost a millisecond each."""
    import numpy as np
    import polars as pl

    if series.dtype.is_integer():
        if not series.null_count():
            return series.to_numpy().astype(np.int64, copy=False), None
        return series.fill_null(0).to_numpy().astype(np.int64, copy=False), series.is_null().to_numpy()
    values = (series if series.dtype == pl.Float64 else series.cast(pl.Float64)).to_numpy()
    missing = np.isnan(values)
    return values, missing if missing.any() else None


def _present(values: Array, absent: Array) -> Array:
    """The values that are not missing, moved to the front of the same memory."""
    kept = 0
    for start in range(0, len(values), BLOCK):
        part = values[start : start + BLOCK][~absent[start : start + BLOCK]]
        values[kept : kept + len(part)] = part
        kept += len(part)
    return values[:kept]


def _moments(values: Array, absent: Array | None) -> tuple[float | None, float | None]:
    """Mean and standard deviation (n − 1), summed in the order and with the zeros that pandas sums."""
    import numpy as np

    count = len(values) - (0 if absent is None else int(absent.sum()))
    if not count:
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.sum(dtype=np.float64) / count
        squares = sum(_squares(values, absent, mean, start) for start in range(0, len(values), BLOCK))
        sd = math.sqrt(squares / (count - 1)) if count > 1 else None
    return plain(mean), None if sd is None else plain(sd)


def _squares(values: Array, absent: Array | None, mean: float, start: int) -> float:
    """The sum of the squared distances from the mean in one block."""
    away = mean - values[start : start + BLOCK]
    away *= away
    if absent is not None:
        away[absent[start : start + BLOCK]] = 0.0
    return float(away.sum())


def _outliers(ordered: Array) -> dict[str, Any]:
    import numpy as np

    if not len(ordered):
        return {"count": 0, "low": None, "high": None}
    with np.errstate(over="ignore", invalid="ignore"):
        first, third = quantile(ordered, 0.25), quantile(ordered, 0.75)
        reach = REACH * (third - first)
        low, high = first - reach, third + reach
    if math.isnan(low) or math.isnan(high):
        return {"count": 0, "low": None, "high": None}
    below = int(np.searchsorted(ordered, low, side="left"))
    above = len(ordered) - int(np.searchsorted(ordered, high, side="right"))
    return {"count": below + above, "low": plain(low), "high": plain(high)}


def _signs(ordered: Array) -> dict[str, int]:
    import numpy as np

    negative, up_to_zero = (int(np.searchsorted(ordered, 0, side=side)) for side in ("left", "right"))
    infinite = 0 if ordered.dtype.kind != "f" else int(_infinite(ordered))
    return {"zeros": up_to_zero - negative, "negative": negative, "infinite": infinite}


def _infinite(ordered: Array) -> int:
    import numpy as np

    inside = np.searchsorted(ordered, np.inf, side="left") - np.searchsorted(ordered, -np.inf, side="right")
    return len(ordered) - int(inside)
