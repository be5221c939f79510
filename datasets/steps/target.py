"""Categories as the mean of the column to predict; training rows get the means of the other folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col, cols, dtype
from datasets.steps._lookup import KEY_TYPES, refuse_too_many
from datasets.steps._rowcode import RowCode
from datasets.steps._target_means import out_of_fold, smoothed
from plugins.params import Param

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MAX_CLASSES = 20


def needs_target(_params: Params) -> bool:
    return True


def check(use: Use) -> None:
    if use.target_type in ("date", "datetime"):
        raise StepError("columns", "a date that is to be predicted has no mean; encode the categories in another way")


def fit(table: pl.DataFrame, use: Use) -> Learned:
    target = str(use.target)
    classes = _classes(table[target])
    learned: Learned = {"target": target, "classes": classes, "known": {}, "means": {}, "overall": []}
    for column in use.columns:
        known = table[column].drop_nulls().unique().sort().to_list()
        refuse_too_many(len(known))
        codes = _codes(table[column], known)
        made = [smoothed(codes, y, len(known) + 1, use.params["smoothing"]) for y in _targets(table[target], classes)]
        learned["known"][column] = known
        learned["means"][column] = [means.tolist() for means, _ in made]
        learned["overall"] = [overall for _, overall in made]
    return learned


def _classes(target: pl.Series) -> list[str]:
    """The classes that get a column each; none for a number, and one, the last, where there are two."""
    import polars as pl

    if target.dtype != pl.String:
        return []
    found = target.drop_nulls().unique().sort().to_list()
    if not found:
        raise StepError("columns", "no training row has a class to learn from")
    if len(found) > MAX_CLASSES:
        raise StepError("columns", f"{len(found):,} classes are too many; at most {MAX_CLASSES}")
    return found[-1:] if len(found) == 2 else found


def _targets(target: pl.Series, classes: list[str]) -> list[np.ndarray]:
    import polars as pl

    if not classes:
        return [target.cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()]
    return [(target == each).fill_null(False).cast(pl.Float64).to_numpy() for each in classes]


def _codes(column: pl.Series, known: list[Any]) -> np.ndarray:
    """Each row's category; a missing value is a category of its own, the last."""
    import polars as pl

    if not known:
        return pl.repeat(0, len(column), dtype=pl.Int64, eager=True).to_numpy()
    places = column.replace_strict(known, range(len(known)), default=None, return_dtype=pl.Int64)
    return places.fill_null(len(known)).to_numpy()


def _names(use: Use, column: str, learned: Learned) -> list[str]:
    classes = learned["classes"]
    return [column] if not classes else [use.new(f"{column}_{each}") for each in classes]


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    made = []
    for column, known in learned["known"].items():
        for name, means, overall in zip(
            _names(use, column, learned), learned["means"][column], learned["overall"], strict=True
        ):
            number = pl.lit(overall)
            if known:
                number = col(column).replace_strict(known, means[:-1], default=overall, return_dtype=pl.Float64)
            made.append(pl.when(col(column).is_null()).then(means[-1]).otherwise(number).alias(name))
    return _without_sources(frame.with_columns(made), use, learned)


def train(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    table = frame.collect()
    made = []
    for column, known in learned["known"].items():
        codes = _codes(table[column], known)
        targets = _targets(table[learned["target"]], learned["classes"])
        for name, y in zip(_names(use, column, learned), targets, strict=True):
            values = out_of_fold(codes, y, len(known) + 1, use.params["smoothing"], use.params["folds"])
            made.append(pl.Series(name, values, dtype=dtype("number")))
    return _without_sources(table.with_columns(made).lazy(), use, learned)


def _without_sources(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    return frame.drop(cols(use.columns)) if learned["classes"] else frame


def row(code: RowCode, use: Use, learned: Learned) -> None:
    for column, known in learned["known"].items():
        means, names = learned["means"][column], _names(use, column, learned)
        table = dict(zip([*known, None], zip(*means, strict=True), strict=True))
        source = code.read(column)
        code.write_all(names, f"{code.literal(table.get)}({source}, {code.literal(tuple(learned['overall']))})")
        if learned["classes"]:
            code.drop(column)


def changes(use: Use, learned: Learned | None) -> Changes:
    if learned is None and use.target_type == "text":
        return Changes(removed=tuple(use.columns))
    made = [Made(n, "number", c) for c in use.columns for n in (_names(use, c, learned) if learned else [c])]
    return Changes(made=tuple(made), removed=tuple(use.columns) if learned and learned["classes"] else ())


STEP = Step(
    name="target",
    label="Encode by target",
    help="Replaces each category by the mean of the column to predict. Training rows get the mean of the other folds, "
    "so that no row sees its own answer; a missing value is a category of its own.",
    icon="target-arrow",
    group="Encode",
    applies_to=KEY_TYPES,
    default_types=("text",),
    params=(
        Param(
            "smoothing",
            "float",
            None,
            "As how many rows the overall mean counts. Empty finds it from the spread of each category.",
            low=0,
            high=10_000,
            optional=True,
        ),
        Param("folds", "int", 5, "In how many parts the training rows are cut.", low=2, high=20),
    ),
    needs_target=needs_target,
    check=check,
    fit=fit,
    bulk=bulk,
    train=train,
    row=row,
    changes=changes,
)
