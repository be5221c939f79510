"""Groups of rows by a column: its categories, or bands of equal size where it is a number with many values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

MOST = 12  # groups; rarer categories become one
BANDS = 5
MISSING, OTHERS = "missing", "others"


@dataclass(frozen=True)
class Grouping:
    """How a column's values fall into groups. `edges` are the inner bounds of bands, each belonging to the band above;
    `values` the categories as text. `names` are the groups' names, in order; their places are the groups' codes.
    """

    column: str
    names: tuple[str, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @classmethod
    def fit(cls, column: str, values: Sequence[Any], *, most: int = MOST, bands: int = BANDS) -> Grouping:
        """The groups of a column's values; None is missing and a group of its own where it occurs."""
        known = [value for value in values if not _missing(value)]
        gap = (MISSING,) if len(known) < len(values) else ()
        numeric = bool(known) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
        if numeric and len(set(known)) > most:
            edges = np.unique(np.quantile(np.asarray(known, float), np.arange(1, bands) / bands))
            return cls(column, (*_bands(edges), *gap), edges=tuple(edges.tolist()))
        counts = Counter(text(value) for value in known)
        kept = sorted(counts, key=lambda value: (-counts[value], value))[: most if len(counts) <= most else most - 1]
        kept = _in_order(kept, numeric)
        rest = (OTHERS,) if len(counts) > len(kept) else ()
        return cls(column, (*kept, *rest, *gap), values=tuple(kept))

    def codes(self, values: Sequence[Any]) -> np.ndarray:
        """Each value's group, −1 for what no group was made for. Shape: (n,) int64."""
        place = {name: code for code, name in enumerate(self.names)}
        others, gap = place.get(OTHERS, -1), place.get(MISSING, -1)
        if self.edges:
            numbers = np.array([np.nan if _missing(v) or not _number(v) else float(v) for v in values])
            codes = np.searchsorted(np.asarray(self.edges), numbers, side="right")
            return np.where(np.isnan(numbers), gap, codes).astype(np.int64)
        known = {value: place[value] for value in self.values}
        found = [gap if _missing(value) else known.get(text(value), others) for value in values]
        return np.array(found, np.int64)

    def to_json(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "names": list(self.names),
            "edges": list(self.edges),
            "values": list(self.values),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Grouping:
        return cls(told["column"], tuple(told["names"]), tuple(told["edges"]), tuple(told["values"]))


def text(value: Any) -> str:
    """A value as a category's name; a float that is whole is written as the whole number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_order(values: list[str], numeric: bool) -> list[str]:
    return sorted(values, key=float if numeric else str)


def _bands(edges: np.ndarray) -> list[str]:
    told = [f"{edge:.4g}" for edge in edges]
    if not told:
        return ["all"]
    return [f"< {told[0]}", *(f"{low} – {high}" for low, high in pairwise(told)), f"≥ {told[-1]}"]
