"""Columns whose values are missing in the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

COLUMNS = 60  # the first with missing values; a row's pattern is one 64-bit number
PATTERNS = 10_000
TOP = 10


class MissingTogether:
    """Counts which columns are missing in the same rows. Rows come in parts."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)[:COLUMNS]
        self._counts: Counter[int] = Counter()

    def add(self, frame: pl.DataFrame) -> None:
        import numpy as np

        if len(self.names) < 2:
            return
        pattern = np.zeros(len(frame), np.int64)
        for place, name in enumerate(self.names):
            pattern |= _absent(frame[name]).to_numpy().astype(np.int64) << place
        values, counts = np.unique(pattern, return_counts=True)
        self._counts.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        if len(self._counts) > PATTERNS:
            self._counts = Counter(dict(self._counts.most_common(PATTERNS // 2)))

    def figures(self) -> list[dict[str, Any]]:
        """Patterns of two or more columns with their rows, the most frequent first."""
        patterns = [(self._of(bits), count) for bits, count in self._counts.most_common(PATTERNS)]
        return [{"columns": names, "rows": count} for names, count in patterns if len(names) > 1][:TOP]

    def _of(self, bits: int) -> list[str]:
        return [name for place, name in enumerate(self.names) if bits >> place & 1]


def _absent(series: pl.Series) -> pl.Series:
    """NaN counts as missing, as in pandas."""
    return series.is_null() | series.is_nan().fill_null(False) if series.dtype.is_float() else series.is_null()
