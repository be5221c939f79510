"""Splitting rows by a seed: at random, and for classes in each class's own proportion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from training.engine.errors import TrainError

if TYPE_CHECKING:
    import numpy as np

PARTS = ("train", "validation", "test")
DEFAULT = {"test": 0.2, "validation": 0.2}


def check(shares: Mapping[str, float]) -> None:
    """Raises TrainError for shares that leave too little to train on or nothing to choose by."""
    for name, share in shares.items():
        if name not in DEFAULT or not isinstance(share, int | float) or not 0.0 <= share <= 0.5:
            detail = f"The split gives {share!r} to {name!r}."
            raise TrainError("bad_split", detail, "Give validation and test shares from 0 to 0.5.", f"split.{name}")
    if sum(shares.values()) > 0.8:
        raise TrainError("bad_split", "The split leaves under a fifth of the rows to train on.", "", "split")


def split(y: np.ndarray, shares: Mapping[str, float], seed: int, *, stratified: bool) -> dict[str, np.ndarray]:
    """Return the row numbers of each part, in the table's order.

    Shape: y (rows,). Stratified, each class gives its own share to each part, to the nearest row; a class of one row
    goes to training, since a class that training never saw cannot be answered.
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64(seed))
    groups = [np.flatnonzero(y == value) for value in np.unique(y)] if stratified else [np.arange(len(y))]
    parts: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for group in groups:
        for part, rows in _deal(random.permutation(group), shares).items():
            parts[part].append(rows)
    return {part: np.sort(np.concatenate(rows)) for part, rows in parts.items()}


def _deal(rows: np.ndarray, shares: Mapping[str, float]) -> dict[str, np.ndarray]:
    test = round(len(rows) * shares.get("test", 0.0))
    validation = min(round(len(rows) * shares.get("validation", 0.0)), max(0, len(rows) - test - 1))
    held = test + validation
    return {"test": rows[:test], "validation": rows[test:held], "train": rows[held:]}
