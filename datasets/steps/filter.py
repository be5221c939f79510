"""Keep, or leave out, the training rows that a condition holds for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Learned, Params, Step, StepError, Use
from datasets.steps._compiled import columns_read, expression
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def reads(params: Params) -> dict[str, list[str]]:
    return columns_read(params, "condition")


def check(use: Use) -> None:
    if not use.params["condition"]:
        raise StepError("params.condition", "write the condition, such as age >= 18")
    condition = expression(use, "condition")
    if condition.type != "boolean":
        raise StepError("params.condition", f"this is {condition.type}; write something that is true or false")
    if not condition.columns:
        raise StepError("params.condition", "the condition names no column")


def bulk(frame: pl.LazyFrame, use: Use, _learned: Learned) -> pl.LazyFrame:
    holds = expression(use, "condition").bulk().fill_null(False)
    return frame.filter(holds if use.params["rows"] == "keep" else ~holds)


def training_only(_params: Params) -> bool:
    return True


STEP = Step(
    name="filter",
    label="Filter rows",
    help="Keeps, or leaves out, the rows that a condition holds for. Only training rows are removed; a prediction "
    "answers every row that it is given. Where the condition is missing, it does not hold.",
    icon="filter",
    group="Rows",
    params=(
        Param("condition", "expression", None, "Such as age >= 18 and country = 'FR'.", optional=True, needed=True),
        Param("rows", "choice", "keep", "What happens to the rows that it holds for.", choices=("keep", "leave_out")),
    ),
    reads=reads,
    takes_columns=False,
    bulk=bulk,
    check=check,
    training_only=training_only,
)
