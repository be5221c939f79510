"""Noise on numbers of the training rows, so that a model does not learn them by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Params, Step, Use
from datasets.steps._columns import col
from datasets.steps._numbers import finite, values
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def training_only(_params: Params) -> bool:
    return True


def fit(table: pl.DataFrame, use: Use) -> Learned:
    return {"spread": {name: finite(values(table[name]).std(ddof=0), 0.0) for name in use.columns}}  # type: ignore[arg-type]


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    """The same rows and the same seed give the same noise."""
    import numpy as np
    import polars as pl

    table = frame.collect()
    random = np.random.default_rng(use.params["seed"])
    made = []
    for name, spread in learned["spread"].items():
        noise = pl.Series(random.standard_normal(table.height) * (spread * use.params["share"]))
        made.append((col(name).cast(pl.Float64) + noise).alias(name))
    return table.lazy().with_columns(made)


def changes(use: Use, _learned: Learned | None) -> Changes:
    return Changes(made=tuple(Made(column, "number", column) for column in use.columns))


STEP = Step(
    name="noise",
    label="Add noise",
    help="Adds a little random noise to numbers of the training rows only, against learning them by heart.",
    icon="wave-sine",
    group="Augment",
    applies_to=NUMERIC,
    params=(
        Param("share", "float", 0.05, "How strong, as a share of the standard deviation.", low=0.0001, high=2),
        Param("seed", "int", 0, "Another number gives other noise.", low=0, high=2**31 - 1),
    ),
    fit=fit,
    bulk=bulk,
    changes=changes,
    training_only=training_only,
    names_columns=True,
)
