"""Greedy ensemble selection (Caruana et al. 2004, Ensemble Selection from Libraries of Models).

Starting from the best member, the member that lowers the loss of the mean most is added, again and again and with
replacement; how often each was added is its weight. Small tables average the selections of several bootstrap samples
(bagged ensemble selection, Caruana et al. 2006), where that is better still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.engine.family import REGRESSION
from training.engine.metrics import row_losses

if TYPE_CHECKING:
    import numpy as np

ROUNDS = 40
MOST_ROWS = 20_000
BAGS, BAGGED_ROWS = 16, 5_000  # samples; tables of more rows gain nothing from them
LEAST = 0.02  # a member of less weight is left out where that costs nothing


def select(
    answers: Sequence[np.ndarray], y: np.ndarray, task: str, w: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """Weights of the members, which sum to one; on these rows never worse than the best single one's.

    Shape: each of `answers` (rows,) values or (rows, classes) probabilities; returns (members,).
    """
    import numpy as np

    step = -(-len(y) // MOST_ROWS)
    stack = np.stack([answer[::step] for answer in answers])
    y, w = y[::step], None if w is None else w[::step]
    singles = np.array([_loss(stack[i], y, task, w) for i in range(len(stack))])
    best = np.eye(len(stack))[int(singles.argmin())]
    tried = [best, _greedy(stack, y, task, w)]
    if len(y) <= BAGGED_ROWS and len(stack) > 1:
        tried.append(_bagged(stack, y, task, w, seed))
    losses = [_loss(mean(stack, weights), y, task, w) for weights in tried]
    # The bagged weights are the steadier ones: they are taken unless the plain ones are clearly better here.
    chosen = tried[int(np.argmin(losses))]
    if len(tried) == 3 and losses[2] <= losses[0] and losses[2] <= losses[1] * 1.002:
        chosen = tried[2]
    return _pruned(chosen, stack, y, task, w, float(singles.min()))


def mean(stack: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The members' weighted mean. Shape: stack (members, rows[, classes]), weights (members,)."""
    import numpy as np

    result: np.ndarray = np.tensordot(weights, stack, axes=1)
    return result


def _loss(answer: np.ndarray, y: np.ndarray, task: str, w: np.ndarray | None) -> float:
    import numpy as np

    loss = float(np.average(row_losses(y, answer, task), weights=w))
    return loss**0.5 if task == REGRESSION else loss


def _greedy(stack: np.ndarray, y: np.ndarray, task: str, w: np.ndarray | None) -> np.ndarray:
    """Only the numbers that the loss reads are summed: the values, or the truth's probability."""
    import numpy as np

    read = stack if task == REGRESSION else np.clip(stack[:, np.arange(len(y)), y], 1e-15, 1.0)
    share = np.full(len(y), 1.0 / len(y)) if w is None else w / w.sum()

    def losses(totals: np.ndarray, count: int) -> np.ndarray:
        means = totals / count
        each: np.ndarray = ((means - y) ** 2 if task == REGRESSION else -np.log(means)) @ share
        return each

    counts, total = np.zeros(len(stack)), np.zeros(len(y))
    best, best_counts = np.inf, counts
    for turn in range(1, ROUNDS + 1):
        found = losses(total + read, turn)
        chosen = int(found.argmin())
        counts[chosen] += 1
        total += read[chosen]
        if found[chosen] < best * (1.0 - 1e-6):
            best, best_counts = float(found[chosen]), counts.copy()
    result: np.ndarray = best_counts / best_counts.sum()
    return result


def _bagged(stack: np.ndarray, y: np.ndarray, task: str, w: np.ndarray | None, seed: int) -> np.ndarray:
    import numpy as np

    draw = np.random.Generator(np.random.PCG64(seed))
    found = []
    for _ in range(BAGS):
        rows = draw.integers(len(y), size=len(y))
        found.append(_greedy(stack[:, rows], y[rows], task, None if w is None else w[rows]))
    result: np.ndarray = np.mean(found, axis=0)
    return result


def _pruned(  # noqa: PLR0917 (the weights, and what they are judged by)
    weights: np.ndarray, stack: np.ndarray, y: np.ndarray, task: str, w: np.ndarray | None, single: float
) -> np.ndarray:
    """Leave out members that hardly count, unless the loss shows that they did."""
    import numpy as np

    kept = np.where(weights >= LEAST, weights, 0.0)
    if not kept.any() or (kept == weights).all():
        return weights
    kept /= kept.sum()
    before, after = (_loss(mean(stack, each), y, task, w) for each in (weights, kept))
    return kept if after <= min(before * 1.0005, single) else weights
