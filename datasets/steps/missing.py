"""Missing values: leave the rows out of training, or fill the gaps with something learned or given."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from datasets.schema import NUMERIC, TYPES
from datasets.steps._base import Changes, Learned, Made, Params, Step, StepError, Use
from datasets.steps._columns import col, cols
from datasets.steps._moments import stored, taken_out
from datasets.steps._numbers import finite, quantile, values
from datasets.steps._rowcode import RowCode
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

FILLS = ("mean", "median", "mode", "constant")


def types(params: Params) -> tuple[str, ...]:
    return NUMERIC if params["method"] in ("mean", "median") else TYPES


def training_only(params: Params) -> bool:
    return bool(params["method"] == "drop")


def check(use: Use) -> None:
    if use.params["method"] == "constant":
        if use.params["value"] is None:
            raise StepError("params.value", "the method constant needs the value to fill in")
        for column, type_ in use.columns.items():
            constant(use.params["value"], column, type_)


def constant(text: str, column: str, type_: str) -> Any:
    """The given text as a value of the column's type; a date stays ISO text, as it is stored."""
    parse: dict[str, Any] = {
        "integer": int,
        "number": float,
        "boolean": {"true": True, "false": False}.__getitem__,
        "date": lambda value: date.fromisoformat(value).isoformat(),
        "datetime": lambda value: datetime.fromisoformat(value).replace(tzinfo=None).isoformat(),
        "text": str,
    }
    try:
        value = parse[type_](text.lower() if type_ == "boolean" else text)
    except (ValueError, KeyError):
        raise StepError("params.value", f"{text[:80]!r} is not of the type of column {column!r} ({type_})") from None
    if type_ in NUMERIC and not abs(value) < 2**63:
        raise StepError("params.value", f"{text[:80]!r} is too large for column {column!r}")
    return value


def fit(table: pl.DataFrame, use: Use) -> Learned:
    if training_only(use.params):
        return {}
    return {"fill": {column: _fill(table[column], type_, use.params) for column, type_ in use.columns.items()}}


def _fill(column: pl.Series, type_: str, params: Params) -> Any:
    """The value for the gaps; 0 where a numeric column has no value at all, None where any other column has none."""
    method = params["method"]
    if method == "constant":
        return constant(params["value"], column.name, type_)
    if method == "mode":
        return _mode(column, type_)
    known = values(column)
    if known.is_empty():
        return 0.0
    return finite(known.mean() if method == "mean" else quantile(known, 0.5), 0.0)  # type: ignore[arg-type]


def _mode(column: pl.Series, type_: str) -> Any:
    """The most frequent value; of several equally frequent ones the smallest."""
    known = column.drop_nulls()
    if known.is_empty():
        return 0 if type_ in NUMERIC else None
    value: Any = known.mode().min()
    return finite(value, 0.0) if type_ == "number" else stored(value)


def bulk(frame: pl.LazyFrame, use: Use, learned: Learned) -> pl.LazyFrame:
    import polars as pl

    if training_only(use.params):
        return frame.drop_nulls(subset=cols(use.columns))
    made = {m.name: m.type for m in changes(use, learned).made}
    fills = []
    for column, value in learned["fill"].items():
        source = col(column)
        if use.params["indicator"]:
            fills.append(source.is_null().cast(pl.Int64).alias(_indicator(use, column)))
        if value is not None:
            fills.append(_cast(source, made[column]).fill_null(pl.lit(taken_out(value, made[column]))))
    return frame.with_columns(fills)


def _cast(source: pl.Expr, type_: str) -> pl.Expr:
    import polars as pl

    return source.cast(pl.Float64) if type_ == "number" else source


def row(code: RowCode, use: Use, learned: Learned) -> None:
    for column, value in learned.get("fill", {}).items():
        source = code.read(column)
        if use.params["indicator"]:
            code.write(_indicator(use, column), f"1 if {source} is None else 0")
        if value is not None:
            fill = code.literal(taken_out(value, use.columns[column]))
            code.write(column, f"{fill} if {source} is None else {source}")


def changes(use: Use, _learned: Learned | None) -> Changes:
    if training_only(use.params):
        return Changes()
    becomes_number = use.params["method"] in ("mean", "median")
    filled = [Made(c, "number" if becomes_number else type_, c) for c, type_ in use.columns.items()]
    marks = [Made(_indicator(use, c), "integer", c, flag=True) for c in use.columns if use.params["indicator"]]
    return Changes(made=(*filled, *marks))


def _indicator(use: Use, column: str) -> str:
    return use.new(f"{column}_missing")


STEP = Step(
    name="missing",
    label="Missing values",
    help="Leaves rows with gaps out of training, or fills the gaps: with the mean, median or most frequent value of "
    "the training rows, or with a value that you give. At prediction the gaps are filled in the same way.",
    icon="square-dashed",
    group="Fill",
    params=(
        Param(
            "method",
            "choice",
            "median",
            "drop leaves the rows out of training; the others fill the gaps. mean and median need numeric columns.",
            choices=("median", "mean", "mode", "constant", "drop"),
        ),
        Param("value", "text", None, "The value to fill in.", optional=True, when=("method", ("constant",))),
        Param(
            "indicator",
            "bool",
            False,
            "Adds a column of 0 and 1 that tells where a value was missing.",
            when=("method", FILLS),
        ),
    ),
    bulk=bulk,
    fit=fit,
    row=row,
    changes=changes,
    check=check,
    training_only=training_only,
    types=types,
)
