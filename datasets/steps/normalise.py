"""Bring numeric columns to a common scale: (value - centre) / scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col
from datasets.steps._numbers import finite, quantile, values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def fit(table: pl.DataFrame, use: Use) -> Learned:
    return {"scales": {column: _scale(values(table[column]), use.params["method"]) for column in use.columns}}


def _scale(known: pl.Series, method: str) -> list[float]:
    """Centre and scale. The scale is 1 where the values do not spread; a column without values gives 0 and 1."""
    if known.is_empty():
        return [0.0, 1.0]
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    if low == high:
        return [low, 1.0]
    centre, spread = {"zscore": _zscore, "minmax": _minmax, "robust": _robust}[method](known)
    return [finite(centre, 0.0), finite(spread, 1.0) or 1.0]


def _zscore(known: pl.Series) -> tuple[float, float]:
    return known.mean(), known.std(ddof=0)  # type: ignore[return-value]


def _minmax(known: pl.Series) -> tuple[float, float]:
    low, high = known.min(), known.max()
    return low, high - low  # type: ignore[operator,return-value]


def _robust(known: pl.Series) -> tuple[float, float]:
    return quantile(known, 0.5), quantile(known, 0.75) - quantile(known, 0.25)


def bulk(frame: pl.LazyFrame, _use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    return frame.with_columns(
        (col(column).cast(pl.Float64) - centre) / scale for column, (centre, scale) in learned["scales"].items()
    )


def row(code: RowCode, _use: Use, learned: Learned) -> None:
    for column, (centre, scale) in learned["scales"].items():
        code.when_present(column, f"(x - {code.literal(centre)}) / {code.literal(scale)}")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "number", column) for column in use.columns))


STEP = Step(
    name="normalise",
    label="Normalise",
    help="Brings numeric columns to a common scale, which models that learn by gradient descent need.",
    icon="ruler-measure",
    group="Scale",
    applies_to=NUMERIC,
    params=(
        Param(
            "method",
            "choice",
            "zscore",
            "zscore: mean 0 and standard deviation 1. minmax: from 0 to 1. robust: median 0 and middle half 1 wide.",
            choices=("zscore", "minmax", "robust"),
        ),
    ),
    bulk=bulk,
    fit=fit,
    row=row,
    changes=changes,
)
