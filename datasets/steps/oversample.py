"""More training rows of rare classes: copies, or new rows between a row and a like one (SMOTE; Chawla et al., 2002)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.schema import NUMERIC
from datasets.steps._base import Learned, Params, Step, StepError, Use
from datasets.steps._columns import cols
from plugins.params import Param

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MAX_CLASSES = 50
NEIGHBOURS = 5
COMPARED = 2_000  # rows of a class that new ones are made from


def always(_params: Params) -> bool:
    return True


def check(use: Use) -> None:
    if use.target_type not in ("", "text", "boolean", "integer"):
        raise StepError("columns", "classes are balanced; the column to predict is a number")


def fit(table: pl.DataFrame, use: Use) -> Learned:
    classes = table[str(use.target)].drop_nulls().n_unique()
    if classes > MAX_CLASSES:
        raise StepError(
            "columns", f"the column to predict has {classes:,} values; at most {MAX_CLASSES} can be balanced"
        )
    return {"target": use.target}


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import numpy as np
    import polars as pl

    table = frame.collect()
    random = np.random.default_rng(use.params["seed"])
    target = table[learned["target"]]
    counts = target.drop_nulls().rename("value").value_counts(name="count").sort("value")
    wanted = int((counts["count"].max() or 0) * use.params["ratio"])
    added = [
        _more(table, (target == value).fill_null(False).arg_true().to_numpy(), wanted - count, use, random)
        for value, count in counts.iter_rows()
        if 0 < count < wanted
    ]
    return pl.concat([table, *added]).lazy()


def _more(table: pl.DataFrame, places: np.ndarray, count: int, use: Use, random: np.random.Generator) -> pl.DataFrame:
    """New rows of one class: copies of random ones, whose numbers are moved towards those of a like row."""
    if use.params["method"] == "copy" or len(places) < 2 or not use.columns:
        return table[random.choice(places, count)]
    pool = random.choice(places, min(COMPARED, len(places)), replace=False)
    like = _like(table[pool], list(use.columns))
    chosen = random.integers(len(pool), size=count)
    other = like[chosen, random.integers(like.shape[1], size=count)]
    shift = random.uniform(size=count)
    rows = table[pool[chosen]]
    moved: list[Any] = [
        _moved(rows[name], table[name][pool[other]], shift, type_) for name, type_ in use.columns.items()
    ]
    return rows.with_columns(moved)


def _like(rows: pl.DataFrame, names: list[str]) -> np.ndarray:
    """For each of the rows the places of its nearest others, on columns of the same spread."""
    import numpy as np
    import polars as pl

    x = rows.select(cols(names)).select(pl.all().cast(pl.Float64)).to_numpy()
    with np.errstate(invalid="ignore", over="ignore"):
        x = np.where(np.isfinite(x), x, np.nan)
        x = x - np.nan_to_num(np.nanmin(x, axis=0, initial=np.inf), posinf=0.0)
        width = np.nanmax(x, axis=0, initial=0.0)
        x = np.nan_to_num(x / np.where(width > 0, width, 1.0))
    squares = (x * x).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * (x @ x.T)
    np.fill_diagonal(distances, np.inf)
    made: np.ndarray = np.argsort(distances, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(x) - 1)]
    return made


def _moved(start: pl.Series, end: pl.Series, shift: np.ndarray, type_: str) -> pl.Series:
    import polars as pl

    a, b = start.cast(pl.Float64), end.cast(pl.Float64)
    moved = (a + (b - a) * pl.Series(shift)).fill_nan(None)
    filled = moved.zip_with(moved.is_not_null(), a)
    return (filled.round() if type_ == "integer" else filled).cast(start.dtype).alias(start.name)


STEP = Step(
    name="oversample",
    label="More rows of rare classes",
    help="Adds training rows of rare classes until each has a share of the largest: copies, or new rows between two "
    "like ones. Rows to be tested or predicted are never added to.",
    icon="copy-plus",
    group="Augment",
    applies_to=NUMERIC,
    params=(
        Param(
            "method",
            "choice",
            "between",
            "between moves the numbers of a copied row towards a like one (SMOTE); copy repeats rows.",
            choices=("between", "copy"),
        ),
        Param("ratio", "float", 1.0, "How many rows each class gets, as a share of the largest.", low=0.05, high=1),
        Param("seed", "int", 0, "Another number draws other rows.", low=0, high=2**31 - 1),
    ),
    check=check,
    fit=fit,
    bulk=bulk,
    needs_target=always,
    training_only=always,
)
