"""Whether two models answered alike, and how far apart their answers lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Answer = Mapping[str, Any]
NEAR = 0.05  # numbers agree that differ by at most this share of the larger one


def agree(champion: Sequence[Answer], challenger: Sequence[Answer], near: float = NEAR) -> bool:
    """Whether every instance of a request got the same label, or nearly the same number."""
    return all(_alike(one, other, near) for one, other in zip(champion, challenger, strict=True))


def _alike(one: Answer, other: Answer, near: float) -> bool:
    if "value" in one and "value" in other:
        a, b = one["value"], other["value"]
        return bool(abs(a - b) <= near * max(abs(a), abs(b)))
    return "label" in one and one.get("label") == other.get("label")


def distance(champion: Sequence[Answer], challenger: Sequence[Answer]) -> float:
    """The mean over the instances of |a − b| for numbers, and of half the sum of |p − q| over the labels: 0 to 1, the
    probability that the two would have to move to agree."""
    pairs = list(zip(champion, challenger, strict=True))
    return sum(_apart(one, other) for one, other in pairs) / max(len(pairs), 1)


def _apart(one: Answer, other: Answer) -> float:
    if "value" in one and "value" in other:
        return float(abs(one["value"] - other["value"]))
    p, q = one.get("probabilities", {}), other.get("probabilities", {})
    return float(sum(abs(p.get(label, 0.0) - q.get(label, 0.0)) for label in p.keys() | q.keys()) / 2)
