"""Figures of dates and times: as of numbers, in ISO words, and what is missing in a regular series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.profiling.gaps import series_of_days, series_of_moments
from datasets.profiling.iso import iso_day, iso_moment
from datasets.profiling.ordered import changes_in, ordered_figures
from datasets.profiling.source import Chunks

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]


def dates(chunks: Chunks, rows: int) -> tuple[dict[str, Any], None, None]:
    days, missing = _gathered(chunks, rows)
    changes = changes_in(days)
    figures = ordered_figures(days, changes, iso_day)
    return {"missing": missing, **figures, "series": series_of_days(days[changes])}, None, None


def datetimes(chunks: Chunks, rows: int) -> tuple[dict[str, Any], None, None]:
    moments, missing = _gathered(chunks, rows)
    changes = changes_in(moments)
    figures = ordered_figures(moments, changes, iso_moment)
    return {"missing": missing, **figures, "series": series_of_moments(moments[changes])}, None, None


def _gathered(chunks: Chunks, rows: int) -> tuple[Array, int]:
    """The values as whole days or microseconds since 1970, sorted, and how many are missing."""
    import numpy as np
    import polars as pl

    values = np.empty(rows, np.int64)
    at = 0
    for series in chunks():
        present = series.drop_nulls()
        present = present.cast(pl.Datetime("us")) if present.dtype.base_type() == pl.Datetime else present
        values[at : at + len(present)] = present.to_physical().cast(pl.Int64).to_numpy()
        at += len(present)
    values = values[:at]
    values.sort()
    return values, rows - at
