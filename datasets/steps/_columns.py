"""Columns by their exact names: `pl.col` would read a column named `*` or `^a$` as a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    from polars.selectors import Selector


def col(name: str) -> pl.Expr:
    """The column of that name."""
    from polars import selectors

    return selectors.by_name(name).as_expr()


def cols(names: Iterable[str]) -> Selector:
    """The columns of those names, in that order."""
    from polars import selectors

    return selectors.by_name(*names)


def dtype(type_: str) -> Any:
    """The polars type of a column type."""
    import polars as pl

    return {
        "integer": pl.Int64,
        "number": pl.Float64,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "datetime": pl.Datetime("us"),
        "text": pl.String,
    }[type_]
