"""Remove repeated rows from the training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Learned, Params, Step, Use
from datasets.steps._columns import cols
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    return frame.unique(subset=cols(use.columns), keep=use.params["keep"], maintain_order=True)


def training_only(_params: Params) -> bool:
    return True


STEP = Step(
    name="duplicates",
    label="Remove duplicates",
    help="Removes rows that repeat an earlier one: exactly, or in the columns that you choose. Only training rows are "
    "removed; a prediction always answers the row that it was given.",
    icon="copy-off",
    group="Clean",
    params=(
        Param("keep", "choice", "first", "Which row of each group of equal rows stays.", choices=("first", "last")),
    ),
    bulk=bulk,
    training_only=training_only,
    whole_row=True,
)
