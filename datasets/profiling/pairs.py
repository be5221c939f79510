"""Sums over pairs of columns, from which correlations follow, where either may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


class PairSums:
    """Pearson's correlation of every pair of columns over the rows that have both. Rows come in parts."""

    def __init__(self, columns: int) -> None:
        import numpy as np

        self._rows, self._sums, self._squares, self._products = np.zeros((4, columns, columns))

    def add(self, values: Matrix, present: Matrix | None) -> None:
        """Add rows × columns, of about unit scale, zero where missing; `present` is 1 or 0 (None: nothing is missing)."""
        squares = values * values
        if present is None:
            self._rows += len(values)
            self._sums += values.sum(axis=0)[:, None]
            self._squares += squares.sum(axis=0)[:, None]
        else:
            self._rows += present.T @ present
            self._sums += values.T @ present
            self._squares += squares.T @ present
        self._products += values.T @ values

    def correlations(self) -> Matrix:
        """The matrix, NaN where a pair does not vary together."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            spread = self._squares - self._sums**2 / self._rows
            spread[spread <= 1e-12 * self._squares] = np.nan
            together = self._products - self._sums * self._sums.T / self._rows
            return np.asarray(np.clip(together / np.sqrt(spread * spread.T), -1, 1))


class CountTable:
    """Cramér's V of two columns of categories."""

    def __init__(self, rows: int, columns: int) -> None:
        import numpy as np

        self._shape = (rows + 1, columns + 1)  # the last of each stands for missing
        self._counts = np.zeros(self._shape[0] * self._shape[1])

    def add(self, first: Codes, second: Codes) -> None:
        import numpy as np

        self._counts += np.bincount(first * self._shape[1] + second, minlength=len(self._counts))

    def strength(self) -> float:
        """0 (independent) to 1 (one tells the other); NaN where there is nothing to compare."""
        import numpy as np

        table = self._counts.reshape(self._shape)[:-1, :-1]
        table = table[table.any(axis=1)][:, table.any(axis=0)]
        if min(table.shape) < 2:
            return float("nan")
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        chi_squared = ((table - expected) ** 2 / expected).sum()
        return float(np.sqrt(min(1.0, chi_squared / (table.sum() * (min(table.shape) - 1)))))


class GroupMeans:
    """The correlation ratio of numbers by category: how much of a number's spread the category tells."""

    def __init__(self, categories: int) -> None:
        import numpy as np

        self._rows, self._sums = np.zeros((2, categories + 1))  # the last stands for missing
        self._squares = 0.0

    def add(self, codes: Codes, values: Matrix, present: Matrix | None) -> None:
        """Add one part: numbers of about unit scale, zero where missing."""
        import numpy as np

        size = len(self._sums)
        self._rows += np.bincount(codes, weights=present, minlength=size)
        self._sums += np.bincount(codes, weights=values, minlength=size)
        known = values if codes.max(initial=0) < size - 1 else values[codes < size - 1]
        self._squares += float(np.square(known).sum())

    def strength(self) -> float:
        import numpy as np

        rows, sums = self._rows[:-1], self._sums[:-1]
        if (rows > 0).sum() < 2:
            return float("nan")
        level = sums.sum() ** 2 / rows.sum()
        spread = self._squares - level
        between = (sums[rows > 0] ** 2 / rows[rows > 0]).sum() - level
        return float(np.sqrt(np.clip(between / spread, 0, 1))) if spread > 1e-12 * self._squares else float("nan")


def plain_matrix(matrix: Any) -> list[list[float | None]]:
    """As JSON: six digits, None for NaN."""
    return [[None if value != value else round(float(value), 6) for value in row] for row in matrix]  # noqa: PLR0124
