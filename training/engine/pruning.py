"""Which trials of a study end before their training does.

`asha` is asynchronous successive halving in its stopping form (Li et al. 2018, A system for massively parallel
hyperparameter tuning): at rungs that lie a factor apart, a trial goes on only while it is among the best third of what
came there before it. `hyperband` (Li et al. 2017) spares some trials the first rungs, in brackets, against losses that
mislead early. `median` (Golovin et al. 2017, Vizier) ends what is worse than half of the others.

A trial is judged at its rungs alone, by the lowest validation loss that it had until then, so the same order of events
gives the same verdicts wherever the trials run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from training.engine.family import Family

PRUNERS = ("none", "asha", "hyperband", "median")
FACTOR = 3
MOST_RUNGS = 2  # an earlier one judges how fast a trial begins: small learning rates would never be heard
ENOUGH = 4  # others that a median is taken of, at least
# Parameters that change what the validation loss measures: trials that differ in them cannot be compared on the way.
LOSS_PARAMS = frozenset({"loss", "class_weights", "quantile", "power", "gamma"})


@dataclass(frozen=True, slots=True)
class Course:
    """How a training's steps are counted: `units` are its epochs or rounds at most, each of `steps` steps."""

    units: int
    steps: int
    counted: str = "rounds"

    @classmethod
    def of(cls, family: Family, params: Mapping[str, Any], rows: int, task: str) -> Course | None:
        """The course of a fit on `rows` training rows; None for a family that counts neither epochs nor rounds."""
        params = family.settled(params, rows, task)
        if params.get("rounds"):
            return cls(int(params["rounds"]), 1)
        if params.get("epochs"):
            batch = min(rows, params.get("batch_size") or rows)
            return cls(int(params["epochs"]), math.ceil(rows / batch), "epochs")
        return None

    def rungs(self) -> tuple[int, ...]:
        """The units at which trials are judged, rising: thirds of thirds of the whole course."""
        found = {math.ceil(self.units / FACTOR**k) for k in range(1, MOST_RUNGS + 1)}
        return tuple(sorted(unit for unit in found if 1 <= unit < self.units))

    def reached(self, step: int) -> float:
        """How many units are done after `step` steps."""
        return step / self.steps


def judged(pruner: str, rungs: Sequence[int], number: int) -> tuple[int, ...]:
    """The rungs at which trial `number` (from 1) may be ended."""
    if pruner == "none":
        return ()
    return tuple(rungs[_bracket(len(rungs), number) :]) if pruner == "hyperband" else tuple(rungs)


def _bracket(most: int, number: int) -> int:
    """Hyperband's bracket of a trial: how many rungs it is spared. Each gets its share of every stretch of trials."""
    weights = [(most + 1) / (most - b + 1) * FACTOR ** (most - b) for b in range(most + 1)]
    given = [0] * (most + 1)
    for _turn in range(number):
        last = min(range(most + 1), key=lambda b: (given[b] + 1) / weights[b])
        given[last] += 1
    return last


def verdict(pruner: str, value: float, others: Sequence[float]) -> float | None:
    """What a trial with this loss had to reach at its rung and did not; None: it goes on.

    `others` are the losses of the trials that came to the rung before.
    """
    if pruner == "median":
        bar = median(others) if len(others) >= ENOUGH else math.inf
    else:
        came = sorted([*others, value])
        bar = came[len(came) // FACTOR - 1] if len(came) >= FACTOR else math.inf
    return None if value <= bar else bar
