"""The time from one date to another, or to a fixed day: age, time since the last visit, length of a stay."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from datasets.steps._base import Changes, Learned, Made, Step, StepError, Use
from datasets.steps._columns import col
from datasets.steps._moments import moment
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

UNITS = {"days": 86_400e6, "years": 365.2425 * 86_400e6, "hours": 3_600e6}  # in microseconds
TIMES = ("date", "datetime")


def check(use: Use) -> None:
    until, day = use.params["until"], use.params["day"]
    if bool(until) == bool(day):
        raise StepError("params.until", "choose the column of the later date, or give a fixed day")
    if until and use.read[until] not in TIMES:
        raise StepError("params.until", f"{until[:80]!r} is {use.read[until]}; choose a date")
    if day:
        try:
            moment(day)
        except ValueError:
            raise StepError("params.day", "write the day as 2024-12-31") from None


def between(start: Any, end: Any, unit: float) -> float:
    gap = moment(end) - moment(start)
    return ((gap.days * 86_400 + gap.seconds) * 10**6 + gap.microseconds) / unit


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    import polars as pl

    unit = UNITS[use.params["unit"]]
    end = (
        col(use.params["until"]).cast(pl.Datetime("us")).dt.epoch("us")
        if use.params["until"]
        else pl.lit(_microseconds(moment(use.params["day"])))
    )
    return frame.with_columns(
        ((end - col(column).cast(pl.Datetime("us")).dt.epoch("us")) / unit).alias(_name(use, column))
        for column in use.columns
    )


def _microseconds(time: datetime) -> int:
    gap = time - datetime(1970, 1, 1)
    return (gap.days * 86_400 + gap.seconds) * 10**6 + gap.microseconds


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    measure, unit = code.literal(between), code.literal(UNITS[use.params["unit"]])
    end = code.read(use.params["until"]) if use.params["until"] else code.literal(moment(use.params["day"]))
    for column in use.columns:
        start = code.read(column)
        code.write(
            _name(use, column), f"None if {start} is None or {end} is None else {measure}({start}, {end}, {unit})"
        )


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(_name(use, c), "number", (c, *use.read)) for c in use.columns))


def _name(use: Use, column: str) -> str:
    return use.new(f"{column}_to_{use.params['until'] or use.params['day']}")


STEP = Step(
    name="age",
    label="Time between dates",
    help="Adds the time from each date to another date of the row, or to a fixed day: an age, a stay, a delay.",
    icon="hourglass",
    group="Dates",
    applies_to=TIMES,
    params=(
        Param("until", "column", None, "The column of the later date.", types=TIMES, optional=True),
        Param("day", "text", None, "Or a fixed day, such as 2024-12-31.", optional=True),
        Param("unit", "choice", "days", "What is counted; a year has 365.2425 days.", choices=tuple(UNITS)),
    ),
    check=check,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
