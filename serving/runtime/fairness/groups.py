"""What a model does to each group: how often it selects, how often it errs, whether its probabilities hold there.

Feldman et al. 2015, Certifying and Removing Disparate Impact (selection rates and the four-fifths line); Hardt, Price &
Srebro 2016, Equality of Opportunity (error rates); Kleinberg, Mullainathan & Raghavan 2017 (calibration by group, and
why not all of these can be equal at once). The four-fifths rule: 29 CFR § 1607.4 D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from serving.runtime.shares import Z95, bootstrap, wilson

FOUR_FIFTHS = 0.8
SMALL = 50  # rows; a smaller group's figures are too loose to judge by
BOOTSTRAPPED = 20_000  # rows of a group beyond which a draw takes an evenly spaced part


@dataclass(frozen=True)
class Rate:
    """`hits` of `of`, its share (None of nothing) and the share's 95 % interval."""

    hits: int
    of: int
    share: float | None
    low: float
    high: float

    @classmethod
    def count(cls, held: np.ndarray) -> Rate:
        """Of truth values (n,)."""
        hits, of = int(held.sum()), len(held)
        return cls(hits, of, hits / of if of else None, *wilson(hits, of))


@dataclass(frozen=True)
class Ratio:
    """A group's selection rate as a share of the highest group's, with its 95 % interval (Katz et al. 1978)."""

    value: float
    low: float
    high: float

    @property
    def is_below(self) -> bool:
        """Under the four-fifths line."""
        return self.value < FOUR_FIFTHS

    @property
    def is_surely_below(self) -> bool:
        """Under it with the whole interval: more than chance."""
        return self.high < FOUR_FIFTHS


@dataclass(frozen=True)
class Decided:
    """One group of a classification, of the rows that are `positive` in truth and those that were selected."""

    name: str
    rows: int
    selected: Rate
    true_positive: Rate
    false_positive: Rate
    precision: Rate
    predicted: float | None
    observed: Rate
    ratio: Ratio | None = None

    @property
    def is_small(self) -> bool:
        return self.rows < SMALL

    @property
    def is_off(self) -> bool:
        """Whether the mean probability lies outside what was observed."""
        return self.predicted is not None and not self.observed.low <= self.predicted <= self.observed.high


@dataclass(frozen=True)
class Figure:
    """A mean with its bootstrap interval (95 %); None where there are too few rows."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measured:
    """One group of a regression. `bias` is the mean of prediction − truth, `error` the mean absolute error."""

    name: str
    rows: int
    bias: Figure
    error: Figure

    @property
    def is_small(self) -> bool:
        return self.rows < SMALL

    @property
    def is_off(self) -> bool:
        """Whether the bias is more than chance."""
        low, high = self.bias.low, self.bias.high
        return low is not None and high is not None and not low <= 0.0 <= high


def decided(
    codes: np.ndarray, names: tuple[str, ...], positive: np.ndarray, probability: np.ndarray, selected: np.ndarray
) -> list[Decided]:
    """Each group that has rows. Shapes (n,): `codes` of groups, whether the truth and the decision are positive, and
    the probability that was told for it."""
    found = []
    for code, name in enumerate(names):
        mine = codes == code
        if not mine.any():
            continue
        truth, choice = positive[mine], selected[mine]
        found.append(
            Decided(
                name,
                int(mine.sum()),
                Rate.count(choice),
                Rate.count(choice[truth]),
                Rate.count(choice[~truth]),
                Rate.count(truth[choice]),
                float(probability[mine].mean()),
                Rate.count(truth),
            )
        )
    return _with_ratios(found)


def _with_ratios(groups: list[Decided]) -> list[Decided]:
    """Compared with the group that is selected most, small ones aside where others are left."""
    judged = [group for group in groups if not group.is_small] or groups
    best = max(judged, key=lambda group: group.selected.share or 0.0, default=None)
    if best is None or not best.selected.share:
        return groups
    return [Decided(**{**group.__dict__, "ratio": _ratio(group.selected, best.selected)}) for group in groups]


def _ratio(own: Rate, best: Rate) -> Ratio:
    value = (own.share or 0.0) / (best.share or 1.0)
    if own is best:
        return Ratio(1.0, 1.0, 1.0)
    if not own.hits:
        # No logarithm of nothing: the bound of the group's own interval.
        return Ratio(0.0, 0.0, own.high / (best.share or 1.0))
    spread = Z95 * math.sqrt(1 / own.hits - 1 / own.of + 1 / best.hits - 1 / best.of)
    return Ratio(value, value * math.exp(-spread), value * math.exp(spread))


def measured(
    codes: np.ndarray, names: tuple[str, ...], truth: np.ndarray, prediction: np.ndarray, *, times: int = 200
) -> list[Measured]:
    """Each group that has rows. Shapes (n,): `codes` of groups, truths and predictions."""
    errors, found = prediction - truth, []
    for code, name in enumerate(names):
        own = errors[codes == code]
        if len(own):
            found.append(Measured(name, len(own), _mean(own, times), _mean(np.abs(own), times)))
    return found


def _mean(values: np.ndarray, times: int) -> Figure:
    sample = values[:: max(1, len(values) // BOOTSTRAPPED)]
    # A part of the rows has a wider interval than all of them, by the root of their ratio.
    found = bootstrap(lambda rows: float(sample[rows].mean()), len(sample), times=times) if len(sample) > 1 else None
    if found is None:
        return Figure(float(values.mean()), None, None)
    shrink, middle = math.sqrt(len(sample) / len(values)), float(values.mean())
    low, high = (middle + (end - float(sample.mean())) * shrink for end in found)
    return Figure(middle, low, high)
