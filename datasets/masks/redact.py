"""The same text in every row, also where the value is missing: a gap would say something too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.masks._base import Mask, Params

if TYPE_CHECKING:
    import polars as pl

SHOWN = "•••"


def _constant(_cell: pl.Expr, _type: str, _params: Params, _key: bytes) -> pl.Expr:
    import polars as pl

    return pl.lit(SHOWN, pl.String)


MASK = Mask(
    "redact", "Redact", "The same text in every row: readers see that the column exists and nothing of it.",
    type_after=lambda _type: "text", values=_constant,
)  # fmt: skip
