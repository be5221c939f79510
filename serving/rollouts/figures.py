"""What a rollout has shown so far: champion and challenger side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from serving.rollouts.models import RolloutTally
from serving.rollouts.watching import total
from serving.runtime.rollouts.tally import Latencies, Tally


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: the calls that it answered, those it failed, and its latencies in microseconds (None: no calls).

    `alone` are latencies of the model by itself, where both were asked the same.
    """

    calls: int
    failed: int | None
    p50: int | None
    p95: int | None
    alone_p50: int | None
    alone_p95: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """`agreement` is a share of the `compared` calls, `distance` the mean distance of their answers; None without any."""

    champion: Side
    challenger: Side
    compared: int
    uncompared: int
    agreement: float | None
    distance: float | None


def figures_of(tallies: Iterable[RolloutTally]) -> Figures:
    seen = total(list(tallies))
    return Figures(
        champion=_side(seen.champion, None, seen.champion_answered_in, seen.champion_compared_in),
        challenger=_side(seen.challenger, seen.failed, seen.challenger_answered_in, seen.challenger_compared_in),
        compared=seen.compared,
        uncompared=seen.uncompared,
        agreement=_mean(seen.agreed, seen),
        distance=_mean(seen.difference, seen),
    )


def _side(calls: int, failed: int | None, answered: Latencies, alone: Latencies) -> Side:
    return Side(calls, failed, *(_microseconds(each, share) for each in (answered, alone) for share in (0.5, 0.95)))


def _microseconds(latencies: Latencies, share: float) -> int | None:
    found = latencies.at(share)
    return None if found is None else round(found)


def _mean(value: float, seen: Tally) -> float | None:
    return value / seen.compared if seen.compared else None
