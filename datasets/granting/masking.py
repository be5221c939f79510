"""A table as a grant gives it: rows that fit, columns that are given, masks in place of values. Plain Python.

What a reader gets is written to a file of its own by `materialise`; nothing that they can reach refers to the table
that it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.masks._base import MASKS, MaskError
from datasets.rows import BadQuery, conditions
from datasets.schema import Column, Schema
from datasets.steps._columns import col
from departments.projection import Mask, Projection
from plugins.params import ParamError, validate_params

if TYPE_CHECKING:
    import polars as pl

ROW_GROUP = 131_072


class UnfitTerms(ValueError):
    """Terms that do not fit a table. `field` is columns[i], masks.column or rows[i], with what follows within it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def check_terms(
    schema: Schema, columns: list[str] | None, masks: Mapping[str, Mapping[str, Any]], rows: list[str]
) -> None:
    """Raise UnfitTerms for the first column, mask or condition that this table cannot be given by."""
    for place, name in enumerate(columns or ()):
        if name not in schema:
            raise UnfitTerms(f"columns[{place}]", f"there is no column {name[:60]!r}")
    for name, given in masks.items():
        if name not in schema or (columns is not None and name not in columns):
            raise UnfitTerms(f"masks.{name[:60]}", "there is no such column among those that are given")
        _check_mask(schema[name], given)
    for place, condition in enumerate(rows):
        try:
            conditions(schema, [condition])
        except BadQuery as error:
            raise UnfitTerms(f"rows[{place}]", error.message) from None
    named = schema.names if columns is None else columns
    if all(masks.get(name, {}).get("kind") == "hide" for name in named):
        raise UnfitTerms("columns", "at least one column must be left to see")


def _check_mask(column: Column, given: Mapping[str, Any]) -> None:
    where, kind = f"masks.{column.name[:60]}", str(given.get("kind"))
    if kind not in MASKS or set(given) - {"kind", "params"}:
        raise UnfitTerms(f"{where}.kind", f"expected kind, one of {', '.join(MASKS.names())}, and params")
    mask = MASKS[kind]
    if column.type not in mask.applies_to:
        raise UnfitTerms(f"{where}.kind", f"{kind} is for columns of type {', '.join(mask.applies_to)}")
    try:
        mask.check(column.type, validate_params(mask.params, given.get("params") or {}))
    except (ParamError, MaskError) as error:
        raise UnfitTerms(f"{where}.params.{error.field}", error.message) from None


def schema_under(schema: Schema, projection: Projection | None) -> Schema:
    """The columns that a reader gets, with their types under the masks."""
    if projection is None:
        return schema
    return Schema.of((column.name, type_) for column, type_, _mask in _given(schema, projection))


def _given(schema: Schema, projection: Projection) -> list[tuple[Column, str, Mask | None]]:
    """Each column that is given, with its type and its mask. A mask that does not fit a column's type hides it:
    a later version may hold something else under the name.
    """
    masks = {mask.column: mask for mask in projection.masks}
    found = []
    for column in schema:
        mask = masks.get(column.name)
        type_ = column.type if mask is None else _type_under(column, mask)
        if projection.gives(column.name) and type_ is not None:
            found.append((column, type_, mask))
    return found


def _type_under(column: Column, mask: Mask) -> str | None:
    declared = MASKS[mask.kind]
    try:
        declared.check(column.type, _params(mask))
    except MaskError:
        return None
    return declared.type_after(column.type) if column.type in declared.applies_to else None


def _params(mask: Mask) -> dict[str, Any]:
    return validate_params(MASKS[mask.kind].params, dict(mask.params))


def projected(frame: pl.LazyFrame, schema: Schema, projection: Projection, key: bytes) -> pl.LazyFrame:
    """The rows that fit, under their masks. Conditions are on the owner's values, so they come first.

    Raises UnfitTerms where a condition does not fit the table any more: then nothing is given.
    """
    try:
        fits = conditions(schema, projection.rows)
    except BadQuery as error:
        raise UnfitTerms("rows", error.message) from None
    return frame.filter(fits).select(_values(*each, key) for each in _given(schema, projection))


def _values(column: Column, _type: str, mask: Mask | None, key: bytes) -> pl.Expr:
    cell = col(column.name)
    if mask is None:
        return cell
    return MASKS[mask.kind].values(cell, column.type, _params(mask), key).alias(column.name)


def materialise(source: Path, target: Path, schema: Schema, projection: Projection, key: bytes) -> int:
    """Write what the reader gets of `source` to `target`, batch by batch, and return the number of its rows."""
    frame = projected(parts.scan(source), schema, projection, key)
    frame.sink_parquet(target, compression="zstd", row_group_size=ROW_GROUP, maintain_order=True)
    return parts.row_count(target)
