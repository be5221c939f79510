"""The units of a cross-validated training: one candidate on one fold, in a process of its own.

A unit reads the table from files that all units share, and leaves in its folder the model, its answers for the rows
that it was held back from, and, last, result.json. A unit with a result is done and is never done again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine import artifact, metrics
from training.engine.checkpoint import write_atomically
from training.engine.control import Control, Monitor
from training.engine.errors import TrainError
from training.engine.family import FAMILIES, Fitted, Problem, Rows
from training.engine.folds import Folds

if TYPE_CHECKING:
    import numpy as np

PROBES = 256  # rows on which the finished ensemble is held against its members as they were trained
PARITY_ROWS = 2_000
TRAIN_ROWS = 2_000
LOOKS = 25  # single rows that are answered to measure how long one takes


@dataclass(frozen=True)
class Unit:
    """What is to be fitted. `seconds` limits the fit, None does not; `watched` units report their curves."""

    member: int
    family: str
    params: dict[str, Any]
    repeat: int
    fold: int
    seed: int
    seconds: float | None = None
    watched: str = ""

    @property
    def key(self) -> tuple[int, int, int]:
        return (self.member, self.repeat, self.fold)

    @property
    def name(self) -> str:
        return f"{self.member}-{self.repeat}-{self.fold}"


@dataclass(frozen=True)
class Done:
    """What came of a unit. `row_us` and `latency_ms` are what its model takes for a row of many, and for one alone."""

    member: int
    repeat: int
    fold: int
    seed: int
    params: dict[str, Any] = field(default_factory=dict)
    score: float = 0.0
    train_score: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    size: int = 0
    parity: float = 0.0
    row_us: float = 0.0
    latency_ms: float = 0.0
    ended_by: str = ""
    error: str = ""

    @property
    def key(self) -> tuple[int, int, int]:
        return (self.member, self.repeat, self.fold)


@dataclass(frozen=True)
class Table:
    """The rows that are learned from, as units see them. Shape: X (rows, features), y and w (rows,)."""

    rows: Rows
    task: str
    classes: int
    monotone: tuple[int, ...]

    @property
    def width(self) -> int:
        """How many numbers an answer has."""
        return max(1, self.classes)

    @property
    def spread(self) -> float:
        return 1.0 if self.classes else float(self.rows.y.std())

    def problem(self, folds: Folds, fold: int, seed: int) -> Problem:
        train, held = self.rows.take(folds.fitted(fold)), self.rows.take(folds.held(fold))
        return Problem(self.task, train, held, seed, self.classes, self.monotone)

    def probes(self) -> np.ndarray:
        return self.rows.X[:: max(1, len(self.rows) // PROBES)][:PROBES]

    def write(self, folder: Path) -> None:
        import numpy as np

        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"X": self.rows.X, "y": self.rows.y, "w": self.rows.w}
        for name, array in arrays.items():
            if array is not None:
                np.save(folder / f"{name}.npy", array)
        told = {"task": self.task, "classes": self.classes, "monotone": self.monotone}
        write_atomically(folder / "table.json", json.dumps(told).encode())

    @classmethod
    def read(cls, folder: Path) -> Table:
        import numpy as np

        told = json.loads((folder / "table.json").read_text())
        w = np.load(folder / "w.npy") if (folder / "w.npy").exists() else None
        # Mapped, not read: each process copies no more than the rows of its fold.
        rows = Rows(np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "y.npy"), w)
        return cls(rows, told["task"], told["classes"], tuple(told["monotone"]))


def write_folds(folder: Path, repeat: int, folds: Folds) -> None:
    import numpy as np

    np.save(folder / f"folds-{repeat}.npy", folds.of)
    told = {"count": folds.count, "timed": folds.timed}
    write_atomically(folder / f"folds-{repeat}.json", json.dumps(told).encode())


def read_folds(folder: Path, repeat: int) -> Folds:
    import numpy as np

    told = json.loads((folder / f"folds-{repeat}.json").read_text())
    return Folds(np.load(folder / f"folds-{repeat}.npy"), told["count"], told["timed"])


def run(unit: Unit, shared: Path, folder: Path, monitor: Monitor, checkpoint_every: float = 5.0) -> None:
    """Fit a unit and leave what came of it. What cannot be trained is a result too; pause and cancel are raised."""
    from training.engine import front

    folder.mkdir(parents=True, exist_ok=True)
    table = Table.read(shared)
    problem = table.problem(read_folds(shared, unit.repeat), unit.fold, unit.seed)
    store = folder / "checkpoint.safetensors"
    control = Control(
        monitor, store=store, seconds=unit.seconds, checkpoint_every=checkpoint_every, prefix=unit.watched
    )
    try:
        fitted = front.fit(FAMILIES[unit.family], problem, unit.params, control)
        keep(unit, fitted, problem, table, folder, control.elapsed, control.ended_by)
    except TrainError as error:
        write_result(folder, Done(*unit.key, unit.seed, unit.params, seconds=control.elapsed, error=str(error)))
    store.unlink(missing_ok=True)


def keep(  # noqa: PLR0917 (a fit, and where it came from)
    unit: Unit, fitted: Fitted, problem: Problem, table: Table, folder: Path, seconds: float, ended_by: str = ""
) -> Done:
    """Write the model, hold it against the trained one, and note its answers for the rows it was held back from."""
    import numpy as np

    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    content = artifact.onnx(fitted.export(), table.task, problem.features)
    (folder / "model.onnx").write_bytes(content)
    model = artifact.Model(folder, table.task)
    parity = artifact.check_parity(fitted, model, problem.validation.X[:PARITY_ROWS], table.spread)
    asked = time.perf_counter()
    held = model.predict(problem.validation.X)
    row_us = 1e6 * (time.perf_counter() - asked) / max(1, len(held))
    np.save(folder / "held.npy", held)
    np.save(folder / "probes.npy", fitted.predict(table.probes()))
    seen = problem.train.take(slice(None, None, max(1, len(problem.train) // TRAIN_ROWS)))
    done = Done(
        *unit.key,
        unit.seed,
        unit.params,
        score=metrics.primary_score(problem.validation.y, held, table.task, problem.validation.w),
        train_score=metrics.primary_score(seen.y, model.predict(seen.X), table.task, seen.w),
        seconds=round(seconds + time.monotonic() - started, 4),
        steps=fitted.steps,
        size=len(content),
        parity=parity,
        row_us=round(row_us, 3),
        latency_ms=round(latency(model, problem.validation.X[:1]), 5),
        ended_by=ended_by,
    )
    write_result(folder, done)
    return done


def latency(model: artifact.Model, row: np.ndarray) -> float:
    """Milliseconds for one row, the median of several looks."""
    looks = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        model.predict(row)
        looks.append(time.perf_counter() - started)
    return 1e3 * sorted(looks)[LOOKS // 2]


def write_result(folder: Path, done: Done) -> None:
    write_atomically(folder / "result.json", json.dumps(asdict(done)).encode())


def read_result(folder: Path) -> Done | None:
    path = folder / "result.json"
    return Done(**json.loads(path.read_text())) if path.exists() else None


def unit_of(asked: Mapping[str, Any]) -> Unit:
    return Unit(**asked)
