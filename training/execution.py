"""What a worker does for a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from datasets import storage
from datasets.schema import Schema
from jobs.errors import Cancelled, JobFailed, Paused
from training import artifacts
from training.artifacts import Stored
from training.engine.errors import TrainCancelled, TrainError, TrainPaused
from training.engine.train import TrainReport, TrainSpec, train
from training.models import RunState, TrainingRun
from training.monitor import JobMonitor
from training.registration import register

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.context import JobContext


def execute(run: TrainingRun, ctx: JobContext) -> dict[str, Any]:
    """Train `run`, or go on where an earlier attempt left; store the artifact and register its model version."""
    with ctx.write():
        mark_running(run)
    monitor = JobMonitor(run.pk, ctx)
    report = _train(run, ctx, monitor)
    stored = artifacts.store(ctx.workdir / "artifact")
    monitor.flush()
    result = {"run": str(run.pk)}
    with ctx.effect(result):
        finish(run, report, stored)
    return result


def mark_running(run: TrainingRun) -> None:
    """The run's first worker has it; a resumed run keeps its first start."""
    run.state = RunState.RUNNING
    run.started_at = run.started_at or timezone.now()
    run.save(update_fields=["state", "started_at"])


def _train(run: TrainingRun, ctx: JobContext, monitor: JobMonitor) -> TrainReport:
    """The engine's training, its ways to end translated into the job's."""
    # The engine clears its folder when the training is another one than it was: it gets one of its own.
    folder, artifact = ctx.workdir / "training", ctx.workdir / "artifact"
    try:
        return train(spec_of(run, ctx.workdir), workdir=folder, artifact=artifact, monitor=monitor)
    except TrainCancelled:
        raise Cancelled from None
    except TrainPaused:
        monitor.flush()
        raise Paused from None
    except TrainError as error:
        monitor.flush()
        errors = [{"field": error.field, "message": error.detail}] if error.field else []
        raise JobFailed(error.code, error.detail, hint=error.hint, errors=errors) from error


def spec_of(run: TrainingRun, workdir: Path) -> TrainSpec:
    """The engine's view of a run's row."""
    version = run.dataset_version
    return TrainSpec(
        data=storage.bring(version.storage_key, workdir),
        schema=Schema.from_json(version.schema),
        target=run.target,
        candidates=run.candidates,
        steps=run.steps,
        features=run.features,
        task=run.task or None,
        seed=run.seed,
        split=run.split,
        time_limit=run.time_limit,
    )


def finish(run: TrainingRun, report: TrainReport, stored: Stored) -> None:
    """Write what came of a run. A trial's artifact waits for its study to choose; any other becomes a model version."""
    told = report.to_json()
    run.report = {**told, "artifact": {"storage_key": stored.storage_key, "size_bytes": stored.size_bytes}}
    run.state = RunState.STOPPED if report.state == "stopped" else RunState.SUCCEEDED
    run.family, run.task = report.family, report.task
    run.metrics, run.baseline = told["metrics"], told["baseline"]
    run.leaderboard, run.findings = told["leaderboard"], told["findings"]
    run.progress, run.error, run.finished_at = 1.0, None, timezone.now()
    run.save()
    if not hasattr(run, "trial"):
        register(run=run, stored=stored)
