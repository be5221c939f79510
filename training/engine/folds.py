"""Folds: which rows a model of a cross-validation is fitted on, and which it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ALWAYS = -1  # the fold of rows that no model is judged by
MOST_MODELS = 40  # of one candidate, over all repeats: the gain of one more is below what can be measured
TIMED_SHARE = 0.5  # the last part of the rows in time, which the folds of a timed split are


@dataclass(frozen=True)
class Folds:
    """`of` (rows,) is each row's fold, or ALWAYS. In the order of time, a fold's model sees earlier rows only."""

    of: np.ndarray
    count: int
    timed: bool = False

    def held(self, fold: int) -> np.ndarray:
        """The rows that the fold's model is judged by."""
        import numpy as np

        return np.flatnonzero(self.of == fold)

    def fitted(self, fold: int) -> np.ndarray:
        """The rows that the fold's model is fitted on."""
        import numpy as np

        return np.flatnonzero(self.of < fold if self.timed else self.of != fold)


def how_many(rows: int) -> int:
    """Small tables are cut into more folds, so that each model misses fewer rows; on large ones that costs too much."""
    return 8 if rows < 3_000 else 5 if rows < 100_000 else 4


def random(strata: np.ndarray, count: int, seed: int) -> Folds:
    """Deal the rows of each stratum in turn. Shape: strata (rows,) codes: classes, or bands of a number."""
    import numpy as np

    draw = np.random.Generator(np.random.PCG64(seed))
    shuffled = draw.permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    of = np.empty(len(strata), np.int64)
    of[order] = (np.arange(len(strata)) + draw.integers(count)) % count
    return Folds(of, count)


def grouped(groups: np.ndarray, count: int, seed: int) -> Folds:
    """Whole groups, the largest first, each to the fold that has fewest rows. Shape: groups (rows,) codes from 0."""
    import numpy as np

    sizes = np.bincount(groups)
    draw = np.random.Generator(np.random.PCG64(seed))
    order = np.lexsort((draw.random(len(sizes)), -sizes))
    count = min(count, int((sizes > 0).sum()))
    totals, fold_of = np.zeros(count), np.zeros(len(sizes), np.int64)
    for group in order:
        fold_of[group] = int(totals.argmin())
        totals[fold_of[group]] += sizes[group]
    return Folds(fold_of[groups], count)


def timed(times: np.ndarray, count: int) -> Folds:
    """Stretches of time: the first part is never judged by, each later one by a model of all that came before it.

    Shape: times (rows,). Rows of one moment stay together.
    """
    import numpy as np

    ordered = np.sort(times)
    cuts = len(times) * (1.0 - TIMED_SHARE * (1.0 - np.arange(count) / count))
    starts = np.unique(ordered[np.minimum(cuts.astype(np.int64), len(times) - 1)])
    of = np.searchsorted(starts, times, side="right") - 1
    return Folds(np.where(times == ordered[0], ALWAYS, of), len(starts), timed=True)


def strata(y: np.ndarray, classes: int) -> np.ndarray:
    """What rows are dealt by: their class, or the band of ten that their value lies in."""
    import numpy as np

    if classes:
        return y
    bands: np.ndarray = np.searchsorted(np.quantile(y, np.arange(0.1, 1.0, 0.1)), y)
    return bands
