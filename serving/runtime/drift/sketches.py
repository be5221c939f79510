"""Counting values into the bins of a reference, so that distributions are added up and no value is kept.

A sketch is (1 + slots,) whole numbers: how many values were missing, then one slot for each bin. Sketches over the same
bins add up, whatever they were counted from and in which order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from training.engine.reference import BINS, edges_of

GROUPS = 10  # the bins of PSI and of pictures; tests look at all


class Bins(Protocol):
    """Where values fall. `ordered` says whether neighbouring bins are near each other."""

    @property
    def ordered(self) -> bool: ...

    def count(self, values: Sequence[Any]) -> np.ndarray:
        """The sketch of the values; None is missing. Shape: (1 + slots,) int64."""

    def groups(self, reference: np.ndarray) -> list[tuple[Any, list[int]]]:
        """At most about GROUPS of (name, places in the sketch): for PSI, and for people."""


@dataclass(frozen=True)
class NumberBins:
    """`edges` rise; bin i holds what is above edges[i − 1] and not above edges[i]."""

    edges: tuple[float, ...]
    ordered: bool = field(default=True, init=False)

    def count(self, values: Sequence[Any]) -> np.ndarray:
        numbers = np.array([None if isinstance(each, str) else each for each in values], dtype=np.float64)
        known = numbers[~np.isnan(numbers)]
        slots = np.bincount(np.searchsorted(self.edges, known, side="left"), minlength=len(self.edges) + 1)
        return np.concatenate([[len(numbers) - len(known)], slots])

    def groups(self, reference: np.ndarray) -> list[tuple[Any, list[int]]]:
        """Neighbouring bins that hold about a tenth of the reference together; named (above, up to), None for no end."""
        slots = reference[1:]
        total, ends = int(slots.sum()), [None, *self.edges, None]
        found: list[tuple[Any, list[int]]] = []
        first, held = 0, 0
        for place, count in enumerate(slots):
            held += int(count)
            last = place == len(slots) - 1
            if last or held * GROUPS >= total * (len(found) + 1):
                found.append(((ends[first], ends[place + 1]), [1 + each for each in range(first, place + 1)]))
                first = place + 1
        return found


OTHER = None  # the name of what is not among the listed categories


@dataclass(frozen=True)
class CategoryBins:
    """`labels` are the usual ones, the most frequent first. `complete`: training saw no other, so another is unseen."""

    labels: tuple[str, ...]
    complete: bool
    ordered: bool = field(default=False, init=False)
    places: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {label: 2 + i for i, label in enumerate(self.labels)})

    def count(self, values: Sequence[Any]) -> np.ndarray:
        sketch = np.zeros(2 + len(self.labels), dtype=np.int64)
        for value in values:
            sketch[0 if value is None else self.places.get(key_of(value), 1)] += 1
        return sketch

    def groups(self, reference: np.ndarray) -> list[tuple[Any, list[int]]]:
        """The most frequent ones by name, and the rest together."""
        shown = self.labels[: GROUPS - 1]
        rest = [1, *(self.places[label] for label in self.labels[len(shown) :])]
        return [*((label, [self.places[label]]) for label in shown), (OTHER, rest)]


def key_of(value: Any) -> str:
    """A category as a sketch names it: as JSON would write it, without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number_bins(values: np.ndarray, most: int = BINS) -> NumberBins:
    """The bins of training/engine/reference.py over the values that are finite."""
    return NumberBins(tuple(edges_of(values[np.isfinite(values)], most).tolist()))
