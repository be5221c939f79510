"""What was seen of a challenger and a champion, as counts that add up: no values of rows.

Latencies are counted on a scale that grows by 2^(1/8): a percentile read from it is within 5 % of the true one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STEPS_PER_DOUBLING = 8


def slot_of(microseconds: float) -> int:
    """The slot of the scale in which a duration falls."""
    return round(STEPS_PER_DOUBLING * math.log2(max(microseconds, 1.0)))


@dataclass
class Latencies:
    """How many calls took about how long: {slot: calls}."""

    slots: Counter[int] = field(default_factory=Counter)

    @classmethod
    def from_json(cls, item: Mapping[str, int]) -> Latencies:
        return cls(Counter({int(slot): calls for slot, calls in item.items()}))

    def as_json(self) -> dict[str, int]:
        return {str(slot): calls for slot, calls in sorted(self.slots.items())}

    def add(self, microseconds: float) -> None:
        self.slots[slot_of(microseconds)] += 1

    @property
    def calls(self) -> int:
        return sum(self.slots.values())

    def at(self, share: float) -> float | None:
        """The microseconds below which about `share` of the calls lie; None without calls."""
        wanted, seen = share * self.calls, 0
        for slot, calls in sorted(self.slots.items()):
            seen += calls
            if seen >= wanted and calls:
                return float(2 ** (slot / STEPS_PER_DOUBLING))
        return None

    def above(self, microseconds: float) -> int:
        """How many calls took longer."""
        return sum(calls for slot, calls in self.slots.items() if slot > slot_of(microseconds))


COUNTS = ("champion", "challenger", "tried", "failed", "fell_back", "compared", "agreed", "uncompared")
LATENCIES = ("champion_answered_in", "challenger_answered_in", "champion_compared_in", "challenger_compared_in")


@dataclass
class Tally:
    """One rollout's counts over some time.

    `champion` and `challenger` count the calls that each answered; `tried` those in which the challenger was asked, to
    answer or to compare, and `failed` how many of them it could not; the champion answered the `fell_back` ones. Of the
    `compared` calls both answered, `agreed` alike; `difference` is the sum of their distances (comparing.distance).
    `uncompared` were left out, so that comparing never takes long. `answered_in` are latencies of whole requests by who
    answered, `compared_in` of the models alone where both were asked.
    """

    champion: int = 0
    challenger: int = 0
    tried: int = 0
    failed: int = 0
    fell_back: int = 0
    compared: int = 0
    agreed: int = 0
    uncompared: int = 0
    difference: float = 0.0
    champion_answered_in: Latencies = field(default_factory=Latencies)
    challenger_answered_in: Latencies = field(default_factory=Latencies)
    champion_compared_in: Latencies = field(default_factory=Latencies)
    challenger_compared_in: Latencies = field(default_factory=Latencies)

    def __add__(self, other: Tally) -> Tally:
        counts: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in (*COUNTS, "difference")}
        times: dict[str, Any] = {
            name: Latencies(getattr(self, name).slots + getattr(other, name).slots) for name in LATENCIES
        }
        return Tally(**counts, **times)

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Tally:
        counts = {name: item.get(name, 0) for name in (*COUNTS, "difference")}
        times: dict[str, Any] = {name: Latencies.from_json(item.get(name, {})) for name in LATENCIES}
        return cls(**counts, **times)

    def as_json(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in (*COUNTS, "difference")}
        return {**counts, **{name: getattr(self, name).as_json() for name in LATENCIES}}
