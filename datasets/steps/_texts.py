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


def mapped(
    source: pl.Expr, function: Callable[[str], Any], ascii_only: Callable[[pl.Expr], pl.Expr] | None = None
) -> pl.Expr:
    """The text column through a Python function, once for each distinct value; missing stays missing."""
    import polars as pl

    def by_python(values: pl.Series) -> pl.Series:
        distinct = values.drop_nulls().unique()
        answers = pl.Series([function(value) for value in distinct.to_list()], dtype=pl.String)
        return values.replace_strict(distinct, answers, default=None, return_dtype=pl.String)

    def work(values: pl.Series) -> pl.Series:
        if ascii_only is None:
            return by_python(values)
        name = values.name or "value"
        frame = (
            values.alias(name)
            .to_frame()
            .select(
                pl.first(),
                ascii_only(pl.first()).alias("\x00ready"),
                (pl.first().str.len_bytes() != pl.first().str.len_chars()).alias("\x00beyond"),
            )
        )
        beyond = frame["\x00beyond"].fill_null(False)
        ready = frame["\x00ready"]
        if not beyond.any():
            return ready
        places = beyond.arg_true()
        return ready.clone().scatter(places, by_python(values.gather(places)))

    return source.map_batches(work, return_dtype=pl.String)


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
