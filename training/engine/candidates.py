"""The candidates of one training: each is fitted, written, checked and scored in turn, and none is done twice."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine import artifact, metrics
from training.engine.checkpoint import write_atomically
from training.engine.control import Control, Monitor
from training.engine.demands import check_family
from training.engine.errors import TrainError
from training.engine.family import Family, Problem, Rows

if TYPE_CHECKING:
    from training.engine.data import Source

MODEL_FILES = ("model.onnx", "weights.safetensors")


@dataclass(frozen=True)
class Candidate:
    """One family with validated parameters; `index` is its place in the request."""

    index: int
    family: Family
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """How one candidate did. `score` is its primary metric on the validation rows; `error` says why it has no model."""

    index: int
    family: str
    label: str
    params: dict[str, Any]
    score: float = 0.0
    train_score: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    size: int = 0
    parity: float = 0.0
    ended_by: str = ""
    warning: str = ""
    error: str = ""


@dataclass
class Contest:
    """Runs candidates in order within a budget of `seconds`, each in its own folder under `workdir`."""

    source: Source
    workdir: Path
    monitor: Monitor
    device: str
    threads: int
    checkpoint_every: float
    seed: int
    seconds: float | None
    stopped: bool = False
    before: float = 0.0  # seconds that earlier attempts at this training spent on what is now done

    def folder(self, index: int) -> Path:
        return self.workdir / f"candidate-{index}"

    def run(self, chosen: Sequence[Candidate]) -> list[Result]:
        """Return the results in the request's order. Raises the first TrainError when no candidate gives a model."""
        self.chosen = chosen
        results: list[Result] = []
        errors: list[TrainError] = []
        self.spent = 0.0
        for place, candidate in enumerate(chosen):
            if self.stopped or (
                place and any(not r.error for r in results) and self._share(len(chosen) - place) == 0.0
            ):
                break
            try:
                results.append(self._known(candidate) or self._fit(candidate, place))
            except TrainError as error:
                errors.append(error)
                self.monitor.log(f"{candidate.family.label}: {error}", level="warning")
                results.append(_failed(candidate, error))
            self.spent += results[-1].seconds
        if all(result.error for result in results):
            raise errors[0]
        return results

    def _share(self, left: int) -> float | None:
        """An even share of the time that is left."""
        return None if self.seconds is None else max(0.0, self.seconds - self.spent) / left

    def _known(self, candidate: Candidate) -> Result | None:
        """The result of a candidate that an earlier attempt finished."""
        path = self.folder(candidate.index) / "result.json"
        if not path.exists():
            return None
        result = Result(**json.loads(path.read_text()))
        self.before += result.seconds
        self.stopped = result.ended_by == "stop"
        return result

    def _fit(self, candidate: Candidate, place: int) -> Result:
        family, target = candidate.family, self.source.target
        if target.task not in family.tasks:
            detail = f"{family.label} does not do {target.task}."
            raise TrainError("task_not_supported", detail, f"It does {', '.join(family.tasks)}.", "family")
        family.check(candidate.params, target.task)
        folder = self.folder(candidate.index)
        folder.mkdir(exist_ok=True)
        check_family(self.source.demands, family)
        prepared = self.source.prepare(family.needs)
        rows, classes = prepared.rows, len(target.classes)
        problem = Problem(target.task, rows["train"], rows["validation"], self.seed, classes, prepared.monotone)
        control = self._control(candidate, place, folder)
        self.monitor.log(f"Training {family.label} on {len(rows['train']):,} rows of {problem.features} numbers.")
        fitted = family.fit(problem, candidate.params, control)
        self.stopped = control.ended_by == "stop"
        self.before += control.before
        return self._keep(candidate, fitted, rows, control, folder)

    def _control(self, candidate: Candidate, place: int, folder: Path) -> Control:
        count = len(self.chosen)
        return Control(
            self.monitor,
            store=folder / "checkpoint.safetensors",
            seconds=self._share(count - place),
            device=self.device,
            threads=self.threads,
            checkpoint_every=self.checkpoint_every,
            prefix=f"{_short_names(self.chosen)[place]}/" if count > 1 else "",
            span=(place / count, (place + 1) / count),
        )

    def _keep(
        self, candidate: Candidate, fitted: Any, rows: Mapping[str, Rows], control: Control, folder: Path
    ) -> Result:
        """Write the model, hold it against the trained one, score it, and only then call the candidate done."""
        started = time.monotonic()
        artifact.write_model(folder, fitted.export(), self.source.target.task, rows["train"].X.shape[1])
        model = artifact.Model(folder, self.source.target.task, self.threads)
        spread = float(rows["train"].y.std()) if not self.source.target.classes else 1.0
        parity = max(
            artifact.check_parity(fitted, model, thinned(rows[p], 20_000).X, spread) for p in ("validation", "test")
        )
        scored = rows["validation"] if len(rows["validation"]) else rows["train"]
        result = Result(
            candidate.index,
            candidate.family.name,
            candidate.family.label,
            dict(candidate.params),
            score=self._score(model, scored),
            train_score=self._score(model, thinned(rows["train"], 20_000)),
            seconds=round(control.elapsed + time.monotonic() - started, 3),
            steps=fitted.steps,
            size=sum((folder / name).stat().st_size for name in MODEL_FILES if (folder / name).exists()),
            parity=parity,
            ended_by=control.ended_by,
            warning=control.warning,
        )
        write_atomically(folder / "result.json", json.dumps(asdict(result)).encode())
        self.monitor.log(f"{candidate.family.label}: {metrics.primary(self.source.target.task)} {result.score:.4g}.")
        return result

    def _score(self, model: artifact.Model, rows: Rows) -> float:
        task = self.source.target.task
        return metrics.primary_score(rows.y, model.predict(rows.X), task, rows.w)


def thinned(rows: Rows, most: int) -> Rows:
    """At most so many rows, evenly taken: scoring a million training rows tells nothing more."""
    step = -(-len(rows) // most) or 1
    return rows if step == 1 else rows.take(slice(None, None, step))


def _failed(candidate: Candidate, error: TrainError) -> Result:
    return Result(
        candidate.index, candidate.family.name, candidate.family.label, dict(candidate.params), error=str(error)
    )


def _short_names(chosen: Sequence[Candidate]) -> list[str]:
    """A name for each candidate's curves: the family's, numbered where a family comes more than once."""
    names = [candidate.family.name for candidate in chosen]
    return [f"{n}-{names[:i].count(n) + 1}" if names.count(n) > 1 else n for i, n in enumerate(names)]


def leaderboard(results: Sequence[Result], task: str) -> list[dict[str, Any]]:
    """The results as rows of a table, best first, failures last."""
    order = sorted(results, key=lambda result: (bool(result.error), result.score))
    return [
        {
            "rank": rank,
            "metric": metrics.primary(task),
            "validation": row.pop("score"),
            "train": row.pop("train_score"),
            **row,
        }
        for rank, row in enumerate((asdict(result) for result in order), start=1)
    ]
