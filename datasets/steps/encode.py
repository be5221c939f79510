"""Turn categories into numbers: a column of 0 and 1 for each, or one column of codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datasets.steps._base import Changes, Learned, Made, Step, Use
from datasets.steps._columns import col, cols
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def fit(table: pl.DataFrame, use: Use) -> Learned:
    kept = {column: _categories(table[column].drop_nulls(), use) for column in use.columns}
    return {
        "categories": {column: categories for column, (categories, _) in kept.items()},
        # A bucket that no training row fell into would be a column, or code, that the model never learned from.
        "other": {column: rare and use.params["unseen"] == "other" for column, (_, rare) in kept.items()},
    }


def _categories(known: pl.Series, use: Use) -> tuple[list[Any], bool]:
    """The frequent categories in order, and whether rarer ones were left to the bucket for the rest."""
    counts = known.rename("value").value_counts(name="count")
    frequent = counts.filter(counts["count"] >= use.params["rare"] * len(known))
    frequent = frequent.sort(["count", "value"], descending=[True, False]).head(use.params["max_categories"])
    return frequent["value"].sort().to_list(), len(frequent) < len(counts)


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    columns = []
    for column, categories in learned["categories"].items():
        code = _code(column, use.columns[column], categories, learned["other"][column])
        columns += [code] if use.params["method"] == "ordinal" else _flags(code, use, column, learned)
    encoded = frame.with_columns(columns)
    return encoded if use.params["method"] == "ordinal" else encoded.drop(cols(use.columns))


def _code(column: str, type_: str, categories: list[Any], other: bool) -> pl.Expr:
    """The category's position; the bucket for the rest comes after the last; missing stays missing."""
    import polars as pl

    source = col(column)
    if not categories:
        code = pl.lit(None, dtype=pl.Int64)
    elif type_ == "text":
        code = source.cast(pl.Enum(categories), strict=False).to_physical().cast(pl.Int64)
    else:
        code = source.replace_strict(categories, range(len(categories)), default=None, return_dtype=pl.Int64)
    rest = pl.when(source.is_not_null()).then(pl.lit(len(categories), dtype=pl.Int64)) if other else None
    return (code if rest is None else pl.coalesce(code, rest)).alias(column)


def _flags(code: pl.Expr, use: Use, column: str, learned: Learned) -> list[pl.Expr]:
    import polars as pl

    names = flag_names(use, column, learned["categories"][column], learned["other"][column])
    return [code.eq_missing(position).cast(pl.UInt8).alias(name) for position, name in enumerate(names)]


def row(code: RowCode, use: Use, learned: Learned) -> None:
    for column, categories in learned["categories"].items():
        other = learned["other"][column]
        positions = {category: position for position, category in enumerate(categories)}
        if use.params["method"] == "ordinal":
            table = code.literal(positions.get)
            rest = code.literal(len(categories) if other else None)
            code.when_present(column, f"{table}(x, {rest})")
        else:
            _row_flags(code, use, column, positions, other)


def _row_flags(code: RowCode, use: Use, column: str, positions: dict[Any, int], other: bool) -> None:
    """One look-up gives the whole row of flags."""
    names = flag_names(use, column, list(positions), other)
    rows = [tuple(int(i == position) for i in range(len(names))) for position in range(len(names) + 1)]
    none, rest = rows[-1], rows[len(positions)]
    table = code.literal({category: rows[position] for category, position in positions.items()}.get)
    value, zeros = code.read(column), code.literal(none)
    code.write_all(names, f"{zeros} if {value} is None else {table}({value}, {code.literal(rest)})")
    code.drop(column)


def flag_names(use: Use, column: str, categories: list[Any], other: bool) -> list[str]:
    """Names such as `city=Paris`; the bucket's name avoids a category that is itself called other."""
    names = [use.new(f"{column}={_text(category)}") for category in categories]
    bucket = f"{column}=other"
    while bucket in names or bucket in use.taken:
        bucket += "_"
    return [*names, bucket] if other else names


def _text(category: Any) -> str:
    return str(category).lower() if isinstance(category, bool) else str(category)


def changes(use: Use, learned: Learned | None) -> Changes:
    if use.params["method"] == "ordinal":
        return Changes(made=tuple(Made(column, "integer", column) for column in use.columns))
    if learned is None:
        return Changes(removed=tuple(use.columns))
    made = [
        Made(name, "integer", column, flag=True)
        for column, categories in learned["categories"].items()
        for name in flag_names(use, column, categories, learned["other"][column])
    ]
    return Changes(made=tuple(made), removed=tuple(use.columns))


STEP = Step(
    name="encode",
    label="Encode categories",
    help="Turns categories into numbers: one column of 0 and 1 for each category, or one column of sorted codes. "
    "Rare categories share a bucket, and a category that training never saw has a declared answer.",
    icon="binary",
    group="Encode",
    applies_to=("text", "boolean", "integer"),
    default_types=("text", "boolean"),
    params=(
        Param(
            "method",
            "choice",
            "onehot",
            "onehot: a column of 0 and 1 for each category. ordinal: one column of codes.",
            choices=("onehot", "ordinal"),
        ),
        Param(
            "rare", "float", 0.0, "Categories with a smaller share of the training rows are not kept.", low=0, high=0.5
        ),
        Param("max_categories", "int", 50, "Only so many categories are kept, the most frequent.", low=1, high=1000),
        Param(
            "unseen",
            "choice",
            "other",
            "What a category becomes that was not kept or that training never saw: the bucket “other”, if training "
            "rows fell into it, or a missing value, which is 0 in every one-hot column.",
            choices=("other", "missing"),
        ),
    ),
    bulk=bulk,
    fit=fit,
    row=row,
    changes=changes,
)
