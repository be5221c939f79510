"""What would have to be otherwise for another answer: the fewest changes, and of those the smallest.

Wachter et al. 2017, Counterfactual Explanations without Opening the Black Box; distances by each column's spread and few
changes as there and in Mothilal et al. 2020, DiCE. One change is looked for exhaustively over each column's values, two
and more by a beam that keeps what came nearest. Every row is asked for in the very way that callers ask, so that what is
found is what the endpoint answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from serving.runtime.explain.moves import ANY, Column, allowed

Answer = Mapping[str, Any]
Ask = Callable[[list[dict[str, Any]]], Sequence[Answer]]
Reached = Callable[[Answer], bool]
Nearness = Callable[[Answer], float]

MOST_CHANGES = 4
BEAM, EACH, KEPT = 24, 3, 8  # states kept; of them with the same columns; values of a column tried from the second on
MOST_ASKED = 20_000
HALVINGS, POINTS = 4, 7  # a number is brought back towards what it was: rounds, and points in each


@dataclass(frozen=True)
class Goal:
    """What is wanted: `reached` judges an answer, `nearness` is larger the nearer one comes."""

    reached: Reached
    nearness: Nearness


@dataclass(frozen=True)
class Found:
    """A changed instance that gets the wanted answer. `changes` is {column: new value}, `distance` in usual spreads."""

    changes: Mapping[str, Any]
    answer: Answer
    distance: float


@dataclass(frozen=True)
class _State:
    changes: Mapping[str, Any]
    answer: Answer
    is_reached: bool
    nearness: float


class Search:
    """One instance, what may change of it, and what is wanted. `asked` counts the rows that were answered."""

    def __init__(
        self,
        ask: Ask,
        goal: Goal,
        instance: Mapping[str, Any],
        columns: Sequence[Column],
        *,
        locked: Collection[str] = (),
        directions: Mapping[str, str] | None = None,
    ) -> None:
        """`directions` says of a column whether it may only go "up" or "down"."""
        self.ask, self.goal, self.instance = ask, goal, dict(instance)
        self.columns = {column.name: column for column in columns if column.name not in locked}
        self.directions = dict(directions or {})
        self.asked = 0

    def run(self, count: int = 3) -> list[Found]:
        """Up to so many ways, each with other columns: fewest changes first, then the smallest. Empty where none was found."""
        singles = self._states({name: value} for name in self.columns for value in self._values(name))
        moves = self._promising(singles)
        found: dict[frozenset[str], Found] = {}
        states = singles
        for _changes in range(MOST_CHANGES):
            self._collect(states, found)
            if len(found) >= count or self.asked >= MOST_ASKED:
                break
            states = self._states(self._extended(self._beam(states, found), moves, found))
            if not states:
                break
        ranked = sorted(found.values(), key=lambda way: (len(way.changes), way.distance))
        return list(islice(self._verified(ranked), count))

    def _verified(self, ways: Sequence[Found]) -> Iterator[Found]:
        """Each asked about alone, as a caller would: in a batch, the last digits of a sum may differ."""
        for way in ways:
            [answer] = self.ask([{**self.instance, **way.changes}])
            if self.goal.reached(answer):
                yield Found(way.changes, answer, way.distance)

    def _values(self, name: str) -> list[Any]:
        return allowed(self.columns[name], self.instance.get(name), self.directions.get(name, ANY))

    def _states(self, changes: Iterator[dict[str, Any]] | Any) -> list[_State]:
        """Ask about these changes, as many as are left to be asked."""
        wanted = list(islice(changes, max(0, MOST_ASKED - self.asked)))
        if not wanted:
            return []
        self.asked += len(wanted)
        answers = self.ask([{**self.instance, **each} for each in wanted])
        reached, nearness = self.goal.reached, self.goal.nearness
        return [_State(c, a, reached(a), nearness(a)) for c, a in zip(wanted, answers, strict=True)]

    def _promising(self, singles: Sequence[_State]) -> dict[str, list[Any]]:
        """The values of each column that bring the answer nearest, on their own."""
        best: dict[str, list[Any]] = {name: [] for name in self.columns}
        for state in sorted(singles, key=lambda state: -state.nearness):
            [(name, value)] = state.changes.items()
            if len(best[name]) < KEPT:
                best[name].append(value)
        return best

    def _beam(self, states: Sequence[_State], found: Mapping[frozenset[str], Found]) -> list[_State]:
        kept: list[_State] = []
        seen: dict[frozenset[str], int] = {}
        for state in sorted(states, key=lambda state: -state.nearness):
            names = frozenset(state.changes)
            if state.is_reached or seen.get(names, 0) >= EACH or any(own <= names for own in found):
                continue
            seen[names] = seen.get(names, 0) + 1
            kept.append(state)
            if len(kept) == BEAM:
                break
        return kept

    def _extended(
        self, beam: Sequence[_State], moves: Mapping[str, Sequence[Any]], found: Mapping[frozenset[str], Found]
    ) -> Iterator[dict[str, Any]]:
        """Each state with one change more, once each; none that only adds to what is enough already."""
        seen = set()
        for state in beam:
            for name, values in moves.items():
                names = frozenset(state.changes) | {name}
                if name in state.changes or any(own <= names for own in found):
                    continue
                for value in values:
                    changes = {**state.changes, name: value}
                    key = frozenset(changes.items())
                    if key not in seen:
                        seen.add(key)
                        yield changes

    def _collect(self, states: Sequence[_State], found: dict[frozenset[str], Found]) -> None:
        """Of the states that reach the goal, the smallest for each set of columns, made smaller still."""
        best: dict[frozenset[str], _State] = {}
        for state in states:
            names = frozenset(state.changes)
            if state.is_reached and (names not in best or self._rank(state) < self._rank(best[names])):
                best[names] = state
        for state in sorted(best.values(), key=self._rank):
            way = self._smallest(state)
            names = frozenset(way.changes)
            if not any(own <= names for own in found):
                found[names] = way

    def _rank(self, state: _State) -> tuple[float, float]:
        return self._distance(state.changes), -state.nearness

    def _distance(self, changes: Mapping[str, Any]) -> float:
        return sum(self.columns[name].distance(self.instance.get(name), value) for name, value in changes.items())

    def _smallest(self, state: _State) -> Found:
        """Leave out changes that are not needed, then bring each number back as far as the answer allows."""
        for name in list(state.changes):
            fewer = {other: value for other, value in state.changes.items() if other != name}
            [without] = self._states([fewer]) if fewer else [state]
            state = without if without.is_reached else state
        for name in list(state.changes):
            state = self._nearer(state, name)
        return Found(state.changes, state.answer, self._distance(state.changes))

    def _nearer(self, state: _State, name: str) -> _State:
        """The same with one number as near to the present one as is still enough, to about a thousandth of the way."""
        column, current = self.columns[name], self.instance.get(name)
        if not column.is_ordered or current is None:
            return state
        start = short = column.place(current)
        for _turn in range(HALVINGS):
            end = column.place(state.changes[name])
            steps = (short + (end - short) * part / (POINTS + 1) for part in range(1, POINTS + 1))
            values = dict.fromkeys(column.value(place) for place in steps)
            between = [v for v in values if v not in (current, state.changes[name]) and self._permits(column, v)]
            tried = self._states({**state.changes, name: value} for value in between)
            state = min([state, *(each for each in tried if each.is_reached)], key=self._rank)
            end = column.place(state.changes[name])
            failed = (column.place(each.changes[name]) for each in tried if not each.is_reached)
            short = max(
                (p for p in failed if abs(p - start) < abs(end - start)), key=lambda p: abs(p - start), default=short
            )
        return state

    def _permits(self, column: Column, value: Any) -> bool:
        """Whether a value on the way back lies within what training saw and the column's direction."""
        assert column.low is not None and column.high is not None
        if not column.low <= column.place(value) <= column.high:
            return False
        current, direction = self.instance.get(column.name), self.directions.get(column.name, ANY)
        rises = column.place(value) > column.place(current)
        return direction == ANY or rises == (direction == "up")
