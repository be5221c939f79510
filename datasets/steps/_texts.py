"""Text functions that must give the same for a whole column and for one value.

Polars and Python know different releases of Unicode, so letters beyond ASCII are always Python's: a column is mapped
over its distinct values. Values of ASCII alone take polars' own, much faster, way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

WHITESPACE = " \t\n\r\v\f\u00a0\u2003\u2009\u200b\u202f\u3000\ufeff"  # spelled out: the two disagree on the rare ones


def by_distinct(source: pl.Expr, work: Callable[[pl.Series], pl.Series], type_: Any) -> pl.Expr:
    """The text column through a function of a whole series, once for each distinct value; missing stays missing."""
    import polars as pl

    def once_each(values: pl.Series) -> pl.Series:
        different: int = values.to_frame("v").select(pl.col("v").approx_n_unique()).item() if len(values) else 0
        if different > len(values) / 2:  # then finding the distinct ones costs more than it saves
            return work(values)
        distinct = values.drop_nulls().unique()
        return values.replace_strict(distinct, work(distinct), default=None, return_dtype=type_)

    return source.map_batches(once_each, return_dtype=type_)


def mapped(
    source: pl.Expr, function: Callable[[str], str | None], ascii_only: Callable[[pl.Expr], pl.Expr] | None = None
) -> pl.Expr:
    """The text column through a Python function; `ascii_only` does the same in polars for texts of ASCII alone."""
    import polars as pl

    def work(values: pl.Series) -> pl.Series:
        if ascii_only is None:
            return pl.Series([None if v is None else function(v) for v in values.to_list()], dtype=pl.String)
        frame = pl.DataFrame({"value": values})
        beyond = pl.col("value").str.len_bytes() != pl.col("value").str.len_chars()
        made = frame.select(ready=ascii_only(pl.col("value")), beyond=beyond.fill_null(False))
        ready, places = made["ready"], made["beyond"].arg_true()
        if not len(places):
            return ready
        others = pl.Series([function(value) for value in values.gather(places).to_list()], dtype=pl.String)
        return ready.scatter(places, others)

    return by_distinct(source, work, pl.String)


def text_lower(text: str) -> str:
    return text.lower()


def text_upper(text: str) -> str:
    return text.upper()


def trimmed_text(text: str) -> str:
    return text.strip(WHITESPACE)


def lower(source: pl.Expr) -> pl.Expr:
    return mapped(source, text_lower, lambda text: text.str.to_lowercase())


def upper(source: pl.Expr) -> pl.Expr:
    return mapped(source, text_upper, lambda text: text.str.to_uppercase())


def trimmed(source: pl.Expr) -> pl.Expr:
    return source.str.strip_chars(WHITESPACE)
