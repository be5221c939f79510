"""A date that was written down after the outcome was known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.checks._columns import auc
from training.engine.data import finding, leave_out
from training.engine.family import REGRESSION

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from training.engine.data import Source

THRESHOLD = 0.9
MIN_ROWS = 30
DATES = ("date", "datetime")


def before(source: Source) -> Iterator[dict[str, Any]]:
    """Dates that some rows lack, where lacking one tells the outcome: the day of a default stands only where there was
    one. Measured is how well the gap alone ranks the rows (AUC, either way round; of a number: above its median).
    """
    if source.frame.height < MIN_ROWS:
        return
    truths = _truths(source)
    for name in source.features:
        if source.schema[name].type not in DATES or not source.frame[name].null_count():
            continue
        gap = source.frame[name].is_null().to_numpy().astype(float)
        value = max((abs(auc(truth, gap) - 0.5) + 0.5 for truth in truths), default=0.5)
        if value >= THRESHOLD:
            message = (
                f"Whether “{name}” has a date tells “{source.target.name}” almost by itself: likely written afterwards."
            )
            yield finding(
                "date_after_outcome", "error", message, [name], test="AUC of the date being missing", value=round(value, 6),
                threshold=THRESHOLD, fix="Leave it out, or keep only dates from before the moment of the prediction.",
                action=leave_out(name),
            )  # fmt: skip


def _truths(source: Source) -> list[np.ndarray]:
    """One column of 0 and 1 a class (one for two classes), or for a number whether it is above its median."""
    import numpy as np

    column: pl.Series = source.frame[source.target.name]
    y = source.target.numbers(column)
    if source.target.task == REGRESSION:
        truths = [y > np.median(y)]
    else:
        count = len(source.target.classes)
        truths = [y == code for code in range(1 if count == 2 else count)]
    return [truth.astype(float) for truth in truths if 0 < truth.sum() < len(truth)]
