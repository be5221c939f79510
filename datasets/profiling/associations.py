"""How the columns go together, over the whole table: numbers, categories, and one by the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datasets.profiling.grid import Grid
from datasets.profiling.pairs import CountTable, GroupMeans, PairSums, plain_matrix

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

NUMERIC = 30  # columns; the first that vary and are no identifiers
CATEGORICAL = 12  # columns of 2 to 50 categories


class Associations:
    """Pearson's and Spearman's correlation, Cramér's V and the correlation ratio. Rows come in parts.

    Ranks are those among all of a column's present values.
    """

    def __init__(self, by_column: Mapping[str, Mapping[str, Any]], grids: Mapping[str, Grid]) -> None:
        able = [name for name in grids if not by_column[name]["id_like"]]
        numbers = [name for name in able if by_column[name].get("sd")]
        categories = [name for name in able if grids[name].categories]
        self.left_out = len(numbers[NUMERIC:]) + len(categories[CATEGORICAL:])
        self.numbers, self.categories = numbers[:NUMERIC], categories[:CATEGORICAL]
        self._grids = grids
        self._scale = {name: (by_column[name]["mean"], by_column[name]["sd"]) for name in self.numbers}
        self._values, self._ranks = PairSums(len(self.numbers)), PairSums(len(self.numbers))
        sizes = {name: len(grids[name].categories) for name in self.categories}
        pairs = [(a, b) for i, a in enumerate(self.categories) for b in self.categories[:i]]
        self._tables = {(a, b): CountTable(sizes[a], sizes[b]) for a, b in pairs}
        self._groups = {(a, b): GroupMeans(sizes[a]) for a in self.categories for b in self.numbers}

    @property
    def names(self) -> list[str]:
        """The columns that take part."""
        return [*self.numbers, *self.categories]

    def add(self, frame: pl.DataFrame) -> None:
        """Count some rows."""
        values, ranks, present = self._numbers(frame)
        if self.numbers:
            self._values.add(values, present)
            self._ranks.add(ranks, present)
        codes = {name: self._grids[name].code(frame[name]) for name in self.categories}
        for (a, b), table in self._tables.items():
            table.add(codes[a], codes[b])
        places = {name: i for i, name in enumerate(self.numbers)}
        for (a, b), groups in self._groups.items():
            at = places[b]
            groups.add(codes[a], values[:, at], None if present is None else present[:, at])

    def _numbers(self, frame: pl.DataFrame) -> tuple[Array, Array, Array | None]:
        """Values at unit scale and scaled ranks, zero where missing, and what is present (None: everything)."""
        import numpy as np

        shape = (len(frame), len(self.numbers))
        values, ranks, absent = np.empty(shape, order="F"), np.empty(shape, order="F"), np.zeros(shape, bool, order="F")
        for i, name in enumerate(self.numbers):
            raw = frame[name].fill_null(0).to_numpy()
            absent[:, i] = frame[name].is_null().to_numpy() | ~np.isfinite(raw)
            mean, sd = self._scale[name]
            safe = np.where(absent[:, i], 0, raw) if absent[:, i].any() else raw
            values[:, i] = (safe - mean) / sd
            ranks[:, i] = self._grids[name].rank(safe)
        if not absent.any():
            return values, ranks, None
        values[absent] = ranks[absent] = 0.0
        return values, ranks, (~absent).astype(np.float64)

    def figures(self) -> dict[str, Any]:
        """The matrices with the names of their rows and columns."""
        return {
            "numeric": self.numbers,
            "categorical": self.categories,
            "pearson": plain_matrix(self._values.correlations()),
            "spearman": plain_matrix(self._ranks.correlations()),
            "cramers_v": plain_matrix([[self._cramer(a, b) for b in self.categories] for a in self.categories]),
            "correlation_ratio": plain_matrix(
                [[self._groups[a, b].strength() for b in self.numbers] for a in self.categories]
            ),
            "left_out": self.left_out,
        }

    def _cramer(self, a: str, b: str) -> float:
        if a == b:
            return 1.0
        return (self._tables.get((a, b)) or self._tables[b, a]).strength()
