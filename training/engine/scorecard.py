"""A logistic regression over ranges and categories as a scorecard: points for each, whole numbers that add up.

Siddiqi 2006, Credit Risk Scorecards: score = offset + factor · ln(odds of no event), factor = PDO / ln 2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

PDO = 20.0  # points that double the odds
BASE_SCORE, BASE_ODDS = 600.0, 30.0
FACTOR = PDO / math.log(2.0)
OFFSET = BASE_SCORE - FACTOR * math.log(BASE_ODDS)


@dataclass(frozen=True)
class Attribute:
    """One range or category of a column, and its points."""

    value: str
    points: int


@dataclass(frozen=True)
class Scorecard:
    """`base` points are everybody's; `columns` gives each column's attributes. `event` is the class that costs points."""

    base: int
    event: Any
    columns: Mapping[str, list[Attribute]]

    @property
    def range(self) -> tuple[int, int]:
        """The lowest and the highest score that there can be."""
        groups = [[attribute.points for attribute in column] for column in self.columns.values()]
        return self.base + sum(map(min, groups)), self.base + sum(map(max, groups))


def _place(value: str) -> tuple[int, float, str]:
    """Ranges in the order of their numbers, “under” first and “and more” last, before what is no range."""
    number = re.match(r"(under )?(-?[\d.]+)", value)
    return (0, float(number[2]) - (0.5 if number[1] else 0.0), value) if number else (1, 0.0, value)


def of(manifest: Mapping[str, Any], coef: np.ndarray, intercept: np.ndarray) -> Scorecard | None:
    """The scorecard of a linear model of two classes whose every number is a flag `column=value`; else None.

    Shape: coef (1, features), intercept (1,). The second class is the event. Each column's points are shifted so that
    its worst attribute has none, which the base points make up for.
    """
    if manifest["task"] != "binary" or not all("=" in name for name in manifest["features"]):
        return None
    found: dict[str, list[tuple[str, float]]] = {}
    for name, weight in zip(manifest["features"], coef[0], strict=True):
        column, _equals, value = name.partition("=")
        found.setdefault(column, []).append((value, -FACTOR * float(weight)))
    base = OFFSET - FACTOR * float(intercept[0])
    columns = {}
    for column, attributes in found.items():
        least = min(points for _value, points in attributes)
        base += least
        ordered = sorted(attributes, key=lambda attribute: _place(attribute[0]))
        columns[column] = [Attribute(value, round(points - least)) for value, points in ordered]
    return Scorecard(round(base), manifest["classes"][1], columns)
