"""What a whole table holds, column by column. Counts are of every row, never of a sample, and equal pandas' exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.schema import Column, Schema

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Array = npt.NDArray[Any]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 20
TOP = 10
_ID_ROWS = 20  # below this, all values being different says nothing


def profile(parquet: Path, schema: Schema) -> dict[str, Any]:
    """Return rows, columns, duplicate_rows and by_column {name: figures} as plain JSON.

    One column is in memory at a time. Every column has type, missing, missing_share, distinct, top [{value, count}],
    constant, id_like; ordered ones min, max, quantiles and histogram {edges, counts}; numbers mean, sd and outliers
    {count, low, high} by Tukey's rule (1.5 interquartile ranges); text has length {min, mean, max}.
    """
    rows = parts.row_count(parquet)
    columns = {column.name: _column(parquet, column, rows) for column in schema}
    return {
        "rows": rows, "columns": len(schema), "duplicate_rows": duplicate_rows(parquet), "by_column": columns
    }  # fmt: skip


def _column(parquet: Path, column: Column, rows: int) -> dict[str, Any]:

    series = parts.read(parquet, [column.name]).to_series()
    missing = series.null_count()
    figures = _BY_TYPE[column.type](series)
    distinct, present = figures["distinct"], rows - missing
    unique = present >= _ID_ROWS and distinct == present and column.type in ("integer", "text")
    return {
        "type": column.type,
        "missing": missing,
        "missing_share": missing / rows if rows else 0.0,
        **figures,
        "constant": distinct <= 1,
        "id_like": unique,
    }


def _numbers(series: pl.Series) -> dict[str, Any]:
    import numpy as np

    values = series.drop_nulls().to_numpy()
    mean, sd = _moments(series)
    figures = _ordered(values, _plain)
    if not len(values):
        return {**figures, "mean": None, "sd": None, "outliers": {"count": 0, "low": None, "high": None}}
    low, high = np.quantile(values, (0.25, 0.75))
    reach = 1.5 * (high - low)
    outside = int(np.count_nonzero((values < low - reach) | (values > high + reach)))
    outliers = {"count": outside, "low": _plain(low - reach), "high": _plain(high + reach)}
    return {**figures, "mean": mean, "sd": sd, "outliers": outliers}


def _moments(series: pl.Series) -> tuple[float | None, float | None]:
    """Mean and standard deviation (n − 1), summed in the order and with the zeros that pandas sums."""
    import numpy as np

    mask = series.is_null().to_numpy()
    count = len(mask) - int(mask.sum())
    if not count:
        return None, None
    values = series.fill_null(0).to_numpy().astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.sum() / count
        squares = (mean - values) ** 2
        squares[mask] = 0.0
        sd = math.sqrt(squares.sum() / (count - 1)) if count > 1 else None
    return _plain(mean), None if sd is None else _plain(sd)


def _dates(series: pl.Series) -> dict[str, Any]:
    import polars as pl

    days = series.drop_nulls().cast(pl.Int32).cast(pl.Int64).to_numpy()
    return _ordered(days, lambda value: (date(1970, 1, 1) + timedelta(days=round(float(value)))).isoformat())


def _datetimes(series: pl.Series) -> dict[str, Any]:
    import polars as pl

    moments = series.drop_nulls().cast(pl.Int64).to_numpy()
    return _ordered(
        moments, lambda value: (datetime(1970, 1, 1) + timedelta(microseconds=round(float(value)))).isoformat()
    )


def _ordered(values: Array, show: Callable[[Any], Any]) -> dict[str, Any]:
    """Distinct and top values, range, quantiles and histogram of values that can be sorted."""
    import numpy as np

    if not len(values):
        return {"distinct": 0, "top": [], "min": None, "max": None, "quantiles": {}, "histogram": None}
    ordered = np.sort(values)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return {
        "distinct": len(starts),
        "top": _most_frequent(ordered, starts, show),
        "min": show(ordered[0]),
        "max": show(ordered[-1]),
        "quantiles": {f"{q:g}": show(v) for q, v in zip(QUANTILES, np.quantile(ordered, QUANTILES), strict=True)},
        "histogram": _histogram(ordered, show),
    }


def _most_frequent(ordered: Array, starts: npt.NDArray[np.int64], show: Callable[[Any], Any]) -> list[dict[str, Any]]:
    """The values with the longest runs; none where every value is different."""
    import numpy as np

    if len(starts) == len(ordered):
        return []
    counts = np.diff(np.concatenate((starts, [len(ordered)])))
    best = np.argsort(-counts, kind="stable")[:TOP]
    return [{"value": show(ordered[starts[i]]), "count": int(counts[i])} for i in best]


def _histogram(ordered: Array, show: Callable[[Any], Any]) -> dict[str, Any] | None:
    """Counts in at most BINS bins of equal width; whole numbers of a small range get a bin each."""
    import numpy as np

    low, high = ordered[0], ordered[-1]
    span = float(high) - float(low)
    if not math.isfinite(span):
        return None
    if np.issubdtype(ordered.dtype, np.integer) and span < BINS:
        edges: Array = np.arange(int(low), int(high) + 2)
    else:
        edges = np.linspace(float(low), float(high), BINS + 1) if span else np.array([low, high])
    inner = np.searchsorted(ordered, edges[1:-1], side="left")
    counts = np.diff(np.concatenate(([0], inner, [len(ordered)])))
    return {"edges": [show(edge) for edge in edges], "counts": [int(count) for count in counts]}


def _booleans(series: pl.Series) -> dict[str, Any]:
    counts = series.drop_nulls().value_counts(sort=True)
    top = [{"value": bool(value), "count": int(count)} for value, count in counts.iter_rows()]
    return {"distinct": len(top), "top": top}


def _texts(series: pl.Series) -> dict[str, Any]:
    present = series.drop_nulls()
    counts = present.alias("value").value_counts()
    best = counts.sort(["count", "value"], descending=[True, False]).head(TOP)
    lengths = present.str.len_chars()
    length = {"min": lengths.min(), "mean": lengths.mean(), "max": lengths.max()} if len(present) else None
    top = [{"value": value[:200], "count": int(count)} for value, count in best.iter_rows() if count > 1]
    return {"distinct": len(counts), "top": top, "length": length}


def duplicate_rows(parquet: Path) -> int:
    """Return how many rows repeat an earlier row in every column.

    Rows are compared by 128 bits of hash, a row group at a time: at ten million rows, the chance that any two
    different rows agree is below 1e-24.
    """
    import numpy as np
    import polars as pl

    hashes: list[Array] = []
    for batch in parts.batches(parquet):
        frame = pl.DataFrame(pl.from_arrow(batch))
        hashes.append(np.column_stack([frame.hash_rows(seed=seed).to_numpy() for seed in (1, 2)]))
    pairs = np.concatenate(hashes) if hashes else np.empty((0, 2), np.uint64)
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return int((ordered[1:] == ordered[:-1]).all(axis=1).sum())


def _plain(value: Any) -> int | float | None:
    """A JSON number; None where there is none."""
    number = value.item() if hasattr(value, "item") else value
    return number if math.isfinite(number) else None


_BY_TYPE: dict[str, Callable[[Any], dict[str, Any]]] = {
    "integer": _numbers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _dates,
    "datetime": _datetimes,
    "text": _texts,
}
