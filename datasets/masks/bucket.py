"""A range instead of the value: numbers become the lower end of their range, text its first part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.masks._base import Mask, MaskError, Params
from datasets.schema import NUMERIC
from plugins.params import Param

if TYPE_CHECKING:
    import polars as pl

PARAMS = (
    Param("width", "float", None, "Width of every range: 10 shows 20 for 20 to 29.", low=1e-9, high=1e15, optional=True),
    Param("edges", "text", "", "Or the ranges' lower ends, such as 0, 18, 65. What lies below the first becomes missing."),
    Param("characters", "int", None, "For text: how many characters from the start.", low=1, high=100, optional=True),
    Param("separator", "text", "", "For text: what ends the first part, as “-” in “north-7”."),
)  # fmt: skip
MAX_EDGES = 50


def edges_of(text: str) -> list[float]:
    """Read "0, 18, 65"; raise MaskError where that is no ascending list of numbers."""
    try:
        edges = [float(each) for each in text.replace(";", ",").split(",")]
    except ValueError:
        raise MaskError("edges", f"got {text[:60]!r}; expected numbers with commas between them") from None
    if edges != sorted(set(edges)) or len(edges) > MAX_EDGES or not all(abs(e) < 1e300 for e in edges):
        raise MaskError("edges", f"expected at most {MAX_EDGES} numbers, each larger than the one before")
    return edges


def _check(type_: str, params: Params) -> None:
    pairs = ("width", "edges") if type_ in NUMERIC else ("characters", "separator")
    given = [name for name in ("width", "edges", "characters", "separator") if params[name]]
    if len(given) != 1 or given[0] not in pairs:
        raise MaskError(pairs[0], f"give {pairs[0]} or {pairs[1]}, one of the two, for a column of type {type_}")
    if type_ == "integer" and params["width"] and params["width"] % 1:
        raise MaskError("width", f"got {params['width']:g}; expected a whole number for whole numbers")
    if params["edges"]:
        _whole_edges(type_, edges_of(params["edges"]))


def _whole_edges(type_: str, edges: list[float]) -> None:
    if type_ == "integer" and any(edge % 1 for edge in edges):
        raise MaskError("edges", "expected whole numbers for whole numbers")


def _lower_end(cell: pl.Expr, type_: str, params: Params, _key: bytes) -> pl.Expr:
    if type_ == "text":
        return _first_part(cell, params)
    return _by_edges(cell, type_, edges_of(params["edges"])) if params["edges"] else _by_width(cell, type_, params)


def _by_width(cell: pl.Expr, type_: str, params: Params) -> pl.Expr:
    if type_ == "integer":
        whole = int(params["width"])
        return (cell // whole) * whole
    # Rounded, so that 0.1 · 3 is shown as 0.3.
    width = float(params["width"])
    return ((cell / width).floor() * width).round(12)


def _by_edges(cell: pl.Expr, type_: str, edges: list[float]) -> pl.Expr:
    import polars as pl

    kind = pl.Int64 if type_ == "integer" else pl.Float64
    ladder = pl.lit(None, kind)
    for edge in edges:
        ladder = pl.when(cell >= edge).then(pl.lit(edge).cast(kind)).otherwise(ladder)
    return ladder


def _first_part(cell: pl.Expr, params: Params) -> pl.Expr:
    if params["characters"]:
        return cell.str.slice(0, params["characters"])
    return cell.str.split(params["separator"]).list.first()


MASK = Mask(
    "bucket", "Bucket", "Ranges instead of numbers (shown by their lower end), the first part instead of text.",
    type_after=lambda type_: type_, values=_lower_end, applies_to=(*NUMERIC, "text"), params=PARAMS, check=_check,
)  # fmt: skip
