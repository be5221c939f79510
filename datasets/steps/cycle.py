"""Dates as points on a circle, so that December lies beside January."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._moments import moment
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

HOUR, DAY = 3600, 86_400
CYCLES = {
    "year": ("The time of the year.", 366.0),
    "month": ("The day of the month.", 31.0),
    "week": ("The day of the week.", 7.0),
    "day": ("The time of the day; 0 for dates without a time.", float(DAY)),
}


def chosen(params: Params) -> list[str]:
    return [cycle for cycle in CYCLES if params[cycle]]


def check(use: Use) -> None:
    if not chosen(use.params):
        raise StepError("params", "choose at least one of " + ", ".join(CYCLES))


def position(value: object, cycle: str) -> float:
    """How far the cycle has gone, from 0 to below 1."""
    time = moment(value)
    seconds = time.hour * HOUR + time.minute * 60 + time.second
    place = {
        "year": time.timetuple().tm_yday - 1,
        "month": time.day - 1,
        "week": time.isoweekday() - 1,
        "day": seconds,
    }[cycle]
    return place / CYCLES[cycle][1]


def _position(column: str, cycle: str) -> pl.Expr:
    import polars as pl

    time = col(column).cast(pl.Datetime("us")).dt
    seconds = time.hour().cast(pl.Int64) * HOUR + time.minute().cast(pl.Int64) * 60 + time.second().cast(pl.Int64)
    place = {
        "year": time.ordinal_day() - 1,
        "month": time.day() - 1,
        "week": time.weekday() - 1,
        "day": seconds,
    }[cycle]
    return place.cast(pl.Float64) / CYCLES[cycle][1]


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    made = []
    for column in use.columns:
        for cycle in chosen(use.params):
            angle = _position(column, cycle) * math.tau
            sine, cosine = _names(use, column, cycle)
            made += [angle.sin().alias(sine), angle.cos().alias(cosine)]
    turned = frame.with_columns(made)
    return turned if use.params["keep"] else turned.drop(cols(use.columns))


def point(cycle: str, value: object) -> tuple[float | None, float | None]:
    if value is None:
        return None, None
    angle = position(value, cycle) * math.tau
    return math.sin(angle), math.cos(angle)


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    to_point = code.literal(point)
    for column in use.columns:
        for cycle in chosen(use.params):
            code.write_all(_names(use, column, cycle), f"{to_point}({code.literal(cycle)}, {code.read(column)})")
        if not use.params["keep"]:
            code.drop(column)


def changes(use: Use, _learned: Learned | None) -> Changes:
    made = [Made(n, "number", c) for c in use.columns for cycle in chosen(use.params) for n in _names(use, c, cycle)]
    return Changes(made=tuple(made), removed=() if use.params["keep"] else tuple(use.columns))


def _names(use: Use, column: str, cycle: str) -> tuple[str, str]:
    return use.new(f"{column}_{cycle}_sin"), use.new(f"{column}_{cycle}_cos")


STEP = Step(
    name="cycle",
    label="Cycles of dates",
    help="Turns the time of the year, week or day into sine and cosine, so that December lies beside January.",
    icon="rotate-clockwise",
    group="Dates",
    applies_to=("date", "datetime"),
    params=(
        *(Param(cycle, "bool", cycle == "year", text) for cycle, (text, _) in CYCLES.items()),
        Param("keep", "bool", True, "Keeps the date itself beside its cycles."),
    ),
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
)
