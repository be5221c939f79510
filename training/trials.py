"""A trial while a worker trains it: it is held against the other trials, and against the study's time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from jobs.errors import Cancelled
from training.engine.family import FAMILIES
from training.engine.pruning import Course, judged, verdict
from training.models import LIVE, RunState, Study, TrainingRun, Trial
from training.monitor import JobMonitor

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.context import JobContext
    from training.artifacts import Stored
    from training.engine.control import Signal

WATCHED = "validation_loss"


def monitor_for(run: TrainingRun, ctx: JobContext, rows: int) -> JobMonitor:
    """The monitor of a run on a table of so many rows; a trial's also looks at the other trials."""
    trial = Trial.objects.select_related("study", "run").filter(run=run).first()
    return TrialMonitor(trial, ctx, rows) if trial else JobMonitor(run.pk, ctx)


class TrialMonitor(JobMonitor):
    """Judges the trial at its rungs.

    What a trial came to at a rung stands in its row, written in one transaction with the verdict while the study's row
    is held: of two trials that come to a rung at once, on whichever machines, the second knows of the first.
    """

    def __init__(self, trial: Trial, ctx: JobContext, rows: int) -> None:
        super().__init__(trial.run_id, ctx)
        self.trial, self.study = trial, trial.study
        self.pruned: dict[str, Any] | None = trial.pruned
        self.best = lowest(trial.run)
        held_out = sum(float(trial.run.split.get(part) or 0.0) for part in ("test", "validation"))
        candidate, learned_from = trial.run.candidates[0], max(1, round(rows * (1.0 - held_out)))
        self.course = Course.of(FAMILIES[candidate["family"]], candidate["params"], learned_from, trial.run.task)
        rungs = self.course.rungs() if self.course else ()
        self.ahead = [unit for unit in rungs if str(unit) not in trial.rungs]
        self.judged = judged(self.study.pruner, rungs, trial.number)
        limit = self.study.total_time_limit
        self.ends_at = self.study.began_at + timedelta(seconds=limit) if limit else None
        if self.ends_at and timezone.now() >= self.ends_at:
            raise Cancelled

    def metrics(self, step: int, values: dict[str, float]) -> None:
        super().metrics(step, values)
        found = next((value for name, value in values.items() if name.rpartition("/")[2] == WATCHED), None)
        if found is None or self.course is None:
            return
        self.best = min(self.best, found)
        while self.ahead and self.pruned is None and self.course.reached(step) >= self.ahead[0]:
            self._arrive(self.ahead.pop(0), step)

    def _arrive(self, unit: int, step: int) -> None:
        """Say what the trial came to at the rung and, where it is judged there, whether that is enough."""
        self.flush()
        with self.ctx.write():
            Study.objects.select_for_update().get(pk=self.study.pk)
            trial = Trial.objects.get(pk=self.trial.pk)
            if unit in self.judged:
                bar = verdict(self.study.pruner, self.best, self._others(unit))
                if bar is not None:
                    counted = self.course.counted if self.course else ""
                    trial.pruned = {"step": step, "unit": unit, "counted": counted, "value": self.best, "bar": bar}
            trial.rungs = {**trial.rungs, str(unit): self.best}
            trial.save(update_fields=["rungs", "pruned"])
        self.pruned = trial.pruned

    def _others(self, unit: int) -> list[float]:
        """What the study's other trials came to at this rung.

        One that ended by itself before counts with its best: it had stopped getting better.
        """
        others = Trial.objects.filter(study=self.study).exclude(pk=self.trial.pk).exclude(run__state=RunState.FAILED)
        found = []
        for rungs, state in others.values_list("rungs", "run__state"):
            loss = rungs.get(str(unit))
            if loss is None and rungs and state not in (*LIVE, RunState.PRUNED, RunState.CANCELLED):
                loss = rungs.get("end")
            if loss is not None:
                found.append(float(loss))
        return found

    def signal(self) -> Signal:
        """Also "cancel" once the trial is pruned, and "stop" when the study's time is up."""
        asked = super().signal()
        if self.pruned is not None:
            return "cancel"
        return "stop" if asked == "go" and self.ends_at and timezone.now() >= self.ends_at else asked

    def trained(self, artifact: Path, stored: Stored) -> None:
        from training.engine.latency import one_row_ms

        self.measured = {
            "latency_ms": one_row_ms(artifact, stored.manifest["task"]), "size_bytes": stored.size_bytes,
        }  # fmt: skip

    def settle(self) -> None:
        rungs = {**Trial.objects.get(pk=self.trial.pk).rungs, "end": self.best}
        known = rungs if self.best < float("inf") else {}
        Trial.objects.filter(pk=self.trial.pk).update(rungs=known, **self.measured)

    def ended_early(self, result: dict[str, Any]) -> bool:
        """End a pruned trial's run; False where it was not pruned."""
        if self.pruned is None:
            return False
        self.flush()
        words = "Ended early after {unit} {counted}: its loss was {value:.4g} where {bar:.4g} was needed to go on."
        self.log(words.format(**self.pruned))
        with self.ctx.effect(result):
            run = TrainingRun.objects.get(pk=self.run_id)
            run.state, run.finished_at = RunState.PRUNED, timezone.now()
            run.save(update_fields=["state", "finished_at"])
        return True


def lowest(run: TrainingRun) -> float:
    """The lowest validation loss that the run has logged; infinite before the first."""
    logged = (values.get(WATCHED) for values in run.points.values_list("values", flat=True).iterator())
    return min((float(value) for value in logged if value is not None), default=float("inf"))
