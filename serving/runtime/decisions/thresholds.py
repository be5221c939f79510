"""What every threshold would do to held-out rows: counted once, so that a slider reads its figures from a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from serving.runtime.decisions.money import Costs

MOST = 1000
DIGITS = 4
EXTRA = 3  # at most: a policy's threshold and the edges of its band


def grid(scores: np.ndarray, extra: Sequence[float] = ()) -> np.ndarray:
    """At most `MOST` thresholds, rising: one between each two of the scores where there are few, else evenly by rank.

    Rounded to four significant digits; 0 (all are taken for positive) and 1 are among them, and so is `extra`.
    """
    seen = np.unique(scores)
    room = MOST - 2 - EXTRA  # whatever is extra: what is least is found among the same thresholds
    if len(seen) > room:
        seen = seen[np.linspace(0, len(seen) - 1, room).astype(int)]
    found = np.unique(np.concatenate([[0.0, 1.0], [_rounded(each) for each in seen.tolist()], list(extra)]))
    return found[(found >= 0) & (found <= 1)]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


@dataclass(frozen=True, slots=True)
class Table:
    """For each threshold of the grid, how many rows of either truth lie at or above it.

    Shapes: grid, positives, negatives (thresholds,). `rows` are those that the threshold decides; what rules settled
    is counted in `fixed[truth][decision]` with 0 negative, 1 positive, 2 review.
    """

    grid: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray
    fixed: tuple[tuple[int, int, int], tuple[int, int, int]]
    totals: tuple[int, int]

    @property
    def rows(self) -> int:
        return sum(self.totals) + sum(map(sum, self.fixed))

    def as_json(self) -> dict[str, Any]:
        return {
            "positives": self.positives.tolist(), "negatives": self.negatives.tolist(), "fixed": self.fixed,
            "totals": self.totals, "rows": self.rows,
        }  # fmt: skip

    def counts(self, low: int, high: int) -> tuple[list[list[int]], int]:
        """([[tn, fp], [fn, tp]], rows for review) with the band between two places of the grid; none where equal."""
        result, reviewed = [], 0
        for truth, above in enumerate((self.negatives, self.positives)):
            against, for_, waits = self.fixed[truth]
            taken, below = int(above[high]), self.totals[truth] - int(above[low])
            result.append([below + against, taken + for_])
            reviewed += self.totals[truth] - taken - below + waits
        return result, reviewed

    def least_cost(self, costs: Costs, *, band: bool = False) -> tuple[int, int]:
        """The places (low, high) with the least cost; equal ones without a band (Chow 1970 with one). Ties: the lowest.

        `costs.matrix` is [[tn, fp], [fn, tp]].
        """
        below, above = self._sides(costs)
        if not band:
            best = min(range(len(self.grid)), key=lambda i: below[i] + above[i])
            return best, best
        # A row in the band costs its review: what lies below `low` or above `high` is spared that.
        lowest, found, least = 0, (0, 0), None
        waits = costs.review * sum(self.totals)
        spared_below = [cost - costs.review * self._n_below(i) for i, cost in enumerate(below)]
        spared_above = [cost - costs.review * self._n_above(i) for i, cost in enumerate(above)]
        for high in range(len(self.grid)):
            lowest = high if spared_below[high] < spared_below[lowest] else lowest
            cost = waits + spared_below[lowest] + spared_above[high]
            if least is None or cost < least:
                least, found = cost, (lowest, high)
        return found

    def _n_below(self, place: int) -> int:
        return sum(self.totals) - self._n_above(place)

    def _n_above(self, place: int) -> int:
        return int(self.positives[place] + self.negatives[place])

    def _sides(self, costs: Costs) -> tuple[list[Decimal], list[Decimal]]:
        """What it costs to decide against all below each place, and for all at or above it."""
        (tn, fp), (fn, tp) = costs.matrix
        counts = list(zip(self.negatives.tolist(), self.positives.tolist(), strict=True))
        below = [tn * (self.totals[0] - n) + fn * (self.totals[1] - p) for n, p in counts]
        return below, [fp * n + tp * p for n, p in counts]


def table(grid_: np.ndarray, scores: np.ndarray, positive: np.ndarray, ruled: np.ndarray) -> Table:
    """Count. Shapes: scores (n,), positive (n,) truth, ruled (n,) −1 where no rule decides, else 0, 1 or 2 (review)."""
    free = ruled < 0
    fixed = tuple(
        tuple(int(((ruled == code) & (positive == truth)).sum()) for code in (0, 1, 2)) for truth in (False, True)
    )
    return Table(
        grid_,
        at_or_above(grid_, scores[free & positive]),
        at_or_above(grid_, scores[free & ~positive]),
        fixed,  # type: ignore[arg-type]
        (int((free & ~positive).sum()), int((free & positive).sum())),
    )


def at_or_above(grid_: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Shape: (thresholds,) how many of the scores lie at or above each."""
    result: np.ndarray = len(scores) - np.searchsorted(np.sort(scores), grid_, "left")
    return result


@dataclass(frozen=True, slots=True)
class Shifts:
    """For each shift of a predicted number: how far it overshoots and undershoots, summed over the held-out rows.

    Shapes: grid, over, under (shifts,), in the target's unit. The cost of a shift is over · cost_over + under ·
    cost_under, least at the quantile cost_under / (cost_under + cost_over) of the errors (the newsvendor's).
    """

    grid: np.ndarray
    over: np.ndarray
    under: np.ndarray

    def least_cost(self, over: Decimal, under: Decimal) -> int:
        return int((self.over * float(over) + self.under * float(under)).argmin())


def shift_grid(residual: np.ndarray, extra: Sequence[float] = (0.0,)) -> np.ndarray:
    """Shifts to choose from: the quantiles of true − predicted, each a possible best one."""
    seen = np.unique([_rounded(each) for each in np.quantile(residual, np.linspace(0, 1, 401)).tolist()])
    return np.unique(np.concatenate([seen, list(extra)]))


def shifts(grid_: np.ndarray, residual: np.ndarray) -> Shifts:
    """Shapes: residual (n,) true − predicted of the rows that the model decides."""
    ordered = np.sort(residual)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    place = np.searchsorted(ordered, grid_, "right")
    over = grid_ * place - sums[place]
    under = (sums[-1] - sums[place]) - grid_ * (len(ordered) - place)
    return Shifts(grid_, np.maximum(over, 0.0), np.maximum(under, 0.0))
