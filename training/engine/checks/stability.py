"""A model that would answer otherwise, had it drawn another seed or other training rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding
from training.engine.family import REGRESSION

if TYPE_CHECKING:
    from training.engine.checks._answered import Answered

THRESHOLDS = {True: 0.3, False: 0.15}  # of the target's standard deviation; of probability


def find(answered: Answered) -> Iterator[dict[str, Any]]:
    """The standard deviation, over models of the same kind, of the answer to a row; the mean over the rows."""
    if answered.repeats is None or len(answered.repeats) < 2 or not len(answered.y):
        return
    number = answered.task == REGRESSION
    value = float(answered.repeats.std(axis=0, ddof=1).mean()) / (answered.spread if number else 1.0)
    if value > THRESHOLDS[number]:
        unit = "of the target's spread" if number else "of probability"
        message = f"Trained with other seeds or rows, the same kind of model answers otherwise: by {value:.2f} {unit}."
        yield finding(
            "unstable", "warning", message, test="standard deviation between repeats", value=round(value, 6),
            threshold=THRESHOLDS[number], fix="Use more rows, a simpler model, or the mean of several (preset balanced).",
        )  # fmt: skip
