"""What a worker does for a training run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from datasets import storage
from datasets.recipe import NOTHING, Around
from datasets.tables import Described, described
from departments.access import Actor, Decision
from departments.projection import WHOLE
from departments.quotas.stored import remeasure
from jobs.errors import Cancelled, JobFailed, Paused
from jobs.services import requester
from rest.problems import Refused
from training import artifacts, backgrounds, reproducing, scored, services
from training.artifacts import Stored
from training.engine import background as background_files
from training.engine import scored as scored_files
from training.engine.cores import Cores
from training.engine.demands import Demands
from training.engine.errors import TrainCancelled, TrainError, TrainPaused
from training.engine.report import TrainReport
from training.engine.spec import TrainSpec
from training.engine.train import train
from training.models import RunState, TrainingRun
from training.monitor import JobMonitor
from training.registration import register
from training.trials import monitor_for

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.context import JobContext


TRAINING = "training"  # the engine's folder in the job's


def execute(run: TrainingRun, ctx: JobContext) -> dict[str, Any]:
    """Train `run`, or go on where an earlier attempt left; store the artifact and register its model version."""
    actor = requester(ctx.job())
    decision = may_go_on(run, actor)
    table = _table(run, decision)
    with ctx.write():
        mark_running(run, given_now(run, actor, decision))
    monitor = monitor_for(run, ctx, table.rows)
    result = {"run": str(run.pk)}
    try:
        report = _train(run, table, ctx, monitor)
    except Cancelled:
        if monitor.ended_early(result):
            return result
        raise
    stored = artifacts.store(ctx.workdir / "artifact")
    monitor.trained(ctx.workdir / "artifact", stored)
    monitor.flush()
    with ctx.effect(result):
        may_go_on(run, actor)
        finish(run, report, stored, table)
        scored.keep(run, ctx.workdir / TRAINING / scored_files.FILE, of_table=table.version.storage_key)
        backgrounds.keep(run, ctx.workdir / TRAINING / background_files.FILE, of_table=table.version.storage_key)
        monitor.settle()
    return result


def may_go_on(run: TrainingRun, actor: Actor) -> Decision:
    """Whoever asked must still be allowed to train on the data set, and on the same part of it as when the run began.

    Asked before every attempt, every second while it runs and before its model is kept: a grant may end, or become
    narrower, meanwhile.
    """
    try:
        decision = services.require_train(actor, run.dataset_version.dataset, run.department)
    except Http404:
        detail = _("The access to this data set has ended: its grant expired or was taken back.")
        raise Refused("access_ended", detail, status=403) from None
    if run.projection and run.projection != given_now(run, actor, decision):
        detail = _(
            "What was granted of this data set has changed since the run began. Start it again on what is granted now."
        )
        raise Refused("grant_changed", detail, status=403)
    return decision


def given_now(run: TrainingRun, actor: Actor, decision: Decision) -> str:
    """Names what the run gets at this moment, of its own table and of those that its steps join."""
    joined = services.joined_digests(actor, run.department, run.steps)
    own = decision.projection.digest if decision.projection else WHOLE
    if not any(each != WHOLE for each in joined):
        return own
    return hashlib.sha256("|".join([own, *joined]).encode()).hexdigest()


def _table(run: TrainingRun, decision: Decision) -> Described:
    table = described(run.dataset_version, decision)
    if not {run.target, *run.features} <= set(table.schema.names):
        detail = _(
            "What was granted of this data set has changed since the run was started: some of its columns are gone."
        )
        raise JobFailed("grant_changed", detail, _("Start it again on what is granted now."))
    return table


def mark_running(run: TrainingRun, given: str) -> None:
    """The run's first worker has it; a resumed run keeps its first start."""
    run.state = RunState.RUNNING
    run.started_at = run.started_at or timezone.now()
    run.projection = given
    run.save(update_fields=["state", "started_at", "projection"])


def _train(run: TrainingRun, table: Described, ctx: JobContext, monitor: JobMonitor) -> TrainReport:
    """The engine's training, its ways to end translated into the job's."""
    # The engine clears its folder when the training is another one than it was: it gets one of its own.
    folder, artifact = ctx.workdir / TRAINING, ctx.workdir / "artifact"
    others = services.around_for(requester(ctx.job()), run.department, run.steps, folder=ctx.workdir)
    try:
        spec = spec_of(run, table, ctx.workdir, others)
        cores = Cores(settings.HOME / "cores")
        return train(spec, workdir=folder, artifact=artifact, monitor=monitor, cores=cores)
    except TrainCancelled:
        raise Cancelled from None
    except TrainPaused:
        monitor.flush()
        raise Paused from None
    except TrainError as error:
        monitor.flush()
        errors = [{"field": error.field, "message": error.detail}] if error.field else []
        raise JobFailed(error.code, error.detail, hint=error.hint, errors=errors) from error


def spec_of(run: TrainingRun, table: Described, workdir: Path, others: Around = NOTHING) -> TrainSpec:
    """The engine's view of a run's row, on the table that the run was given."""
    return TrainSpec(
        data=storage.bring(table.key, workdir),
        schema=table.schema,
        target=run.target,
        candidates=reproducing.candidates_of(run),
        steps=run.steps,
        features=run.features,
        task=run.task or None,
        seed=run.seed,
        split=run.split,
        demands=Demands(run.weight or None, run.class_weight, run.monotone, run.latency_ms),
        preset=run.preset,
        time_limit=None if run.reproduces else run.time_limit,
        replay=reproducing.record_of(run.reproduces) if run.reproduces else None,
        around=others,
    )


def finish(run: TrainingRun, report: TrainReport, stored: Stored, table: Described) -> None:
    """Write what came of a run. A trial's artifact waits for its study to choose; any other becomes a model version."""
    told = report.to_json()
    if run.reproduces:
        told["reproduction"] = reproducing.compare(run.reproduces, stored.manifest, stored.sha256)
    run.report = {
        **told,
        "table_rows": table.rows,
        "artifact": {"storage_key": stored.storage_key, "size_bytes": stored.size_bytes},
    }
    run.state = RunState.STOPPED if report.state == "stopped" else RunState.SUCCEEDED
    run.family, run.task = report.family, report.task
    run.metrics, run.baseline = told["metrics"], told["baseline"]
    run.leaderboard, run.findings = told["leaderboard"], told["findings"]
    run.progress, run.error, run.finished_at = 1.0, None, timezone.now()
    run.save()
    if not hasattr(run, "trial") and not run.reproduces_id:
        register(run=run, stored=stored)
    services.tell_finished(run)
    remeasure(run.department_id)
