"""Parts of dates and times as numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._moments import PARTS as READ_PARTS
from datasets.steps._moments import moment
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

EPOCH = date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400
PARTS = {
    "year": "The year.",
    "quarter": "The quarter, 1 to 4.",
    "month": "The month, 1 to 12.",
    "day": "The day of the month.",
    "weekday": "The day of the week: Monday is 1, Sunday is 7.",
    "weekend": "1 on Saturday and Sunday, else 0.",
    "hour": "The hour, 0 to 23; 0 for dates without a time.",
    "elapsed": "Days since 1 January 1970, with the time as a fraction: lets a model see a trend.",
}


def elapsed(value: datetime) -> float:
    """Days since 1970, with the time as a fraction."""
    seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return value.toordinal() - EPOCH + seconds / DAY_SECONDS


READ: dict[str, Callable[[datetime], float]] = {
    **READ_PARTS,
    "weekend": lambda value: int(value.isoweekday() > 5),
    "elapsed": elapsed,
}


def chosen(params: Params) -> list[str]:
    return [part for part in PARTS if params[part]]


def check(use: Use) -> None:
    if not chosen(use.params):
        raise StepError("params", "choose at least one of " + ", ".join(PARTS))


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    parts = [_part(use, column, part) for column in use.columns for part in chosen(use.params)]
    made = frame.with_columns(parts)
    return made if use.params["keep"] else made.drop(cols(use.columns))


def _part(use: Use, column: str, part: str) -> pl.Expr:
    import polars as pl

    time = col(column).cast(pl.Datetime("us"))
    if part == "elapsed":
        return (time.dt.epoch("us") / (DAY_SECONDS * 1e6)).alias(_name(use, column, part))
    number = time.dt.weekday() > 5 if part == "weekend" else getattr(time.dt, part)()
    named: pl.Expr = number.cast(pl.Int64).alias(_name(use, column, part))
    return named


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    to_moment = code.literal(moment)
    for column in use.columns:
        value = code.read(column)
        local = code.temporary(f"None if {value} is None else {to_moment}({value})")
        for part in chosen(use.params):
            code.write(_name(use, column, part), f"None if {local} is None else {code.literal(READ[part])}({local})")
        if not use.params["keep"]:
            code.drop(column)


def changes(use: Use, _learned: Learned | None) -> Changes:
    made = tuple(
        Made(_name(use, column, part), "number" if part == "elapsed" else "integer", column)
        for column in use.columns
        for part in chosen(use.params)
    )
    return Changes(made=made, removed=() if use.params["keep"] else tuple(use.columns))


def _name(use: Use, column: str, part: str) -> str:
    return use.new(f"{column}_{part}")


STEP = Step(
    name="dates",
    label="Parts of dates",
    help="Turns dates and times into numbers that a model can use: year, month, weekday, days since 1970.",
    icon="calendar-stats",
    group="Dates",
    applies_to=("date", "datetime"),
    params=(
        *(Param(part, "bool", part in ("year", "month", "weekday"), text) for part, text in PARTS.items()),
        Param("keep", "bool", False, "Keeps the date itself beside its parts."),
    ),
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
)
