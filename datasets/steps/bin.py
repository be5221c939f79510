"""Numbers into ranges: age into bands, amounts into quantiles."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from datasets.schema import NUMERIC
from datasets.steps._base import Changes, Learned, Made, Step, StepError, Use
from datasets.steps._columns import col
from datasets.steps._numbers import quantile, values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl


def check(use: Use) -> None:
    edges = use.params["edges"] or []
    if use.params["method"] == "edges" and not edges:
        raise StepError("params.edges", "give at least one edge between two ranges")
    if edges != sorted(set(edges)):
        raise StepError("params.edges", "give the edges in rising order, each once")


def fit(table: pl.DataFrame, use: Use) -> Learned:
    return {"edges": {column: _edges(values(table[column]), use) for column in use.columns}}


def _edges(known: pl.Series, use: Use) -> list[float]:
    """The inner edges: a value equal to an edge belongs to the range above it."""
    count, method = use.params["bins"], use.params["method"]
    if method == "edges":
        return list(use.params["edges"])
    if known.is_empty():
        return []
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    if method == "quantile":
        edges = [quantile(known, i / count) for i in range(1, count)]
    else:
        width = high / count - low / count
        edges = [low + i * width for i in range(1, count)]
    return sorted({edge for edge in edges if low < edge <= high})


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    return frame.with_columns(_ranged(column, edges, use) for column, edges in learned["edges"].items())


def _ranged(column: str, edges: list[float], use: Use) -> pl.Expr:
    import polars as pl

    number = col(column).cast(pl.Float64)
    found = pl.lit(pl.Series(edges, dtype=pl.Float64)).search_sorted(number, side="right").cast(pl.Int64)
    place = pl.when(number.is_not_null()).then(found).alias(column)
    return place if use.params["output"] == "number" else place.replace_strict(*_labels(edges), return_dtype=pl.String)


def _labels(edges: list[float]) -> tuple[list[int], list[str]]:
    """Each range's place and its name, such as "10 to 20"."""
    shown = [f"{edge:.6g}" for edge in edges]
    if not shown:
        return [0], ["all"]
    middle = [f"{low} to {high}" for low, high in pairwise(shown)]
    return list(range(len(edges) + 1)), [f"under {shown[0]}", *middle, f"{shown[-1]} and more"]


def row(code: RowCode, use: Use, learned: Learned) -> None:
    for column, edges in learned["edges"].items():
        place = f"{code.literal(bisect_right)}({code.literal(edges)}, x)"
        named: Any = "" if use.params["output"] == "number" else code.literal(_labels(edges)[1])
        code.when_present(column, f"{named}[{place}]" if named else place)


def changes(use: Use, _learned: Learned | None) -> Changes:
    type_ = "integer" if use.params["output"] == "number" else "text"
    return Changes(made=tuple(Made(column, type_, column) for column in use.columns))


STEP = Step(
    name="bin",
    label="Ranges",
    help="Puts numbers into ranges: of equal width, of equally many training rows, or with edges that you give. Values "
    "beyond the first and last range belong to them.",
    icon="chart-bar",
    group="Encode",
    applies_to=NUMERIC,
    params=(
        Param(
            "method",
            "choice",
            "quantile",
            "quantile: ranges of equally many training rows. width: of equal width. edges: your own.",
            choices=("quantile", "width", "edges"),
        ),
        Param("bins", "int", 5, "How many ranges.", low=2, high=100, when=("method", ("quantile", "width"))),
        Param(
            "edges",
            "numbers",
            None,
            "Where one range ends and the next begins, such as 18, 30, 65.",
            optional=True,
            max_items=100,
            when=("method", ("edges",)),
        ),
        Param("output", "choice", "number", "The range's number, from 0, or its name.", choices=("number", "name")),
    ),
    fit=fit,
    bulk=bulk,
    row=row,
    changes=changes,
    check=check,
    names_columns=True,
)
