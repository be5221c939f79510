"""Training and held-out rows that a classifier can tell apart, although no single column need give them away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.engine.checks._columns import auc, groups
from training.engine.data import finding

if TYPE_CHECKING:
    import numpy as np

    from training.engine.data import Source

LEAST = 0.6
COARSE = 8  # bins put together: of many columns each bin must be known well, not finely
ERRORS = 4.0  # standard errors above one half that chance alone does not reach
MIN_ROWS = 50


def before(source: Source) -> Iterator[dict[str, Any]]:
    """The AUC of naive Bayes on all columns, binned, that learns which rows were held back from one half of the rows
    and is asked about the other, both ways round.
    """
    import numpy as np

    train, held = source.part("train"), source.held_out()
    if min(train.height, held.height) < MIN_ROWS:
        return
    truth = np.r_[np.zeros(train.height), np.ones(held.height)]
    value = auc(truth, _evidence([_codes(source, name) for name in source.features], truth))
    error = math.sqrt((train.height + held.height + 1) / (12.0 * train.height * held.height))
    least = max(LEAST, 0.5 + ERRORS * error)
    if value > least:
        message = f"The rows held back can be told from the training rows: a classifier reaches AUC {value:.2f}."
        fix = "Find out what changed between these rows; if it is time, hold back the newest rows instead."
        yield finding(
            "drifted", "warning", message, test="AUC of a classifier of held-back rows", value=round(value, 6),
            threshold=round(least, 6), fix=fix,
        )  # fmt: skip


def _codes(source: Source, name: str) -> tuple[np.ndarray, int]:
    """The column's groups over the training rows and then those held back, and how many there are."""
    import numpy as np

    type_ = source.schema[name].type
    trained, kept, count = groups(source.part("train")[name], source.held_out()[name], type_)
    codes = np.r_[trained, kept]
    if type_ in {"text", "boolean"}:
        return codes, count
    return np.where(codes < 2, codes, 2 + (codes - 2) // COARSE), 3 + count // COARSE


def _evidence(columns: list[tuple[np.ndarray, int]], truth: np.ndarray) -> np.ndarray:
    """Log-odds of being held back, each row's from the half that it is not in. Shape: (rows,)."""
    import numpy as np

    half = np.random.default_rng(0).permutation(len(truth)) % 2
    total = np.zeros(len(truth))
    for codes, count in columns:
        for side in (0, 1):
            known, asked = half != side, half == side
            odds = _log_shares(codes[known & (truth == 1)], count) - _log_shares(codes[known & (truth == 0)], count)
            total[asked] += odds[codes[asked]]
    return total


def _log_shares(codes: np.ndarray, count: int) -> np.ndarray:
    import numpy as np

    shares: np.ndarray = np.log((np.bincount(codes, minlength=count) + 1.0) / (len(codes) + count))
    return shares
