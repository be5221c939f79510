"""Numbers that several steps learn in the same way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def values(column: pl.Series) -> pl.Series:
    """The column's finite, present values as floats."""
    import polars as pl

    known = column.cast(pl.Float64).drop_nulls()
    return known.filter(known.is_finite())


def finite(value: float | None, fallback: float) -> float:
    """The value, or the fallback where there is none or it overflowed: what is learned must be JSON."""
    return float(value) if value is not None and math.isfinite(value) else fallback


def quantile(column: pl.Series, share: float) -> float:
    """The quantile with linear interpolation, numpy's and scikit-learn's default."""
    return float(column.quantile(share, "linear"))  # type: ignore[arg-type]
