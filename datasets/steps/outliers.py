"""Values far from the rest: remove their rows from training, pull them to the bound, or mark them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Params, Step, Use
from datasets.steps._columns import col
from datasets.steps._numbers import quantile, values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

USUAL = {"iqr": 1.5, "zscore": 3.0, "mad": 3.5}
MAD_TO_SD = 1.4826  # the median absolute deviation of a normal distribution, times this, is its standard deviation


def training_only(params: Params) -> bool:
    return bool(params["action"] == "remove")


def fit(table: pl.DataFrame, use: Use) -> Learned:
    threshold = use.params["threshold"] or USUAL[use.params["method"]]
    bounds = {column: _bounds(values(table[column]), use.params["method"], threshold) for column in use.columns}
    return {"bounds": bounds}


def _bounds(known: pl.Series, method: str, threshold: float) -> list[float] | None:
    """Lowest and highest ordinary value; None where the values do not spread, so that nothing is an outlier."""
    if known.is_empty():
        return None
    low, high, spread = {"iqr": _iqr, "zscore": _zscore, "mad": _mad}[method](known)
    low, high = low - threshold * spread, high + threshold * spread
    return [low, high] if spread > 0 and math.isfinite(low) and math.isfinite(high) else None


def _iqr(known: pl.Series) -> tuple[float, float, float]:
    low, high = quantile(known, 0.25), quantile(known, 0.75)
    return low, high, high - low


def _zscore(known: pl.Series) -> tuple[float, float, float]:
    mean, sd = known.mean(), known.std(ddof=0)
    return mean, mean, sd  # type: ignore[return-value]


def _mad(known: pl.Series) -> tuple[float, float, float]:
    middle = quantile(known, 0.5)
    return middle, middle, quantile((known - middle).abs(), 0.5) * MAD_TO_SD


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    bounds = {column: pair for column, pair in learned["bounds"].items() if pair}
    if training_only(use.params):
        kept = [~_outside(col(c), pair).fill_null(False) for c, pair in bounds.items()]
        return frame.filter(kept) if kept else frame
    if use.params["action"] == "mark":
        return frame.with_columns(
            _outside(col(c), pair).fill_null(False).cast(pl.Int64).alias(_mark(use, c))
            if pair
            else pl.lit(0).alias(_mark(use, c))
            for c, pair in learned["bounds"].items()
        )
    return frame.with_columns(
        col(c).cast(pl.Float64).clip(*pair) if pair else col(c).cast(pl.Float64)
        for c, pair in learned["bounds"].items()
    )


def _outside(source: pl.Expr, pair: list[float]) -> pl.Expr:
    import polars as pl

    number = source.cast(pl.Float64)
    return (number < pair[0]) | (number > pair[1])


def row(code: RowCode, use: Use, learned: Learned) -> None:
    action = use.params["action"]
    for column, pair in learned["bounds"].items():
        if action == "mark":
            code.write(_mark(use, column), _is_outside(code, column, pair))
        elif action == "clip" and pair:
            low, high = map(code.literal, pair)
            code.when_present(column, f"{low} if x < {low} else {high} if x > {high} else x")


def _is_outside(code: RowCode, column: str, pair: list[float] | None) -> str:
    if not pair:
        return "0"
    value, low, high = code.read(column), *map(code.literal, pair)
    return f"1 if {value} is not None and ({value} < {low} or {value} > {high}) else 0"


def changes(use: Use, _learned: Learned | None) -> Changes:
    if use.params["action"] == "clip":
        return Changes(made=tuple(Made(column, "number", column) for column in use.columns))
    if use.params["action"] == "mark":
        return Changes(made=tuple(Made(_mark(use, column), "integer", column, flag=True) for column in use.columns))
    return Changes()


def _mark(use: Use, column: str) -> str:
    return use.new(f"{column}_outlier")


STEP = Step(
    name="outliers",
    label="Outliers",
    help="Finds values far from the rest and pulls them to the bound, marks them, or removes their rows from training. "
    "A column whose middle values are all equal has no outliers.",
    icon="chart-dots",
    group="Clean",
    applies_to=NUMERIC,
    params=(
        Param(
            "method",
            "choice",
            "iqr",
            "iqr: distance from the middle half. zscore: standard deviations from the mean. mad: robust standard "
            "deviations from the median.",
            choices=("iqr", "zscore", "mad"),
        ),
        Param(
            "threshold",
            "float",
            None,
            "How far a value may be. Empty takes the usual one: 1.5 for iqr, 3 for zscore, 3.5 for mad.",
            low=0.1,
            high=100,
            optional=True,
        ),
        Param(
            "action",
            "choice",
            "clip",
            "clip pulls the value to the bound, mark adds a column of 0 and 1, remove leaves the row out of training.",
            choices=("clip", "mark", "remove"),
        ),
    ),
    bulk=bulk,
    fit=fit,
    row=row,
    changes=changes,
    training_only=training_only,
)
