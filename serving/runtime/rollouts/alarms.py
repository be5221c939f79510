"""When a challenger is worse than it may be, told from counts and not from chance.

Every alarm asks the same of some calls: is the share of bad ones above its bound? It says yes when even the lower end of
Wilson's interval (z = 3, one false alarm in some 700 looks) is. Three failures of three are enough; three of a hundred are
not, where 2 % may fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from serving.runtime.rollouts.tally import Tally

Z = 3.0
FEWEST_BAD = 3
# A challenger may always take this much longer: what callers do not notice rolls nothing back.
SLACK_MICROSECONDS = 5_000
FEWEST_FOR_P95 = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """How bad a challenger may be; None watches nothing.

    `errors` and `disagreement` are shares of calls (0 to 1), `p95_ratio` how many times the champion's 95th percentile
    its own may be.
    """

    errors: float | None = 0.02
    p95_ratio: float | None = 3.0
    disagreement: float | None = 0.2


@dataclass(frozen=True, slots=True)
class Alarm:
    """What went wrong: `value` was seen in `calls` calls where `bound` is allowed."""

    kind: str
    value: float
    bound: float
    calls: int


def lowest_share(bad: int, calls: int, z: float = Z) -> float:
    """The lower end of Wilson's score interval of bad/calls; 0 without calls."""
    if calls == 0:
        return 0.0
    share, square = bad / calls, z * z
    middle = share + square / (2 * calls)
    spread = z * sqrt(share * (1 - share) / calls + square / (4 * calls * calls))
    return max(0.0, (middle - spread) / (1 + square / calls))


def is_above(bad: int, calls: int, bound: float) -> bool:
    """Whether more than `bound` of the calls are bad, chance set aside."""
    return bad >= FEWEST_BAD and lowest_share(bad, calls) > bound


def first_alarm(bounds: Bounds, tally: Tally, before: Tally) -> Alarm | None:
    """What speaks against the challenger in `tally`; the champion's own latency is taken from `before`, which is longer."""
    return _errors(bounds, tally) or _latency(bounds, tally, before) or _disagreement(bounds, tally)


def _errors(bounds: Bounds, tally: Tally) -> Alarm | None:
    if bounds.errors is None or not is_above(tally.failed, tally.tried, bounds.errors):
        return None
    return Alarm("errors", tally.failed / tally.tried, bounds.errors, tally.tried)


def _latency(bounds: Bounds, tally: Tally, before: Tally) -> Alarm | None:
    if bounds.p95_ratio is None:
        return None
    pairs = (
        (tally.challenger_answered_in, before.champion_answered_in),
        (tally.challenger_compared_in, before.champion_compared_in),
    )
    for challenger, champion in pairs:
        usual = champion.at(0.95) if champion.calls >= FEWEST_FOR_P95 else None
        if usual is None:
            continue
        slow = challenger.above(max(bounds.p95_ratio * usual, usual + SLACK_MICROSECONDS))
        if is_above(slow, challenger.calls, 0.05):
            return Alarm("latency", (challenger.at(0.95) or 0.0) / usual, bounds.p95_ratio, challenger.calls)
    return None


def _disagreement(bounds: Bounds, tally: Tally) -> Alarm | None:
    apart = tally.compared - tally.agreed
    if bounds.disagreement is None or not is_above(apart, tally.compared, bounds.disagreement):
        return None
    return Alarm("disagreement", apart / tally.compared, bounds.disagreement, tally.compared)
