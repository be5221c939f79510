"""The Yeo-Johnson power that makes numbers most like a bell curve, then mean 0 and standard deviation 1."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col
from datasets.steps._numbers import finite, values
from datasets.steps._rowcode import RowCode

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST = 100_000  # rows that the power is found from, evenly taken: more do not move its third digit
PLAIN = 1e-12  # so near to 0 or 2 the power is the logarithm


def fit(table: pl.DataFrame, use: Use) -> Learned:
    return {"powers": {column: _power(values(table[column])) for column in use.columns}}


def _power(known: pl.Series) -> list[float]:
    """The power, then centre and scale; the identity where the values do not spread or are out of all bounds."""
    import numpy as np
    from scipy.stats import yeojohnson_normmax

    x = known.to_numpy()
    if len(x) < 2 or x.min() == x.max() or np.abs(x).max() > 1e100:
        return [1.0, finite(float(x.mean()) if len(x) else 0.0, 0.0), 1.0]
    sample = x[:: math.ceil(len(x) / MOST)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        power = finite(float(yeojohnson_normmax(sample)), 1.0) if sample.min() < sample.max() else 1.0
        made = _transformed(x, power)
        centre, scale = finite(float(made.mean()), 0.0), finite(float(made.std()), 1.0)
    return [power, centre, scale or 1.0]


def _transformed(x: np.ndarray, power: float) -> np.ndarray:
    import numpy as np

    if power == 1.0:  # the identity, which a logarithm and its inverse would only round
        return x
    size, other = np.log1p(np.abs(x)), 2.0 - power
    with np.errstate(over="ignore", invalid="ignore"):
        above = size if abs(power) < PLAIN else np.expm1(power * size) / power
        below = -size if abs(other) < PLAIN else -np.expm1(other * size) / other
    return np.where(x >= 0, above, np.where(np.isnan(x), np.nan, below))


def bulk(frame: pl.LazyFrame, _use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    def work(column: pl.Series, learned: list[float]) -> pl.Series:
        power, centre, scale = learned
        made = (_transformed(column.to_numpy(), power) - centre) / scale
        made[abs(made) == math.inf] = math.nan
        return pl.Series(column.name, made, nan_to_null=True)

    return frame.with_columns(
        col(column).cast(pl.Float64).map_batches(partial(work, learned=each), return_dtype=pl.Float64)
        for column, each in learned["powers"].items()
    )


def transformer(power: float, centre: float, scale: float) -> Callable[[float], float | None]:
    """The function for one value; missing where the power is beyond every number."""
    other = 2.0 - power

    def transform(x: float) -> float | None:
        size = math.log1p(abs(x))
        try:
            if power == 1.0:
                made = x
            elif x >= 0:
                made = size if abs(power) < PLAIN else math.expm1(power * size) / power
            else:
                made = -size if abs(other) < PLAIN else -math.expm1(other * size) / other
        except OverflowError:
            return None
        scaled = (made - centre) / scale
        return scaled if math.isfinite(scaled) else None

    return transform


def row(code: RowCode, _use: Use, learned: Learned) -> None:
    for column, each in learned["powers"].items():
        code.when_present(column, f"{code.literal(transformer(*each))}(x)")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "number", column) for column in use.columns))


STEP = Step(
    name="power",
    label="Yeo-Johnson power",
    help="Finds the power that makes skewed numbers most like a bell curve, then brings them to mean 0 and deviation 1.",
    icon="superscript",
    group="Scale",
    applies_to=NUMERIC,
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
