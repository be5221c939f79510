"""What a policy would have done to rows whose truth is known: counts, money, who is touched, what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from serving.runtime.decisions.money import PLACES, Costs
from serving.runtime.decisions.policy import REVIEW, Chosen, Policy
from serving.runtime.decisions.reliability import Reliability, confidence, reliability


@dataclass(frozen=True)
class Held:
    """Rows that the model did not learn from. Shapes: truth (n,) codes or values, prediction (n, k).

    `rows` are their inputs as a request would send them, None where no rule needs them; weight (n,) or None.
    """

    truth: np.ndarray
    prediction: np.ndarray
    rows: Sequence[Mapping[str, Any]] | None = None
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number decided costs for each unit above (`over`) and below (`under`) the truth, and a person's look."""

    over: Decimal
    under: Decimal
    review: Decimal = Decimal(0)


Prices = Costs | Unit


@dataclass(frozen=True, slots=True)
class Judged:
    """`counts[truth][decision]` by class codes, empty for regression; `over` and `under` sums, 0 for classes.

    `touched` has for each rule how many rows it decided; `decided` whatever a person does not look at.
    """

    rows: int
    reviewed: int
    counts: list[list[int]]
    over: float
    under: float
    money: Decimal
    touched: list[int]

    @property
    def right(self) -> int:
        return sum(self.counts[code][code] for code in range(len(self.counts)))

    @property
    def decided(self) -> int:
        return self.rows - self.reviewed


def judge(policy: Policy, prices: Prices, held: Held, chosen: Chosen | None = None) -> Judged:
    """Count what the policy decides on the held-out rows, and what that costs."""
    chosen = chosen or policy.choose(held.rows, held.prediction)
    reviewed = int(chosen.reviewed.sum())
    touched = [int((chosen.rule == place).sum()) for place in range(len(policy.rules))]
    if isinstance(prices, Unit):
        gap = (chosen.codes - held.truth)[~chosen.reviewed]
        over, under = float(np.maximum(gap, 0).sum()), float(np.maximum(-gap, 0).sum())
        money = _decimal(over) * prices.over + _decimal(under) * prices.under + prices.review * reviewed
        return Judged(len(held), reviewed, [], over, under, money, touched)
    k = held.prediction.shape[1]
    decided = chosen.codes != REVIEW
    flat = np.bincount(held.truth[decided] * k + chosen.codes[decided], minlength=k * k)
    counts = flat.reshape(k, k).tolist()
    return Judged(len(held), reviewed, counts, 0.0, 0.0, prices.of(counts, reviewed), touched)


def _decimal(value: float) -> Decimal:
    return round(Decimal(repr(value)), PLACES)


def changed(before: Chosen, after: Chosen) -> int:
    """How many rows are decided otherwise, or go to a person, or no longer do."""
    if before.codes.dtype.kind == "f" or after.codes.dtype.kind == "f":
        same = np.isclose(before.codes, after.codes, rtol=1e-12, atol=0, equal_nan=True)
    else:
        same = before.codes == after.codes
    return int((~same).sum())


def reliability_of(policy: Policy, probabilities: np.ndarray, truth: np.ndarray) -> Reliability:
    """Of the positive class with two classes, of the likeliest one with more."""
    if policy.task == "binary":
        return reliability(probabilities[:, policy.positive], truth == policy.positive)
    return reliability(*confidence(probabilities, truth))
