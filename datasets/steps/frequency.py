"""Categories as how often they occur in the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col, dtype
from datasets.steps._lookup import KEY_TYPES, refuse_too_many
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def fit(table: pl.DataFrame, use: Use) -> Learned:
    return {"counts": {column: _counts(table[column], use) for column in use.columns}}


def _counts(column: pl.Series, use: Use) -> list[list[object]]:
    counts = column.drop_nulls().rename("value").value_counts(name="count").sort("value")
    refuse_too_many(len(counts))
    found = counts["count"]
    shares = found.to_list() if use.params["output"] == "count" else (found / max(len(column), 1)).to_list()
    return [counts["value"].to_list(), shares]


def _type(use: Use) -> str:
    return "integer" if use.params["output"] == "count" else "number"


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    made = []
    for column, (known, counts) in learned["counts"].items():
        source, type_ = col(column), dtype(_type(use))
        count = source.replace_strict(known, counts, default=0, return_dtype=type_) if known else pl.lit(0, dtype=type_)
        made.append(pl.when(source.is_not_null()).then(count).alias(column))
    return frame.with_columns(made)


def row(code: RowCode, _use: Use, learned: Learned) -> None:
    for column, (known, counts) in learned["counts"].items():
        table = code.literal(dict(zip(known, counts, strict=True)).get)
        code.when_present(column, f"{table}(x, 0)")


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, _type(use), column) for column in use.columns))


STEP = Step(
    name="frequency",
    label="Encode by frequency",
    help="Replaces each category by how often the training rows have it; one that training never saw becomes 0.",
    icon="chart-histogram",
    group="Encode",
    applies_to=KEY_TYPES,
    params=(
        Param(
            "output", "choice", "share", "The share of the training rows, or their count.", choices=("share", "count")
        ),
    ),
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
