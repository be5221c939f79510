"""Learning-rate schedules: each is a factor on the learning rate, a pure function of how far the training is.

Being a function of the step alone, a schedule has no state to save, and a resumed training follows it exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Schedule = Callable[[float], float]


def constant(params: Mapping[str, Any]) -> Schedule:
    return lambda _: 1.0


def step(params: Mapping[str, Any]) -> Schedule:
    """Multiply by `decay` at each of `drops` equal stretches."""
    drops, decay = params["drops"], params["decay"]
    return lambda done: decay ** min(drops, math.floor(done * (drops + 1)))


def exponential(params: Mapping[str, Any]) -> Schedule:
    """Fall smoothly to `decay` at the end."""
    decay = params["decay"]
    return lambda done: decay**done


def cosine(params: Mapping[str, Any]) -> Schedule:
    """Half a cosine from one to nearly zero (Loshchilov and Hutter 2017, SGDR, without restarts)."""
    return lambda done: 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


SCHEDULES: dict[str, Callable[[Mapping[str, Any]], Schedule]] = {
    "constant": constant,
    "step": step,
    "exponential": exponential,
    "cosine": cosine,
}


def make(params: Mapping[str, Any], total: int) -> Callable[[int], float]:
    """Return the learning rate at each step (from 0) of `total`.

    Warm-up comes before any schedule: over the share `warmup` of the steps the rate rises evenly to its full value.
    """
    factor = SCHEDULES[params["schedule"]](params)
    warm = round(params["warmup"] * total)
    rate = params["learning_rate"]

    def at(now: int) -> float:
        if now < warm:
            return float(rate * (now + 1) / (warm + 1))
        return float(rate * factor((now - warm) / max(1, total - warm)))

    return at
