"""A new column from an expression on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._compiled import columns_read, expression
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def reads(params: Params) -> dict[str, list[str]]:
    return columns_read(params, "expression")


def check(use: Use) -> None:
    if not use.params["expression"]:
        raise StepError("params.expression", "write how the column is computed, such as income / 12")
    if not (use.params["name"] or "").strip():
        raise StepError("params.name", "give the new column a name")
    if not expression(use, "expression").columns:
        raise StepError("params.expression", "the expression names no column")


def _name(use: Use) -> str:
    return use.new(use.params["name"].strip())


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    return frame.with_columns(expression(use, "expression").bulk().alias(_name(use)))


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    code.write(_name(use), expression(use, "expression").row(code))


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=(Made(_name(use), expression(use, "expression").type, tuple(use.read)),))


STEP = Step(
    name="derive",
    label="Derived column",
    help="Adds a column that an expression computes from the others, such as `income` / 12, if(age < 18, 1, 0) or "
    "days(ended, started). A missing value stays missing, and a division by zero becomes one.",
    icon="math-function",
    group="Columns",
    params=(
        Param("name", "text", None, "The new column's name.", optional=True, needed=True),
        Param(
            "expression",
            "expression",
            None,
            "Columns by name, in `backticks` where a name has spaces; + - * / // % **, comparisons, and, or, not; if, "
            "coalesce, isnull, min, max, abs, round, floor, log, exp, sqrt, concat, lower, upper, trim, length, "
            "contains, starts, ends, replace, oneof, text, number, date, days, year, quarter, month, day, weekday, "
            "hour.",
            optional=True,
            needed=True,
        ),
    ),
    reads=reads,
    takes_columns=False,
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
)
