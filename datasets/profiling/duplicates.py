"""Rows that repeat an earlier row in every column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.profiling.ordered import run_starts
from datasets.profiling.source import CELLS, CHUNK, batches

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]
    Mask = npt.NDArray[np.bool_]

_FIRST, _SECOND = 1, 2


def duplicate_rows(parquet: Path, names: Sequence[str]) -> int:
    """Return how many rows repeat an earlier one.

    Rows are compared by 64 bits of hash, and those that agree by 64 more: of ten million different rows, any two
    agree in both with a chance below 1e-24.
    """
    import numpy as np

    first = _hashes(parquet, names, _FIRST)
    ordered = np.sort(first)
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    if not len(suspects):
        return 0
    among = np.isin(first, suspects)
    first = first[among]
    return len(first) - _different(first, _hashes(parquet, names, _SECOND, among))


def _hashes(parquet: Path, names: Sequence[str], seed: int, among: Mask | None = None) -> Hashes:
    """A hash of each row, or of those of the mask."""
    import numpy as np

    parts: list[Hashes] = []
    at = 0
    for frame in batches(parquet, names, max(1, min(CHUNK, CELLS // len(names)))):
        rows = frame if among is None else frame.filter(among[at : at + len(frame)])
        at += len(frame)
        parts.append(rows.hash_rows(seed=seed).to_numpy())
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _different(first: Hashes, second: Hashes) -> int:
    """How many different pairs there are."""
    import numpy as np

    order = np.argsort(first)
    first, second = first[order], second[order]
    parted = np.flatnonzero((first[1:] == first[:-1]) & (second[1:] != second[:-1]))
    different = len(run_starts(first))
    for value in np.unique(first[parted]):  # rows that differ although their first hashes agree: practically none
        different += len(np.unique(second[first == value])) - 1
    return different
