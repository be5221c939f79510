"""The column is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.masks._base import Mask, Params

if TYPE_CHECKING:
    import polars as pl


def _nothing(_cell: pl.Expr, _type: str, _params: Params, _key: bytes) -> pl.Expr:
    raise AssertionError("a hidden column has no values to make")


MASK = Mask(
    "hide", "Hide", "The column is not there: neither its values nor its name.",
    type_after=lambda _type: None, values=_nothing,
)  # fmt: skip
