"""Leave columns out: identifiers, sensitive attributes, anything that a model must not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Step, StepError, Use
from datasets.steps._columns import cols
from datasets.steps._rowcode import RowCode

if TYPE_CHECKING:
    import polars as pl


def check(use: Use) -> None:
    if use.taken == set(use.columns):
        raise StepError("columns", "this would leave the table without a column")


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    return frame.drop(cols(use.columns))


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    for column in use.columns:
        code.drop(column)


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(removed=tuple(use.columns))


STEP = Step(
    name="drop",
    label="Drop columns",
    help="Leaves out identifiers, sensitive attributes and other columns that a model must not learn from.",
    icon="column-remove",
    group="Columns",
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
    names_columns=True,
)
