"""Logarithm of skewed numbers: incomes, amounts, counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col
from datasets.steps._rowcode import RowCode

if TYPE_CHECKING:
    import polars as pl


def signed_log(value: float) -> float:
    """sign(x) · ln(1 + |x|): defined for every number, and 0 stays 0."""
    return math.copysign(math.log1p(abs(value)), value)


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    import polars as pl

    numbers = [col(column).cast(pl.Float64) for column in use.columns]
    return frame.with_columns(number.abs().log1p() * number.sign() for number in numbers)


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    log = code.literal(signed_log)
    for column in use.columns:
        code.when_present(column, f"{log}(x)")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "number", column) for column in use.columns))


STEP = Step(
    name="log",
    label="Logarithm",
    help="Takes the logarithm of skewed amounts: sign(x) · ln(1 + |x|), so that 0 stays 0; values may be negative.",
    icon="math-function",
    group="Scale",
    applies_to=NUMERIC,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
