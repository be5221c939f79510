"""The cross-validated training of a preset: members on folds in parallel processes, and the ensemble of what is done.

The coordinating process fits the linear member itself, which gives a first model at once; the others are units of
their own processes, one thread each, on as many cores as the machine can spare (engine/cores.py). Every finished unit
improves the standings; whatever ends the training, what is done by then is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from training.engine import ensembling, metrics, policy, ridge, standings, units
from training.engine.candidates import Candidate
from training.engine.checkpoint import write_atomically
from training.engine.cores import Cores
from training.engine.errors import TrainCancelled, TrainError, TrainPaused
from training.engine.family import Fitted, Problem
from training.engine.folds import MOST_MODELS, Folds
from training.engine.units import Done, Table, Unit
from training.engine.workers import Workers

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Monitor

TICK = 0.05
PAUSE_GRACE = 2.0  # seconds for units to save their checkpoint
SHOWN_EVERY = 0.5  # seconds between two standings, at least
LINEAR_CELLS = 1.5e7  # what the linear member is fitted on at most; more rows tell it nothing new
LINEAR_SHARE = 0.25  # of the time, at most
PATH_ROWS = 5_000  # on tables of more rows the first fold alone chooses the linear member's penalty
WITH_TORCH = {"tabm", "mlp"}


@dataclass
class Member:
    """A candidate and what came of its units. `index` is its place in the request."""

    candidate: Candidate
    done: dict[tuple[int, int], Done] = field(default_factory=dict)
    error: str = ""
    total: np.ndarray | None = None
    count: np.ndarray | None = None

    @property
    def index(self) -> int:
        return self.candidate.index

    def answer(self, width: int) -> np.ndarray:
        """The mean answer of the models that a row was held back from; NaN where there is none.

        Shape: (rows,) values or (rows, classes).
        """
        import numpy as np

        assert self.total is not None and self.count is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: np.ndarray = self.total / self.count[:, None]
        return mean if width > 1 else mean[:, 0]


@dataclass
class CrossValidation:
    """One training. `seconds` is what is left of its time limit, with `reserve(results)` kept for what follows."""

    table: Table
    candidates: Sequence[Candidate]
    make_folds: Callable[[int], Folds]
    workdir: Path
    monitor: Monitor
    cores: Cores
    seed: int
    seconds: float | None
    reserve: Callable[[Sequence[Done]], float]
    checkpoint_every: float = 5.0
    replay: Mapping[str, Any] | None = None
    stopped: bool = False
    before: float = 0.0  # seconds that interrupted attempts spent

    def run(self) -> None:
        """Fit until the time is over or nothing more is worth it. Raises TrainCancelled, TrainPaused, TrainError."""
        self.started = time.monotonic()
        self.members = {candidate.index: Member(candidate) for candidate in self.candidates}
        self.weights: dict[int, float] = {}
        self.running: dict[str, Unit] = {}
        self.shown = 0.0
        self.folds: dict[int, Folds] = {}
        shared = self.workdir / "table"
        self.table.write(shared)
        self.before = self._spent_before()
        self.workers = Workers(self.workdir, shared, self.checkpoint_every)
        try:
            self._warm()
            self._take_up()
            self._compute()
        finally:
            self.workers.close()
        if not self.usable():
            failed = [member.error for member in self.members.values() if member.error]
            detail = failed[0] if failed else "The time was over before a first model."
            raise TrainError("no_model", detail, "Give the training more time, or change what the message names.")

    def _compute(self) -> None:
        self._linear()
        while True:
            self._heed()
            left = self._left()
            if self.stopped or (left is not None and left <= 0.0):
                break
            self._start_units()
            if not self.running:
                break
            self._listen(TICK)
        for unit in list(self.running.values()):
            self.workers.kill(unit)
        self._sum_in_order()
        self._weigh(final=True)

    # What there is of time, folds and earlier attempts

    def _left(self) -> float | None:
        """Seconds until the last unit must have ended."""
        if self.seconds is None or self.replay is not None:
            return None
        spent = self.before + time.monotonic() - self.started
        return self.seconds - spent - self.reserve(self.final_units())

    def _spent_before(self) -> float:
        path = self.workdir / "spent.json"
        return float(json.loads(path.read_text())["seconds"]) if path.exists() else 0.0

    def _note_spent(self) -> None:
        spent = self.before + time.monotonic() - self.started
        write_atomically(self.workdir / "spent.json", json.dumps({"seconds": spent}).encode())

    def folds_of(self, repeat: int) -> Folds:
        """The folds of a repeat, written for the units when they are first needed."""
        if repeat not in self.folds:
            self.folds[repeat] = self.make_folds(repeat)
            units.write_folds(self.workdir / "table", repeat, self.folds[repeat])
        return self.folds[repeat]

    @property
    def order(self) -> list[int]:
        """The folds in the order in which they are done; of a timed split the last first, which sees most rows."""
        found = self.folds_of(0)
        return list(range(found.count))[:: -1 if found.timed else 1]

    def _take_up(self) -> None:
        """What an earlier attempt has done."""
        self.folds_of(0)
        for path in sorted((self.workdir / "units").glob("*/result.json")):
            done = units.read_result(path.parent)
            if done is not None and done.member in self.members:
                self._enter(done, path.parent)

    def _warm(self) -> None:
        names = {candidate.family.name for candidate in self.candidates}
        for torch in sorted({name in WITH_TORCH for name in names - {"linear"}}):
            self.workers.warm(torch)

    # The linear member

    def _linear(self) -> None:
        """The first model, in this process: a path of penalties, the best of which the folds choose."""
        member = next((m for m in self.members.values() if m.candidate.family.name == "linear"), None)
        if member is None or member.error or self._no_linear(member):
            return
        if self.replay is not None:
            self._repeat_linear(member, self.replay)
            return
        order, paths, self.linear_began = self.order, {}, time.monotonic()
        chosen: int | None = None
        with _one_thread():
            for place, fold in enumerate(order):
                if (0, fold) in member.done:
                    continue
                self._heed()
                if self.stopped and member.done:
                    break
                if place and self._linear_over():
                    break
                started = time.monotonic()
                problem = self._linear_problem(fold)
                only = None if chosen is None else (ridge.PENALTIES[chosen],)
                models = ridge.path(problem, self._go_on, only or ridge.PENALTIES)
                paths[fold] = (models, problem, time.monotonic() - started)
                if place == 0 or not self._whole_path:
                    kept = self._keep_linear(member, paths, chosen)
                    if not self._whole_path:
                        chosen = kept
                        paths.clear()
                    self._weigh()
                self._start_units(spare=1)
                self._listen(0.0)
            if self._whole_path and paths:
                self._keep_linear(member, paths, None)
        self._weigh()

    def _repeat_linear(self, member: Member, record: Mapping[str, Any]) -> None:
        """The models of the record, each by the path of penalties that led to it."""
        with _one_thread():
            for told in record["units"]:
                if told["member"] != member.index or (0, told["fold"]) in member.done:
                    continue
                self._heed()
                started = time.monotonic()
                problem = self._linear_problem(told["fold"])
                models = ridge.path(problem, penalties=told["path"])
                self._write_linear(member, told["fold"], models[-1], problem, told["path"], started)

    def _no_linear(self, member: Member) -> bool:
        return len(member.done) >= self.folds_of(0).count

    def _linear_over(self) -> bool:
        return self.seconds is not None and time.monotonic() - self.linear_began > LINEAR_SHARE * self.seconds

    @property
    def _whole_path(self) -> bool:
        return len(self.table.rows) <= PATH_ROWS

    def _go_on(self) -> bool:
        left = self._left()
        return self.monitor.signal() == "go" and (left is None or left > 0.2)

    def _linear_problem(self, fold: int) -> Any:
        problem = self.table.problem(self.folds_of(0), fold, self.seed)
        most = max(20_000, int(LINEAR_CELLS / problem.features))
        every = -(-len(problem.train) // most)
        return replace(problem, train=problem.train.take(slice(None, None, every)))

    def _keep_linear(self, member: Member, paths: Mapping[int, Any], chosen: int | None) -> int:
        """Write the models of the best penalty over these folds as units; return its place in the path."""
        import numpy as np

        whole = chosen is None
        if chosen is None:
            fewest = min(len(models) for models, _, _ in paths.values())
            losses = np.zeros(fewest)
            for models, problem, _ in paths.values():
                held = problem.validation
                each = [metrics.row_losses(held.y, model.predict(held.X), self.table.task) for model in models[:fewest]]
                losses += [float((loss if held.w is None else loss * held.w).sum()) for loss in each]
            chosen = int(losses.argmin())
        for fold, (models, problem, seconds) in paths.items():
            # Of the other folds of a large table, one penalty alone was tried.
            place = min(chosen, len(models) - 1)
            path = list(ridge.PENALTIES[: place + 1]) if whole else [ridge.PENALTIES[chosen]]
            self._write_linear(member, fold, models[place], problem, path, time.monotonic() - seconds)
        return chosen

    def _write_linear(  # noqa: PLR0917 (a model, and where it came from)
        self, member: Member, fold: int, model: Fitted, problem: Problem, path: Sequence[float], started: float
    ) -> None:
        unit = Unit(member.index, "linear", {"penalty": path[-1], "path": list(path)}, 0, fold, self.seed)
        folder = self.workers.folder(unit)
        if (0, fold) in member.done:  # the first fold's, shown before all folds had chosen the penalty
            self._forget(member, 0, fold)
        seconds = time.monotonic() - started
        self._enter(units.keep(unit, model, problem, self.table, folder, seconds), folder)

    def _forget(self, member: Member, repeat: int, fold: int) -> None:
        import numpy as np

        assert member.total is not None and member.count is not None
        held = self.folds_of(repeat).held(fold)
        done = np.load(self.workdir / "units" / f"{member.index}-{repeat}-{fold}" / "held.npy")
        member.total[held] -= done.reshape(len(held), -1)
        member.count[held] -= 1
        del member.done[repeat, fold]

    # Units

    def _start_units(self, spare: int = 0) -> None:
        """Start what comes next on every core that can be had; `spare` cores compute in this process."""
        while True:
            if len(self.running) + spare >= len(self.cores.held) and not self.cores.more():
                return
            unit = self._next()
            if unit is None:
                self._give_back(spare)
                return
            self.running[unit.name] = unit
            self.workers.start(unit, unit.family in WITH_TORCH)

    def _give_back(self, spare: int = 0) -> None:
        while len(self.cores.held) > max(1, len(self.running) + spare):
            self.cores.fewer()

    def _next(self) -> Unit | None:
        if self.replay is not None:
            return self._next_of_replay()
        found = policy.choose(self._state(), self.order)
        if found is None:
            return None
        self.folds_of(found.repeat)
        return self._unit(found.member, found.repeat, found.fold, found.seconds)

    def _unit(self, index: int, repeat: int, fold: int, seconds: float | None) -> Unit:
        candidate = self.members[index].candidate
        watched = f"{self.name_of(index)}/" if (repeat, fold) == (0, self.order[0]) else ""
        seed = self.seed + 1_000 * repeat + fold
        return Unit(index, candidate.family.name, dict(candidate.params), repeat, fold, seed, seconds, watched)

    def _next_of_replay(self) -> Unit | None:
        """The next unit of the record, its steps set, without a clock."""
        assert self.replay is not None
        for told in self.replay["units"]:
            key = (told["member"], told["repeat"], told["fold"])
            member = self.members[key[0]]
            if member.candidate.family.name == "linear" or member.error or key[1:] in member.done:
                continue
            if f"{key[0]}-{key[1]}-{key[2]}" in self.running:
                continue
            self.folds_of(key[1])
            unit = self._unit(*key, None)
            return replace(unit, params={**unit.params, **exact(unit.params, told)})
        return None

    def _state(self) -> policy.State:
        members = [m for m in self.members.values() if not m.error and m.candidate.family.name != "linear"]
        done = frozenset((m.index, *key) for m in members for key in m.done)
        per_member = MOST_MODELS // self.folds_of(0).count
        return policy.State(
            folds=self.folds_of(0).count,
            repeats=1 if self.folds_of(0).timed else max(1, per_member),
            cores=max(1, len(self.cores.held), min(2, self.cores.most)),
            left=self._left(),
            members=[m.index for m in members],
            done=done,
            running=frozenset(unit.key for unit in self.running.values()),
            seconds={m.index: [one.seconds for one in m.done.values()] for m in members if m.done},
            weights=self.weights,
            losses={m.index: fmean([one.score for one in m.done.values()]) for m in members if m.done},
        )

    def _listen(self, wait: float) -> None:
        """Take what the units say; a unit's end frees its core for the next one."""
        ended = False
        for told in self.workers.news(wait):
            if "metrics" in told:
                self.monitor.metrics(told["step"], told["metrics"])
            elif "log" in told:
                self.monitor.log(told["log"], told["level"])
            elif "failed" in told:
                self.monitor.log(told["failed"], "error")
            elif "code" in told:
                ended = self._ended(told["name"], told["code"]) or ended
            elif "dead" in told:
                self._nursery_died(told["dead"])
        if ended:
            self._note_spent()
            self._weigh()
            self._tell_progress()

    def _ended(self, name: str, code: int) -> bool:
        unit = self.running.pop(name, None)
        if unit is None:
            return False
        folder = self.workers.folder(unit)
        done = units.read_result(folder)
        if done is None:
            done = Done(*unit.key, unit.seed, unit.params, error=_died(code))
            units.write_result(folder, done)
        self._enter(done, folder)
        return True

    def _nursery_died(self, torch: bool) -> None:
        """All its units went with it: their members are out, the training goes on with the others."""
        for name, unit in list(self.running.items()):
            if (unit.family in WITH_TORCH) == torch:
                self._ended(name, -9)

    def _enter(self, done: Done, folder: Path) -> None:
        """Count a finished unit's answers in; a failed one takes its member out, unless the others are many."""
        import numpy as np

        member = self.members[done.member]
        if done.error:
            if not member.done:
                member.error = done.error
            self.monitor.log(f"{member.candidate.family.label}: {done.error}", "warning")
            return
        if member.total is None:
            member.total = np.zeros((len(self.table.rows), self.table.width))
            member.count = np.zeros(len(self.table.rows))
        assert member.count is not None
        held = self.folds_of(done.repeat).held(done.fold)
        member.done[done.repeat, done.fold] = done
        member.total[held] += np.load(folder / "held.npy").reshape(len(held), -1)
        member.count[held] += 1

    def _sum_in_order(self) -> None:
        """Units end in any order, and sums of doubles depend on it: the final ones are those of a replay."""
        import numpy as np

        for member in self.usable():
            member.total = np.zeros((len(self.table.rows), self.table.width))
            for (repeat, fold), _ in sorted(member.done.items()):
                held = self.folds_of(repeat).held(fold)
                path = self.workdir / "units" / f"{member.index}-{repeat}-{fold}" / "held.npy"
                member.total[held] += np.load(path).reshape(len(held), -1)

    # The ensemble of what is done

    def usable(self) -> list[Member]:
        return [member for member in self.members.values() if member.done]

    def common(self, members: Sequence[Member]) -> np.ndarray:
        """The rows that all of these members have an answer for, none of which saw them."""
        import numpy as np

        rows = np.ones(len(self.table.rows), bool)
        for member in members:
            assert member.count is not None
            rows &= member.count > 0
        return np.flatnonzero(rows)

    def _weigh(self, final: bool = False) -> None:
        """Select the ensemble from what is done, and show it."""
        now = time.monotonic()
        members = self.usable()
        if not members or (not final and now - self.shown < SHOWN_EVERY and self.weights):
            return
        found = self.select(members)
        self.weights = {m.index: float(weight) for m, weight in zip(members, found, strict=True)}
        self.shown = time.monotonic()
        self.monitor.standings(standings.leaderboard(self))

    def select(self, members: Sequence[Member]) -> np.ndarray:
        rows = self.common(members)
        y, w = self.table.rows.y[rows], self.table.rows.w
        answers = [member.answer(self.table.width)[rows] for member in members]
        return ensembling.select(answers, y, self.table.task, None if w is None else w[rows], self.seed)

    def final_units(self) -> list[Done]:
        """The units whose models the ensemble is made of."""
        return [
            done
            for member in self.usable()
            if self.weights.get(member.index, 0.0) > 0.0
            for _, done in sorted(member.done.items())
        ]

    def answer(self) -> tuple[np.ndarray, np.ndarray]:
        """The ensemble's out-of-fold answers, and the rows that they are for."""
        import numpy as np

        members = [m for m in self.usable() if self.weights.get(m.index, 0.0) > 0.0]
        rows = self.common(members)
        stack = np.stack([member.answer(self.table.width)[rows] for member in members])
        return ensembling.mean(stack, np.array([self.weights[m.index] for m in members])), rows

    # What is told

    def _heed(self) -> None:
        """Follow the monitor's signal: the units see it within a step."""
        signal = self.monitor.signal()
        if signal == "cancel":
            raise TrainCancelled
        if signal == "pause":
            self._pause()
            raise TrainPaused
        if signal == "stop" and not self.stopped:
            self.stopped = True

    def _pause(self) -> None:
        self.workers.tell("pause")
        until = time.monotonic() + PAUSE_GRACE
        while self.running and time.monotonic() < until:
            for told in self.workers.news(TICK):
                if "code" in told:
                    unit = self.running.pop(told["name"], None)
                    if unit is not None and (done := units.read_result(self.workers.folder(unit))) is not None:
                        self._enter(done, self.workers.folder(unit))
        self._note_spent()

    def _tell_progress(self) -> None:
        done = sum(len(member.done) for member in self.usable())
        planned = len(self.members) * self.folds_of(0).count
        fraction = min(0.99, done / planned)
        if self.seconds is not None and self.replay is None:
            fraction = max(
                min(0.9, fraction), min(0.95, (self.before + time.monotonic() - self.started) / self.seconds)
            )
        self.monitor.progress(min(0.95, fraction), f"{done} models")

    def name_of(self, index: int) -> str:
        """The member's name in curves: its family's, numbered where that comes more than once."""
        names = [candidate.family.name for candidate in self.candidates]
        place = next(i for i, candidate in enumerate(self.candidates) if candidate.index == index)
        name = names[place]
        return f"{name}-{names[:place].count(name) + 1}" if names.count(name) > 1 else name

    def record(self) -> dict[str, Any]:
        """What a replay needs to do exactly this again: units with their seeds and steps, without a clock."""
        told = [
            {
                name: getattr(one, name)
                for name in ("member", "repeat", "fold", "seed", "steps", "ended_by", "latency_ms")
            }
            for member in self.usable()
            for _, one in sorted(member.done.items())
        ]
        for one, unit in zip(told, (one for m in self.usable() for _, one in sorted(m.done.items())), strict=True):
            if "path" in unit.params:
                one["path"] = unit.params["path"]
        return {"units": told, "folds": self.folds_of(0).count, "seed": self.seed}


def exact(params: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a fit that a time limit ended do the same steps without one."""
    if not told["ended_by"]:
        return {}
    name = next((name for name in ("steps", "rounds") if name in params), None)
    return {name: max(1, told["steps"])} if name else {}


def _died(code: int) -> str:
    if code == -9:
        return "Its process was killed, most likely because the memory was not enough."
    return f"Its process ended by itself ({f'signal {-code}' if code < 0 else f'code {code}'})."


def _one_thread() -> Any:
    """NumPy's linear algebra on one thread: this process holds one core."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)
