"""Training and held-out rows that do not come from one distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.checks._columns import groups
from training.engine.data import finding

if TYPE_CHECKING:
    import numpy as np

    from training.engine.data import Source

DISTANCE = 0.1
CHANCE = 0.01  # that any column at all is found where nothing shifted
MIN_ROWS = 50


def before(source: Source) -> Iterator[dict[str, Any]]:
    """The largest difference of the cumulative shares (Kolmogorov and Smirnov) of each column, over its bins or
    categories, where it is beyond 0.1 and beyond chance: Massey's bound, corrected for the number of columns
    (Bonferroni)."""
    train, held = source.part("train"), source.held_out()
    if min(train.height, held.height) < MIN_ROWS:
        return
    level = math.sqrt(-0.5 * math.log(CHANCE / len(source.features) / 2))
    least = max(DISTANCE, level * math.sqrt((train.height + held.height) / (train.height * held.height)))
    for name in source.features:
        type_ = source.schema[name].type
        value = _distance(*groups(train[name], held[name], type_), ordered=type_ not in ("text", "boolean"))
        if value > least:
            message = f"“{name}” is distributed otherwise in the rows held back: distance {value:.2f}."
            fix = "Find out what changed between these rows; if it is time, hold back the newest rows instead."
            yield finding(
                "shift", "warning", message, [name], test="Kolmogorov–Smirnov distance", value=round(value, 6),
                threshold=round(least, 6), fix=fix,
            )  # fmt: skip


def _distance(train: np.ndarray, held: np.ndarray, count: int, *, ordered: bool) -> float:
    """Of ordered groups, the largest gap between the cumulative shares; of categories, half the summed differences."""
    import numpy as np

    # A category that only held-out rows have is no shift by itself where all are rare.
    gap = np.bincount(train, minlength=count) / len(train) - np.bincount(held, minlength=count) / len(held)
    if ordered:
        return float(np.abs(np.cumsum(gap)).max())
    frequent = np.bincount(train, minlength=count) >= 0.02 * len(train)
    return float(np.abs(gap[frequent]).sum() / 2)
