"""Unusual rows by an isolation forest: each value may be ordinary while their combination is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Params, Step, Use
from datasets.steps._columns import col, cols
from datasets.steps._forest import LARGEST, grow, path_length, score, scores
from datasets.steps._numbers import quantile, values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

SCORED = 20_000  # training rows, evenly taken, that the bound is set from


def training_only(params: Params) -> bool:
    return bool(params["action"] == "remove")


def fit(table: pl.DataFrame, use: Use) -> Learned:
    import numpy as np

    known = [values(table[name]) for name in use.columns]
    medians = [quantile(each, 0.5) if len(each) else 0.0 for each in known]
    x = _filled(table, list(use.columns), medians)
    if len(x) < 2:
        return {"medians": medians, "trees": [], "usual": 1.0, "bound": 1.0}
    trees = grow(x, use.params["trees"], use.params["sample"], use.params["seed"])
    usual = path_length(min(use.params["sample"], len(x))) or 1.0
    some = x[np.linspace(0, len(x) - 1, min(SCORED, len(x))).astype(np.int64)]
    bound = float(np.quantile(scores(some, trees, usual), 1 - use.params["share"]))
    return {"medians": medians, "trees": trees, "usual": usual, "bound": bound}


def _filled(table: pl.DataFrame, names: list[str], medians: list[float]) -> np.ndarray:
    import polars as pl

    numbers = [col(n).cast(pl.Float64).fill_null(m).fill_nan(m) for n, m in zip(names, medians, strict=True)]
    return table.select(number.clip(-LARGEST, LARGEST).alias(str(i)) for i, number in enumerate(numbers)).to_numpy()


def _unusual(use: Use, learned: Learned) -> pl.Expr:
    import polars as pl

    inner = [f"f{i}" for i in range(len(use.columns))]

    def work(gathered: pl.Series) -> pl.Series:
        if not learned["trees"]:
            return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(gathered))
        x = _filled(gathered.struct.unnest(), inner, learned["medians"])
        return pl.Series(scores(x, learned["trees"], learned["usual"]) > learned["bound"])

    gathered = pl.struct(col(name).alias(f) for name, f in zip(use.columns, inner, strict=True))
    return gathered.map_batches(work, return_dtype=pl.Boolean)


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    if training_only(use.params):
        mark = "\x00unusual"
        return frame.with_columns(_unusual(use, learned).alias(mark)).filter(~pl.col(mark)).drop(cols([mark]))
    return frame.with_columns(_unusual(use, learned).cast(pl.Int64).alias(_mark(use)))


def marker(learned: Learned) -> Callable[..., int]:
    """The function for one row."""
    trees, usual, bound, medians = (learned[name] for name in ("trees", "usual", "bound", "medians"))

    def mark(*given: Any) -> int:
        if not trees:
            return 0
        row = [m if v is None else float(v) for v, m in zip(given, medians, strict=True)]
        return int(score(row, trees, usual) > bound)

    return mark


def row(code: RowCode, use: Use, learned: Learned) -> None:
    code.write(_mark(use), f"{code.literal(marker(learned))}({', '.join(code.read(name) for name in use.columns)})")


def changes(use: Use, _learned: Learned | None) -> Changes:
    if training_only(use.params):
        return Changes()
    return Changes(made=(Made(_mark(use), "integer", tuple(use.columns), flag=True),))


def _mark(use: Use) -> str:
    return use.new("unusual")


STEP = Step(
    name="isolation",
    label="Unusual rows",
    help="Finds rows whose values are unusual together, with an isolation forest, and marks them or removes them from "
    "training. A missing value counts as the median.",
    icon="trees",
    group="Clean",
    applies_to=NUMERIC,
    params=(
        Param(
            "action",
            "choice",
            "mark",
            "mark adds a column of 0 and 1, remove leaves the row out of training.",
            choices=("mark", "remove"),
        ),
        Param("share", "float", 0.01, "The share of the training rows that counts as unusual.", low=0.0001, high=0.5),
        Param("trees", "int", 50, "How many trees vote; more are steadier and slower.", low=5, high=200),
        Param("sample", "int", 128, "How many training rows each tree sees.", low=8, high=1024),
        Param("seed", "int", 0, "Another number grows other trees.", low=0, high=2**31 - 1),
    ),
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    training_only=training_only,
    weight=150,
)
