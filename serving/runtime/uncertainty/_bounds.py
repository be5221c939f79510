"""Bounds by group and level: for all rows, and for each group that has enough of them (Mondrian)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.groups import Grouping
from serving.runtime.uncertainty.levels import needed, place_of


@dataclass(frozen=True)
class Bounds:
    """`rows` is how many calibration rows there were in all; `tables` (1 + groups, sides, levels) holds the bounds,
    those of all rows first; `counts` (1 + groups,) the calibration rows of each."""

    counts: np.ndarray
    tables: np.ndarray
    tails: int
    grouping: Grouping | None = None

    def which(self, values: Any, rows: int, level: float) -> np.ndarray:
        """Each row's table: its group's where that has enough calibration rows, else that of all. Shape: (rows,)."""
        if self.grouping is None or values is None:
            return np.zeros(rows, np.int64)
        codes = self.grouping.codes(values) + 1
        enough = self.counts >= needed(level, self.tails)
        return np.where(enough[codes], codes, 0)

    def at(self, side: int, which: np.ndarray, level: float) -> np.ndarray:
        """One side's bounds for rows of these tables."""
        found: np.ndarray = self.tables[which, side, place_of(level)]
        return found

    @property
    def rows(self) -> int:
        return int(self.counts[0])

    def to_json(self) -> dict[str, Any]:
        """Infinite bounds become None."""
        tables = [[[v if np.isfinite(v) else None for v in side] for side in one] for one in self.tables.tolist()]
        grouping = self.grouping.to_json() if self.grouping else None
        return {"counts": self.counts.tolist(), "tables": tables, "tails": self.tails, "grouping": grouping}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Bounds:
        sides = [-np.inf, np.inf]
        tables = [
            [[sides[i] if v is None else v for v in side] for i, side in enumerate(one)] for one in told["tables"]
        ]
        grouping = Grouping.from_json(told["grouping"]) if told["grouping"] else None
        return cls(np.array(told["counts"]), np.array(tables, float), told["tails"], grouping)


def by_group(bound: Any, scores: np.ndarray, tails: int, grouping: Grouping | None, values: Any) -> Bounds:
    """The bounds of all scores and of each group's. `bound` gives (sides, levels) for the scores (m,) of some rows."""
    codes = grouping.codes(values) if grouping is not None else np.zeros(len(scores), np.int64)
    parts = [scores, *(scores[codes == code] for code in range(len(grouping.names) if grouping else 0))]
    tables = np.stack([bound(part) for part in parts])
    return Bounds(np.array([len(part) for part in parts]), tables, tails, grouping)
