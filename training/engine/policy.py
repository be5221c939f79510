"""What a cross-validated training does next, and how long it may take.

First every member on the first fold, the quick ones before the slow; then the other folds of the members that earn it;
then, while time is left and small tables still gain by it, more seeds and other folds of those that the ensemble uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[int, int, int]  # member, repeat, fold

LEAST_SECONDS = 0.5  # no fit is worth starting for less
MARGIN = 1.1  # a fit like another may take so much longer
NEAR = 1.03  # times the best loss: members so good stay in, whatever the ensemble makes of them
PATIENT = 3  # folds at least that a slow member should be able to do


@dataclass
class State:
    """What is known. `members` are the numbers of those that are still in, quick ones first; `seconds` what their units
    took, by member; `weights` the present ensemble's; `losses` each member's; `left` the wall seconds, None: no limit.
    """

    folds: int
    repeats: int
    cores: int
    left: float | None
    members: Sequence[int]
    done: frozenset[Key] = frozenset()
    running: frozenset[Key] = frozenset()
    seconds: Mapping[int, Sequence[float]] = field(default_factory=dict)
    weights: Mapping[int, float] = field(default_factory=dict)
    losses: Mapping[int, float] = field(default_factory=dict)

    @property
    def taken(self) -> frozenset[Key]:
        return self.done | self.running

    def cost(self, member: int) -> float | None:
        """What a unit of the member takes, by the slowest so far."""
        took = self.seconds.get(member)
        return max(took) if took else None

    def first_fold(self) -> int:
        return 0


@dataclass(frozen=True)
class Next:
    """The unit to start now and the seconds that its fit may take (None: no limit)."""

    member: int
    repeat: int
    fold: int
    seconds: float | None


def choose(state: State, order: Sequence[int]) -> Next | None:
    """The next unit, or None where nothing more is worth its time. `order` gives the folds, the first one first."""
    for step in (_first_folds, _other_folds, _repeats):
        found = step(state, order)
        if found is not None:
            return found
    return None


def _first_folds(state: State, order: Sequence[int]) -> Next | None:
    waiting = [m for m in state.members if (m, 0, order[0]) not in state.taken]
    if not waiting:
        return None
    return _next(state, waiting[0], 0, order[0], _share(state, waiting))


def _share(state: State, waiting: Sequence[int]) -> float | None:
    """An even share of the core seconds that the members known so far will leave, for one of several folds."""
    if state.left is None:
        return None
    known = sum(
        (state.cost(m) or 0.0) * sum((m, 0, f) not in state.done for f in range(state.folds)) for m in state.members
    )
    free = max(state.left * state.cores - known, 0.4 * state.left * state.cores)
    # A fit that its limit shortens is worth less than one fold fewer.
    folds = min(state.folds, PATIENT + 1)
    return min(0.6 * state.left, free / (len(waiting) * folds))


def _other_folds(state: State, order: Sequence[int]) -> Next | None:
    """Fold after fold, the members in the order of their worth; those that time will not suffice for are left out."""
    for fold in order[1:]:
        for member in _worthy(state):
            if (member, 0, fold) in state.taken:
                continue
            cost = state.cost(member)
            if cost is None:  # its first fold is still running
                continue
            if state.left is None or cost * MARGIN <= state.left:
                return _next(state, member, 0, fold, None if state.left is None else max(cost * MARGIN, 1.0))
    return None


def _worthy(state: State) -> list[int]:
    """The members worth all folds: all, where time suffices; else those that the ensemble uses or that come near."""
    ranked = sorted(
        state.members,
        key=lambda m: (-state.weights.get(m, 0.0), state.losses.get(m, float("inf")), state.members.index(m)),
    )
    if state.left is None:
        return ranked
    pending = sum(
        (state.cost(m) or 0.0) * sum((m, 0, f) not in state.taken for f in range(state.folds)) for m in ranked
    )
    if pending <= 0.9 * state.left * state.cores:
        return ranked
    best = min(state.losses.values(), default=0.0)
    return [m for m in ranked if state.weights.get(m, 0.0) >= 0.05 or state.losses.get(m, float("inf")) <= NEAR * best]


def _repeats(state: State, order: Sequence[int]) -> Next | None:
    """More of what the ensemble uses: the member whose weight stands on the fewest models, in its next fold."""
    if state.left is None:
        return None
    counts = {m: sum(key[0] == m for key in state.taken) for m in state.members}
    used = [m for m in state.members if state.weights.get(m, 0.0) >= 0.05 and counts[m]]
    for member in sorted(used, key=lambda m: counts[m] / state.weights[m]):
        cost = state.cost(member)
        if cost is None or cost * MARGIN > state.left:
            continue
        for repeat in range(1, state.repeats):
            for fold in order:
                if (member, repeat, fold) not in state.taken:
                    return _next(state, member, repeat, fold, max(cost * MARGIN, 1.0))
    return None


def _next(state: State, member: int, repeat: int, fold: int, seconds: float | None) -> Next | None:
    if seconds is None or state.left is None:
        return Next(member, repeat, fold, seconds)
    seconds = min(seconds, state.left)
    return Next(member, repeat, fold, seconds) if seconds >= min(LEAST_SECONDS, state.left) > 0.05 else None
