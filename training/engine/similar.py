"""Which tables are like which, by a few figures of each, and what worked there (Feurer et al. 2015, warm starts).

Only numbers and choices of a family's parameters, and ranks within a study, come in here: no row, no name of a column,
a data set or a department, and no score, which would mean nothing on another table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

NEAREST = 5  # studies that are listened to
EACH = 3  # of the best trials of each
FARTHEST = 1.5  # about thirty times as many rows, or all else very different
# How far apart two tables are that differ by one in this figure.
WEIGHTS = {"rows": 1.0, "columns": 1.0, "classes": 0.5, "numeric": 0.7, "missing": 1.0, "skew": 0.25, "imbalance": 0.5}

Meta = Mapping[str, Any]
Scored = Sequence[tuple[Mapping[str, Any], float]]


def distance(one: Meta, other: Meta) -> float:
    """How unlike two tables are; infinite where they ask for different tasks."""
    if not one or not other or one.get("task") != other.get("task"):
        return math.inf
    return math.hypot(
        *(weight * (float(one.get(name) or 0.0) - float(other.get(name) or 0.0)) for name, weight in WEIGHTS.items())
    )


def borrow(mine: Meta, studies: Sequence[tuple[Meta, Scored]], most: int) -> list[dict[str, Any]]:
    """At most `most` different configurations that did best on tables like mine, the most promising first.

    Each study is given by its table's figures and its trials as (params, value), smaller being better.
    """
    near = sorted(((distance(mine, meta), trials) for meta, trials in studies), key=lambda pair: pair[0])
    cost: list[tuple[float, dict[str, Any]]] = []
    for far, trials in near[:NEAREST]:
        if far > FARTHEST:
            break
        ranked = sorted(trials, key=lambda trial: trial[1])
        cost += [(far + place / len(ranked), dict(params)) for place, (params, _v) in enumerate(ranked[:EACH])]
    chosen: list[dict[str, Any]] = []
    for _cost, params in sorted(cost, key=lambda pair: pair[0]):
        if params not in chosen:
            chosen.append(params)
    return chosen[:most]
