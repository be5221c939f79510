"""A column that gives the target away: it alone predicts nearly all of it, so it was likely written down afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.checks._columns import alone
from training.engine.data import finding, leave_out
from training.engine.family import REGRESSION

if TYPE_CHECKING:
    from training.engine.data import Source

THRESHOLD = 0.95
MIN_ROWS = 30  # with fewer rows held back, a score of this height happens by chance


def before(source: Source) -> Iterator[dict[str, Any]]:
    """One finding a column whose single-column model reaches AUC or R² ≥ 0.95 on rows that it did not learn from."""
    train, held = source.part("train"), source.held_out()
    if held.height < MIN_ROWS:
        return
    name = source.target.name
    y = source.target.numbers(train[name]), source.target.numbers(held[name])
    measure = "R²" if source.target.task == REGRESSION else "AUC"
    for feature in source.features:
        value = alone(train[feature], held[feature], source.schema[feature].type, y, source.target)
        if value >= THRESHOLD:
            message = f"“{feature}” alone predicts “{name}” almost perfectly: {measure} {value:.3f} on rows held back."
            fix = "Leave it out, unless it is known before the moment of the prediction."
            yield finding(
                "leakage", "error", message, [feature], test=f"{measure} of a model of this column alone",
                value=round(value, 6), threshold=THRESHOLD, fix=fix, action=leave_out(feature),
            )  # fmt: skip
