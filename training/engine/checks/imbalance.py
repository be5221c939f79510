"""A class so rare that accuracy says little about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.data import finding
from training.engine.family import REGRESSION

if TYPE_CHECKING:
    from training.engine.data import Source

SHARE = 0.05
FEW = 10


def before(source: Source) -> Iterator[dict[str, Any]]:
    """The rarest class by its share of the rows, and by how many training rows show it."""
    import numpy as np

    target = source.target
    if target.task == REGRESSION:
        return
    names = len(target.classes)
    counts = np.bincount(target.numbers(source.frame[target.name]), minlength=names)
    seen = np.bincount(target.numbers(source.part("train")[target.name]), minlength=names)
    rarest = int(counts.argmin())
    share = float(counts[rarest] / counts.sum())
    if int(seen.min()) < FEW:
        message = f"The rarest class of “{target.name}” stands in {int(seen.min())} training rows only."
        yield finding(
            "few_rows_in_class", "warning", message, [target.name], test="training rows of the rarest class",
            value=int(seen.min()), threshold=FEW, fix="Collect more rows of it, or join it with another class.",
        )  # fmt: skip
    elif share < SHARE:
        message = f"The rarest class of “{target.name}” makes {share:.1%} of the rows."
        fix = "Judge the model by log loss, recall or money, not by accuracy, and choose the threshold by cost."
        yield finding(
            "imbalance", "warning", message, [target.name], test="share of the rarest class", value=round(share, 6),
            threshold=SHARE, fix=fix,
        )  # fmt: skip
