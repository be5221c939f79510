"""Figures of a group beside each of its rows: the mean income of the row's region, learned from the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col
from datasets.steps._lookup import KEY_TYPES, learned_columns, looked_up, refuse_too_many, write_lookup
from datasets.steps._moments import stored
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

FIGURES = {
    "mean": "The mean of the group's values.",
    "sum": "The sum of the group's values.",
    "count": "How many values the group has.",
    "min": "The lowest value.",
    "max": "The highest value.",
    "std": "The standard deviation; missing for a single value.",
}


def chosen(params: Params) -> list[str]:
    return [figure for figure in FIGURES if params[figure]]


def check(use: Use) -> None:
    if not use.params["column"]:
        raise StepError("params.column", "choose the column whose figures are taken")
    if use.read[use.params["column"]] not in NUMERIC:
        raise StepError("params.column", "figures are taken of numbers")
    if not chosen(use.params):
        raise StepError("params", "choose at least one of " + ", ".join(FIGURES))


def _names(use: Use) -> list[str]:
    by = "_".join(use.columns)
    return [use.new(f"{use.params['column']}_{figure}_by_{by}") for figure in chosen(use.params)]


def fit(table: pl.DataFrame, use: Use) -> Learned:
    import polars as pl

    keys = [f"\x00key{i}" for i in range(len(use.columns))]
    value = col(use.params["column"]).cast(pl.Float64).alias("\x00value")
    plain = table.select(*(col(c).alias(k) for c, k in zip(use.columns, keys, strict=True)), value)
    figures = [getattr(pl.col("\x00value"), figure)().cast(pl.Float64).alias(figure) for figure in chosen(use.params)]
    # In the order of the rows: a sum must not depend on how many processors there were.
    groups = plain.drop_nulls(keys).group_by(keys, maintain_order=True).agg(figures).sort(keys)
    refuse_too_many(len(groups))
    overall = plain.select(figures).row(0) if use.params["unseen"] == "overall" else [None] * len(figures)
    return {
        "keys": learned_columns(groups, keys),
        "values": learned_columns(groups, chosen(use.params)),
        "overall": [stored(value) for value in overall],
    }


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    names, found = _names(use), "\x00found"
    values = {name: ("number", column) for name, column in zip(names, learned["values"], strict=True)}
    known = {found: ("boolean", [True] * len(learned["keys"][0])), **values}
    joined = looked_up(frame, use.columns, learned["keys"], known)
    overall = dict(zip(names, learned["overall"], strict=True))
    return joined.with_columns(
        pl.when(pl.col(found)).then(col(name)).otherwise(pl.lit(value, dtype=pl.Float64)).alias(name)
        for name, value in overall.items()
    ).drop(found)


def row(code: RowCode, use: Use, learned: Learned) -> None:
    values = {name: ("number", column) for name, column in zip(_names(use), learned["values"], strict=True)}
    write_lookup(code, list(use.columns), learned["keys"], values, learned["overall"])


def changes(use: Use, _learned: Learned | None) -> Changes:
    sources = (use.params["column"], *use.columns)
    return Changes(made=tuple(Made(name, "number", sources) for name in _names(use)))


STEP = Step(
    name="aggregate",
    label="Figures by group",
    help="Adds figures of the row's group, such as the mean income of its region. They are learned from the training "
    "rows; a group that training never saw gets those of all rows, or missing values.",
    icon="sum",
    group="Combine",
    applies_to=KEY_TYPES,
    params=(
        Param(
            "column", "column", None, "The column whose figures are taken.", types=NUMERIC, optional=True, needed=True
        ),
        *(Param(figure, "bool", figure == "mean", text) for figure, text in FIGURES.items()),
        Param("unseen", "choice", "overall", "What an unknown group gets.", choices=("overall", "missing")),
    ),
    check=check,
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    names_columns=True,
)
