"""What a model asks for: the raw columns, described from the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from datasets.schema import Schema

if TYPE_CHECKING:
    import polars as pl

MAX_CATEGORIES = 200


def describe(frame: pl.DataFrame, schema: Schema, names: Sequence[str]) -> list[dict[str, Any]]:
    """One entry a column: name, type, whether a value must be given, and its range or categories with an example.

    A value must be given where no training row went without one. The example is the middle value of a number and the
    most frequent value of anything else.
    """
    return [_describe(frame[name], schema[name].type) for name in names]


def _describe(column: pl.Series, type_: str) -> dict[str, Any]:
    known = column.drop_nulls()
    if type_ == "number":
        known = known.drop_nans()
    entry: dict[str, Any] = {"name": column.name, "type": type_, "required": len(known) == len(column)}
    if not len(known):
        return {**entry, "example": None}
    if type_ in {"integer", "number"}:
        middle = known.sort()[len(known) // 2]
        return {**entry, "minimum": known.min(), "maximum": known.max(), "example": middle}
    if type_ in {"date", "datetime"}:
        ordered = known.sort()
        low, middle, high = (ordered[place].isoformat() for place in (0, len(known) // 2, -1))
        return {**entry, "minimum": low, "maximum": high, "example": middle}
    example = known.mode().sort()[0]
    if type_ == "text" and known.n_unique() <= MAX_CATEGORIES:
        return {**entry, "categories": known.unique().sort().to_list(), "example": example}
    return {**entry, "example": example}
