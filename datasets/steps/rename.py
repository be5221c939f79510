"""Give columns other names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def check(use: Use) -> None:
    names = use.params["names"] or {}
    if not names:
        raise StepError("params.names", "give at least one column a new name")
    stays = use.taken - set(names)
    for old, new in names.items():
        if new in stays or list(names.values()).count(new) > 1:
            raise StepError("params.names", f"{old[:80]!r} cannot become {new[:80]!r}: the table has such a column")


def _gone(use: Use) -> list[str]:
    names = use.params["names"]
    return [old for old in names if old not in names.values()]


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    return frame.with_columns(col(old).alias(new) for old, new in use.params["names"].items()).drop(cols(_gone(use)))


def row(code: RowCode, use: Use, _learned: Learned) -> None:
    values = {new: code.temporary(code.read(old)) for old, new in use.params["names"].items()}
    for new, value in values.items():
        code.write(new, value)
    for old in _gone(use):
        code.drop(old)


def changes(use: Use, _learned: Learned | None) -> Changes:
    made = tuple(Made(new, use.read[old], old) for old, new in use.params["names"].items())
    return Changes(made=made, removed=tuple(_gone(use)))


STEP = Step(
    name="rename",
    label="Rename columns",
    help="Gives columns other names. The column to predict keeps its own.",
    icon="cursor-text",
    group="Columns",
    params=(
        Param(
            "names", "pairs", None, "The new name beside each column.", label="New names", optional=True, needed=True
        ),
    ),
    takes_columns=False,
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
)
