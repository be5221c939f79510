"""Learning-rate schedules: each is a factor on the learning rate, by how far the training is.

All but `plateau` are functions of the step alone: they have no state to save, and a resumed training follows them
exactly. `plateau` listens to the evaluations, and what it remembers goes into the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Factor = Callable[[float], float]
RISE, LOWEST = 0.3, 1e-3  # of one-cycle: the share of its steps that rise, and where it begins and ends


def constant(params: Mapping[str, Any]) -> Factor:
    return lambda _: 1.0


def step(params: Mapping[str, Any]) -> Factor:
    """Multiply by `decay` at each of `drops` equal stretches."""
    drops, decay = params["drops"], params["decay"]
    return lambda done: decay ** min(drops, math.floor(done * (drops + 1)))


def exponential(params: Mapping[str, Any]) -> Factor:
    """Fall smoothly to `decay` at the end."""
    decay = params["decay"]
    return lambda done: decay**done


def cosine(params: Mapping[str, Any]) -> Factor:
    """Half a cosine from one to nearly zero (Loshchilov and Hutter 2017, SGDR, without restarts)."""
    return lambda done: 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def onecycle(params: Mapping[str, Any]) -> Factor:
    """Rise to one over the first three tenths, fall to nearly nothing over the rest (Smith and Topin 2018)."""

    def at(done: float) -> float:
        way = done / RISE if done < RISE else (1.0 - min(1.0, done)) / (1.0 - RISE)
        return LOWEST + (1.0 - LOWEST) * 0.5 * (1.0 - math.cos(math.pi * way))

    return at


SCHEDULES: dict[str, Callable[[Mapping[str, Any]], Factor]] = {
    "constant": constant,
    "step": step,
    "exponential": exponential,
    "cosine": cosine,
    "onecycle": onecycle,
    "plateau": constant,
}


class Schedule:
    """The learning rate at each step (from 0) of `total`.

    Warm-up comes before any schedule: over the share `warmup` of the steps the rate rises evenly to its full value.
    """

    def __init__(self, params: Mapping[str, Any], total: int) -> None:
        self.factor = SCHEDULES[params["schedule"]](params)
        self.rate, self.warmup, self.total = float(params["learning_rate"]), float(params["warmup"]), total

    def __call__(self, now: int) -> float:
        warm = round(self.warmup * self.total)
        if now < warm:
            return float(self.rate * (now + 1) / (warm + 1))
        return float(self.rate * self.factor((now - warm) / max(1, self.total - warm)))

    def heed(self, loss: float) -> None:
        """An evaluation gave this loss."""

    def state(self) -> dict[str, float]:
        return {}

    def load_state(self, state: Mapping[str, float]) -> None: ...


class Plateau(Schedule):
    """Multiply by `decay` after `plateau_patience` evaluations without a better loss."""

    def __init__(self, params: Mapping[str, Any], total: int) -> None:
        super().__init__(params, total)
        self.decay, self.patience = params["decay"], params["plateau_patience"]
        self.best, self.waited, self.fallen = math.inf, 0, 1.0

    def __call__(self, now: int) -> float:
        return super().__call__(now) * self.fallen

    def heed(self, loss: float) -> None:
        if loss < self.best:
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.fallen, self.waited = self.fallen * self.decay, 0

    def state(self) -> dict[str, float]:
        return {"best": self.best, "waited": self.waited, "fallen": self.fallen}

    def load_state(self, state: Mapping[str, float]) -> None:
        self.best, self.waited, self.fallen = state["best"], int(state["waited"]), state["fallen"]


def make(params: Mapping[str, Any], total: int) -> Schedule:
    """Return the learning rate at each step (from 0) of `total`."""
    return (Plateau if params["schedule"] == "plateau" else Schedule)(params, total)
