"""Keep some columns and leave out all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Step, Use
from datasets.steps._rowcode import RowCode

if TYPE_CHECKING:
    import polars as pl


def fit(_table: pl.DataFrame, use: Use) -> Learned:
    return {"left_out": _others(use)}


def _others(use: Use) -> list[str]:
    """The other columns; the column to predict stays in any case."""
    return sorted(use.taken - {*use.columns, use.target})


def bulk(frame: pl.LazyFrame, _use: Use, learned: Learned) -> pl.LazyFrame:
    from polars import selectors

    # A preview holds only the columns that some step reads.
    return frame.drop(selectors.by_name(*learned["left_out"], require_all=False))


def row(code: RowCode, _use: Use, learned: Learned) -> None:
    for column in learned["left_out"]:
        code.drop(column)


def changes(use: Use, learned: Learned | None) -> Changes:
    return Changes(removed=tuple(_others(use) if learned is None else learned["left_out"]))


STEP = Step(
    name="choose",
    label="Keep columns",
    help="Keeps the columns that you name and leaves out all others. The column to predict always stays.",
    icon="columns-3",
    group="Columns",
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
