"""Values that a column could have instead: what a search for another answer may try.

Only what training saw: numbers and dates within their range, categories that are known. What a column is stays: whole
numbers stay whole, dates dates, and a value that must be given is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from serving.runtime.explain.background import Background
from serving.runtime.inputs import Input

GRID = 32  # values of a number that are tried
CATEGORIES = 60
UP, DOWN, ANY = "up", "down", "any"
_DAY = 86_400.0
_ZERO = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Column:
    """How one column may move. `low` and `high` bound its place on the axis: the number, or days since 1970.

    `spread` is a usual distance on that axis; None for what has no axis, where every other value is one step away.
    """

    name: str
    type: str
    values: tuple[Any, ...]
    low: float | None = None
    high: float | None = None
    spread: float | None = None

    @property
    def is_ordered(self) -> bool:
        return self.spread is not None

    def place(self, value: Any) -> float:
        """A value's place on the axis."""
        if self.type in {"integer", "number"}:
            return float(value)
        return (datetime.fromisoformat(value) - _ZERO) / timedelta(days=1)

    def value(self, place: float) -> Any:
        """The value at a place, as the column holds it; numbers with no more digits than their spread makes sensible."""
        if self.type == "integer":
            return round(place)
        if self.type == "number":
            return self._rounded(place)
        moment = _ZERO + timedelta(days=round(place) if self.type == "date" else round(place * _DAY) / _DAY)
        return moment.date().isoformat() if self.type == "date" else moment.replace(microsecond=0).isoformat()

    def _rounded(self, place: float) -> float:
        """To a thousandth of the spread's power of ten; never out of the range."""
        assert self.spread is not None and self.low is not None and self.high is not None
        digits = 3 - int(np.floor(np.log10(self.spread)))
        found = float(round(place, digits))
        return found if self.low <= found <= self.high else min(max(place, self.low), self.high)

    def distance(self, old: Any, new: Any) -> float:
        """How far a change goes, in usual distances; a category, a truth value, or a gap that is filled counts one."""
        if old == new:
            return 0.0
        if self.spread is None or old is None or new is None:
            return 1.0
        return abs(self.place(new) - self.place(old)) / self.spread


def columns_of(inputs: Sequence[Input], background: Background) -> list[Column]:
    """What of the inputs can move at all: a text that is free, or a number without a range, cannot."""
    found = (_column(column, background) for column in inputs)
    return [column for column in found if column is not None]


def _column(column: Input, background: Background) -> Column | None:
    if column.type == "boolean":
        return Column(column.name, column.type, (False, True))
    if column.type == "text":
        known = column.categories[:CATEGORIES]
        return Column(column.name, column.type, known) if len(known) > 1 else None
    if column.minimum is None or column.maximum is None or column.minimum == column.maximum:
        return None
    axis = Column(column.name, column.type, (), spread=1.0)
    low, high = axis.place(column.minimum), axis.place(column.maximum)
    spread = background.spread.get(column.name) or (high - low) / 4
    axis = Column(column.name, column.type, (), low, high, spread)
    usual = [axis.place(value) for value in background.quantiles.get(column.name, ())]
    places = np.unique(np.concatenate([usual, np.linspace(low, high, GRID - len(usual))]))
    values = dict.fromkeys(axis.value(place) for place in places.tolist() if low <= place <= high)
    return Column(column.name, column.type, tuple(values), low, high, spread)


def allowed(column: Column, current: Any, direction: str) -> list[Any]:
    """The values that the column may take instead of `current`."""
    others = [value for value in column.values if value != current]
    if direction == ANY or not column.is_ordered or current is None:
        return others
    here, sign = column.place(current), 1 if direction == UP else -1
    return [value for value in others if sign * (column.place(value) - here) > 0]
