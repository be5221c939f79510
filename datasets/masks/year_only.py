"""The year of a date, as a whole number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.masks._base import Mask, Params

if TYPE_CHECKING:
    import polars as pl


def _year(cell: pl.Expr, _type: str, _params: Params, _key: bytes) -> pl.Expr:
    import polars as pl

    return cell.dt.year().cast(pl.Int64)


MASK = Mask(
    "year-only", "Year only", "The year of a date, as a whole number; neither day nor month.",
    type_after=lambda _type: "integer", values=_year, applies_to=("date", "datetime"),
)  # fmt: skip
