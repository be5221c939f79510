"""The jobs of training."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from jobs.registry import handler
from jobs.services import requester
from training import curves, effects, services, studies
from training.execution import execute, may_go_on
from training.models import TrainingRun

if TYPE_CHECKING:
    from jobs.context import JobContext
    from jobs.models import Job


def may_train(job: Job) -> None:
    """See `may_go_on`."""
    may_go_on(TrainingRun.objects.select_related("dataset_version__dataset", "department").get(job=job), requester(job))


def follow(job: Job) -> None:
    """The run ends with its job, its curves are kept for comparing, and a study goes on with its next trial."""
    run = services.follow_job(job)
    if run is not None:
        # After the commit, and never in its way: a curve that is missing is made by whoever reads it.
        transaction.on_commit(partial(curves.keep, run), robust=True)
    if run is not None and hasattr(run, "trial"):
        studies.trial_ended(trial=run.trial, job=job)


@handler(
    "training.run", title=_("Train a model"), queue="training", authorize=may_train, recheck=True, on_finish=follow,
    priority=2, yields=True,
)  # fmt: skip
def train(ctx: JobContext) -> dict[str, Any]:
    return execute(
        TrainingRun.objects.select_related("dataset_version__dataset", "department").get(pk=ctx.payload["run"]), ctx
    )


@handler(
    "training.effects", title=_("Work out how a model uses its columns"), queue="training", authorize=effects.may_work,
    recheck=True, priority=1,
)  # fmt: skip
def work_out_effects(ctx: JobContext) -> dict[str, Any]:
    return effects.execute(ctx)
