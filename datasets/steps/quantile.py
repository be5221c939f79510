"""Numbers by their rank among the training rows: evenly spread, or in the shape of a bell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col
from datasets.steps._numbers import values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

EDGE = 1e-7  # a bell has no ends: ranks of 0 and 1 are taken as this far from them
BELL = NormalDist()
LOW, HIGH = BELL.inv_cdf(EDGE), BELL.inv_cdf(1 - EDGE)


def fit(table: pl.DataFrame, use: Use) -> Learned:
    return {"quantiles": {column: _quantiles(values(table[column]), use) for column in use.columns}}


def _quantiles(known: pl.Series, use: Use) -> list[float]:
    """Equally spaced quantiles, at most as many as there are values; none for a column without values."""
    import numpy as np

    if known.is_empty():
        return []
    count = max(1, min(use.params["quantiles"], len(known)))
    found = np.percentile(known.to_numpy(), np.linspace(0, 1, count) * 100)
    made: list[float] = np.maximum.accumulate(found).tolist()
    return made


def _references(count: int) -> list[float]:
    import numpy as np

    made: list[float] = np.linspace(0, 1, count).tolist()
    return made


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    def ranked(quantiles: list[float]) -> Callable[[pl.Series], pl.Series]:
        def work(column: pl.Series) -> pl.Series:
            numbers = column.to_numpy()
            made = _ranks(numbers, quantiles) if quantiles else numbers * 0.0 + 0.5
            made = _bell(made) if use.params["shape"] == "normal" else made
            return pl.Series(column.name, made, nan_to_null=True)

        return work

    return frame.with_columns(
        col(column).cast(pl.Float64).map_batches(ranked(quantiles), return_dtype=pl.Float64)
        for column, quantiles in learned["quantiles"].items()
    )


def _ranks(x: np.ndarray, quantiles: list[float]) -> np.ndarray:
    """The mean of the rank from below and the rank from above, which differ where values repeat."""
    import numpy as np

    q, references = np.array(quantiles), np.array(_references(len(quantiles)))
    ranks = 0.5 * (np.interp(x, q, references) - np.interp(-x, -q[::-1], -references[::-1]))
    return np.where(np.isnan(x), np.nan, np.where(x <= q[0], 0.0, np.where(x >= q[-1], 1.0, ranks)))


def _bell(ranks: np.ndarray) -> np.ndarray:
    import numpy as np
    from scipy.special import ndtri

    made: np.ndarray = np.clip(ndtri(ranks), LOW, HIGH)
    return made


def ranker(quantiles: list[float], shape: str) -> Callable[[float], float]:
    """The function for one value."""
    up, down = quantiles, [-each for each in reversed(quantiles)]
    step = len(quantiles) - 1

    def rank(x: float) -> float:
        if not quantiles:
            place = 0.5
        elif x <= up[0]:
            place = 0.0
        elif x >= up[-1]:
            place = 1.0
        else:
            place = 0.5 * (_between(x, up, step) + 1 - _between(-x, down, step))
        if shape != "normal":
            return place
        return LOW if place <= EDGE else HIGH if place >= 1 - EDGE else BELL.inv_cdf(place)

    return rank


def _between(x: float, quantiles: list[float], steps: int) -> float:
    """Linear interpolation between the quantiles around a value that lies among them."""
    place = bisect_right(quantiles, x) - 1
    low, high = quantiles[place], quantiles[place + 1]
    return (place + (x - low) / (high - low)) / steps


def row(code: RowCode, use: Use, learned: Learned) -> None:
    for column, quantiles in learned["quantiles"].items():
        code.when_present(column, f"{code.literal(ranker(quantiles, use.params['shape']))}(x)")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "number", column) for column in use.columns))


STEP = Step(
    name="quantile",
    label="Spread by rank",
    help="Replaces numbers by their rank among the training rows, which takes the force out of every outlier.",
    icon="stairs",
    group="Scale",
    applies_to=NUMERIC,
    params=(
        Param("shape", "choice", "uniform", "Evenly from 0 to 1, or a bell curve.", choices=("uniform", "normal")),
        Param("quantiles", "int", 1000, "How finely ranks are told apart.", low=2, high=10_000),
    ),
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
