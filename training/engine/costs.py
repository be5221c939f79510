"""How long training takes: measured costs of one core, scaled by how fast the present one is.

The constants are least-squares fits by hand to timings at 1,000 to 100,000 rows × 10 to 100 columns; tests hold the
estimates within a factor of two where nothing stops early. What stops early is estimated at its usual length.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from training.engine.family import REGRESSION

START = 2.5  # importing torch and scikit-learn, reading and scoring a small table
PROBE = 1.6e-3  # seconds that the probe took where the constants were measured


# Seconds of tabm: of a step by itself, of a member's weight a step, of a hidden number, of a product and its slopes.
STEP, SPREAD, CELL, PRODUCT = 6e-4, 4e-9, 2.0e-9, 7.0e-11


@dataclass(frozen=True)
class Shape:
    """How large a problem is. `outputs` are the numbers that a model computes a row."""

    rows: int
    features: int
    task: str
    outputs: int = 1


def linear(shape: Shape, params: Mapping[str, Any]) -> float:
    batch = params["batch_size"] or shape.rows
    if shape.task == REGRESSION and batch >= shape.rows and params["optimiser"] in {"sgd", "momentum"}:
        return float(2e-10 * shape.rows * shape.features**2 + params["epochs"] * (1.5e-5 + 1e-9 * shape.features**2))
    epochs = params["epochs"] * (0.6 if params["patience"] else 1.0)
    steps = max(1.0, shape.rows / batch)
    return float(epochs * (steps * 2.5e-4 + shape.rows * shape.outputs * (5e-8 + 5e-10 * shape.features)))


def mlp(shape: Shape, params: Mapping[str, Any]) -> float:
    widths = [shape.features, *params["hidden"], shape.outputs]
    weights = sum(a * b for a, b in pairwise(widths))
    epochs = params["epochs"] * (0.6 if params["patience"] else 1.0)
    steps = max(1.0, shape.rows / (params["batch_size"] or shape.rows))
    return float(epochs * (steps * 2.5e-4 + shape.rows * weights * 1.05e-10))


def trees(shape: Shape, params: Mapping[str, Any]) -> float:
    """Rounds that early stopping usually leaves grow with the rows, for numbers faster than for classes."""
    most, worth = (30.0, 400.0) if shape.task == REGRESSION else (12.0, 1500.0)
    usual = min(most, max(1.0, shape.rows / worth)) / params["learning_rate"] + (params["patience"] or 0)
    rounds = min(params["rounds"], usual) if params["patience"] else params["rounds"]
    grow = (1e-3 + 5e-5 * shape.features) * max(0.3, params["max_leaves"] / 31)
    return float(rounds * shape.outputs * (grow + shape.rows * (8e-8 + 1.0e-8 * shape.features)))


def tabm(shape: Shape, params: Mapping[str, Any]) -> float:
    """The smaller the table, the earlier its validation loss stops improving."""
    from training.engine.families.tabm import settled

    chosen = settled(params, shape.rows, shape.task)
    members, batch = chosen["members"], min(shape.rows, chosen["batch_size"])
    inputs = shape.features * (chosen["bins"] + 2) / 2  # about half the columns are zeros and ones
    weights = inputs * chosen["hidden"][0] / members + sum(a * b for a, b in pairwise(chosen["hidden"]))
    steps = chosen["steps"] or chosen["epochs"] * max(1.0, shape.rows / batch)
    usual = min(1.0, max(0.4, shape.rows / 20_000)) if chosen["patience"] else 1.0
    spread = members * sum(a * b for a, b in pairwise(chosen["hidden"]))
    return float(
        steps * usual * (STEP + SPREAD * spread + batch * members * (CELL * sum(chosen["hidden"]) + weights * PRODUCT))
    )


COSTS: dict[str, Callable[[Shape, Mapping[str, Any]], float]] = {
    "linear": linear,
    "mlp": mlp,
    "trees": trees,
    "tabm": tabm,
}


def seconds(family: str, shape: Shape, params: Mapping[str, Any]) -> float:
    """What one fit should take here. A family without a measured cost is taken for a neural network's 60 epochs."""
    cost = COSTS.get(family)
    usual = 60.0 * shape.rows * 5e-6
    return (cost(shape, params) if cost else usual) * pace()


def overhead(shape: Shape) -> float:
    """Reading, preparing, scoring and writing."""
    return (START + shape.rows * shape.features * 6e-8) * pace()


@cache
def pace() -> float:
    """How much slower this machine is than the one of the constants: a few milliseconds of plain counting."""
    best = min(_count() for _ in range(5))
    return min(4.0, max(0.25, best / PROBE))


def _count() -> float:
    started = time.perf_counter()
    total = 0
    for number in range(50_000):
        total += number & 7
    return time.perf_counter() - started
