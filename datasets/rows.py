"""Reading some rows of a stored table: a page of them, sorted and filtered by plain conditions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.schema import Column, Schema
from datasets.steps._columns import col, cols

if TYPE_CHECKING:
    import polars as pl

MAX_LIMIT = 1000
MAX_CONDITIONS = 10
# Longer signs first: "<=" is not "<" before "=".
_COMPARISONS = ("<=", ">=", "!=", "=", "<", ">", "~")
_ROW = "\0row"  # no column is called that: files with NUL are refused
_TRUTH = {"true": True, "false": False}


class BadQuery(ValueError):
    """A page that cannot be asked for. `field` is limit, offset, sort or where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a table, as JSON values by column, how many there are in all, and the table's columns."""

    rows: list[dict[str, Any]]
    total: int
    offset: int
    limit: int
    columns: list[dict[str, str]]


def read_page(
    parquet: Path, schema: Schema, *, offset: int = 0, limit: int = 50, sort: str = "", where: Sequence[str] = ()
) -> Page:
    """Return `limit` rows from `offset`, of those that fit every condition, ordered by `sort` ("-age" descends).

    A condition is `column sign value` with one of = != < <= > >= ~ (contains), or `column is missing|present`.
    Missing values sort last. Raises BadQuery.
    """
    import polars as pl

    if not 0 <= offset <= 2**53:
        raise BadQuery("offset", "expected a whole number of at least 0")
    if not 1 <= limit <= MAX_LIMIT:
        raise BadQuery("limit", f"expected a whole number from 1 to {MAX_LIMIT}")
    fitting = parts.scan(parquet, row_index=_ROW).filter(conditions(schema, where))
    total = int(fitting.select(pl.len()).collect().item())
    if sort:
        name = _sort_column(schema, sort)
        chosen = _sorted(parquet, fitting, name=name, descending=sort != name, offset=offset, limit=limit)
    else:
        chosen = fitting.drop(_ROW).slice(offset, limit).collect()
    return Page([jsonable(row) for row in chosen.iter_rows(named=True)], total, offset, limit, schema.to_json())


def _sort_column(schema: Schema, sort: str) -> str:
    name = sort if sort in schema else sort.removeprefix("-")
    if name not in schema:
        raise BadQuery("sort", f"there is no column {name[:60]!r}")
    return name


def _sorted(
    parquet: Path, fitting: pl.LazyFrame, *, name: str, descending: bool, offset: int, limit: int
) -> pl.DataFrame:
    """Order by one column alone, then fetch only the rows of the page."""
    import polars as pl

    ordered = fitting.select(cols((_ROW, name))).sort(
        col(name), descending=descending, nulls_last=True, maintain_order=True
    )
    page = ordered.slice(offset, limit).select(_ROW).collect()
    rows = parts.scan(parquet, row_index=_ROW).filter(pl.col(_ROW).is_in(page[_ROW].implode()))
    return page.join(rows.collect(), on=_ROW, how="left", maintain_order="left").drop(_ROW)


def conditions(schema: Schema, where: Sequence[str]) -> pl.Expr:
    """All of the conditions as one expression; see read_page. Raises BadQuery."""
    import polars as pl

    if len(where) > MAX_CONDITIONS:
        raise BadQuery("where", f"at most {MAX_CONDITIONS} conditions")
    return pl.all_horizontal([pl.lit(True), *(_condition(schema, text) for text in where)])


def _condition(schema: Schema, text: str) -> pl.Expr:
    """Parse one condition; the longest column name that begins it counts, as names may hold any sign."""
    for column in sorted(schema, key=lambda each: -len(each.name)):
        rest = text.removeprefix(column.name)
        if rest == text:
            continue
        if rest.strip() in ("is missing", "is present"):
            return col(column.name).is_null() if rest.endswith("missing") else col(column.name).is_not_null()
        rest = rest.lstrip()
        sign = next((each for each in _COMPARISONS if rest.startswith(each)), "")
        if sign:
            return _comparison(column, sign, rest.removeprefix(sign).strip())
    known = ", ".join(schema.names[:10])
    raise BadQuery(
        "where", f"got {text[:80]!r}; expected a column ({known}), one of {' '.join(_COMPARISONS)}, and a value"
    )


def _comparison(column: Column, sign: str, text: str) -> pl.Expr:
    import polars as pl

    cell = col(column.name)
    if sign == "~":
        return cell.cast(pl.String).str.contains(text, literal=True)
    value = pl.lit(_value(column, text))
    return {
        "=": cell == value, "!=": cell != value, "<": cell < value, "<=": cell <= value, ">": cell > value,
        ">=": cell >= value,
    }[sign]  # fmt: skip


def _value(column: Column, text: str) -> Any:
    readers: dict[str, Any] = {
        "integer": float, "number": float, "boolean": lambda t: _TRUTH[t.lower()], "date": date.fromisoformat,
        "datetime": datetime.fromisoformat, "text": str,
    }  # fmt: skip
    try:
        value = int(text) if column.type == "integer" and text.lstrip("+-").isdigit() else readers[column.type](text)
    except (ValueError, KeyError, OverflowError):
        raise BadQuery("where", f"{text[:60]!r} is no {column.type}, which {column.name!r} holds") from None
    if isinstance(value, float) and math.isnan(value):
        raise BadQuery("where", f"use “{column.name} is missing” to find missing values")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadQuery("where", f"{text[:60]!r} is beyond the whole numbers that {column.name!r} can hold")
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def jsonable(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its dates as ISO text."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
