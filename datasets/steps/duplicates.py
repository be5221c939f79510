"""Remove repeated rows from the training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Learned, Params, Step, StepError, Use
from datasets.steps._columns import col, cols
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


KEEP = ("first", "last", "none", "highest", "lowest")
PLACE = "\x00place"


def check(use: Use) -> None:
    if use.params["keep"] in ("highest", "lowest"):
        if not use.params["by"]:
            raise StepError("params.by", "choose the column that says which row is the highest or newest")
        if use.params["by"] in use.columns and len(use.columns) < len(use.taken):
            raise StepError("params.by", "rows that are equal in this column cannot be told apart by it")


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    keep, keys = use.params["keep"], cols(use.columns)
    if keep not in ("highest", "lowest"):
        return frame.unique(subset=keys, keep=keep, maintain_order=True)
    # Rows without a value come last, and of equally high ones the first stays.
    placed = frame.with_row_index(PLACE).sort(
        col(use.params["by"]), col(PLACE), descending=[keep == "highest", False], nulls_last=True
    )
    return placed.unique(subset=keys, keep="first", maintain_order=True).sort(PLACE).drop(PLACE)


def training_only(_params: Params) -> bool:
    return True


STEP = Step(
    name="duplicates",
    label="Remove duplicates",
    help="Removes rows that repeat another one: exactly, or in the columns that you choose. Only training rows are "
    "removed; a prediction always answers the row that it was given.",
    icon="copy-off",
    group="Clean",
    params=(
        Param(
            "keep",
            "choice",
            "first",
            "Which row of each group of equal rows stays. none removes all of them; highest and lowest go by a column.",
            choices=KEEP,
        ),
        Param(
            "by",
            "column",
            None,
            "The column whose highest (newest) or lowest value stays.",
            types=("integer", "number", "date", "datetime"),
            optional=True,
            when=("keep", ("highest", "lowest")),
        ),
    ),
    bulk=bulk,
    check=check,
    training_only=training_only,
    whole_row=True,
)
