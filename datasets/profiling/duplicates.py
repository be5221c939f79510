"""Rows that repeat an earlier row in every column."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from datasets.profiling.ordered import changes_in

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Hashes = npt.NDArray[np.uint64]

_FIRST, _SECOND = 1, 2


class Duplicates:
    """Counts rows that repeat an earlier one. Rows come in parts, once all and then those that may be copies.

    Rows are compared by 64 bits of hash, and those that agree by 64 more: of ten million different rows, any two
    agree in both with a chance below 1e-24.
    """

    def __init__(self, rows: int) -> None:
        import numpy as np

        self._hashes: Hashes = np.empty(rows, np.uint64)
        self._at = 0

    def add(self, frame: pl.DataFrame) -> None:
        self._hashes[self._at : self._at + len(frame)] = frame.hash_rows(seed=_FIRST).to_numpy()
        self._at += len(frame)

    def count(self, again: Callable[[], Iterable[pl.DataFrame]]) -> int:
        """The number of copies; `again` gives the rows once more."""
        import numpy as np

        ordered = self._hashes
        ordered.sort()
        suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        self._hashes = suspects
        if not len(suspects):
            return 0
        first, second = _again(again(), suspects)
        return len(first) - _different(first, second)


def _again(frames: Iterable[pl.DataFrame], suspects: Hashes) -> tuple[Hashes, Hashes]:
    """Both hashes of the rows whose first hash is a suspect, which are sorted."""
    import numpy as np

    pairs: list[tuple[Hashes, Hashes]] = []
    for frame in frames:
        first = frame.hash_rows(seed=_FIRST).to_numpy()
        hits = suspects[np.searchsorted(suspects, first).clip(max=len(suspects) - 1)] == first
        pairs.append((first[hits], frame.filter(hits).hash_rows(seed=_SECOND).to_numpy()))
    return np.concatenate([first for first, _ in pairs]), np.concatenate([second for _, second in pairs])


def _different(first: Hashes, second: Hashes) -> int:
    """How many different pairs there are."""
    import numpy as np

    order = np.argsort(first)
    first, second = first[order], second[order]
    parted = np.flatnonzero((first[1:] == first[:-1]) & (second[1:] != second[:-1]))
    different = int(changes_in(first).sum())
    for value in np.unique(first[parted]):  # rows that differ although their first hashes agree: practically none
        different += len(np.unique(second[first == value])) - 1
    return different
