"""The job that writes a recipe's outcome: fitted on all rows, for there is no split yet, and read like any file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets import parts, services, storage, tables
from datasets.ingestion.read_file import read_file
from datasets.models import DatasetVersion
from datasets.preparation.around import around
from datasets.preparation.outcome import FILENAME, require_copies
from datasets.recipe import FittedRecipe, RecipeError, fit
from datasets.services import record_read
from departments.access import Verb
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job, JobState
from jobs.registry import handler
from jobs.services import requester
from rest.problems import Refused


def may_copy(job: Job) -> None:
    """A grant may have ended, or lost its export, since the job was asked for."""
    version = DatasetVersion.objects.select_related("derived_from__dataset", "derived_by").get(job=job)
    if version.derived_from is None or version.derived_by is None:
        raise JobFailed("gone", "The recipe or its data set was deleted before its outcome was kept.")
    require_copies(requester(job), version.derived_by, version.derived_from)


def settle(job: Job) -> None:
    version = DatasetVersion.objects.select_related("dataset").filter(pk=job.payload["version"]).first()
    if version is not None and job.state in (JobState.FAILED, JobState.CANCELLED):
        services.fail_version(version=version, job=job)


@handler(
    "datasets.prepare", title=_("Prepare a data set"), memory_mb=8192, cpu_seconds=3600, authorize=may_copy,
    recheck=True, on_finish=settle,
)  # fmt: skip
def prepare(ctx: JobContext) -> dict[str, Any]:
    """Write the recipe's outcome as a version of its own."""
    related = ("dataset", "derived_from__dataset", "derived_by__department")
    version = DatasetVersion.objects.select_related(*related).get(pk=ctx.payload["version"])
    made = ctx.workdir / FILENAME
    ctx.progress(0.05, "Learning the steps")
    fitted = _write(ctx, version, made)
    ctx.log(f"{len(fitted.steps)} steps.")
    kept = storage.keep_path(made, "sources")
    version.source_key, version.source_sha256, version.source_bytes = kept.key, kept.sha256, kept.size
    with (
        read_file(ctx, made, filename=FILENAME, options={}, progress=ctx.step) as read,
        ctx.effect(read.result),
    ):
        may_copy(ctx.job())
        services.complete_version(
            version=version, report=read.report, profile=read.profile, key=read.key, rejects_key=read.rejects_key
        )
    return read.result


def _write(ctx: JobContext, version: DatasetVersion, target: Path) -> FittedRecipe:
    """Read under the decision of this moment, fit, and write the rows that the recipe leaves."""
    actor, source, recipe = requester(ctx.job()), version.derived_from, version.derived_by
    if source is None or recipe is None:
        raise JobFailed("gone", "The recipe or its data set was deleted before its outcome was kept.")
    try:
        decision = require_copies(actor, recipe, source)
    except Refused as refused:
        raise JobFailed(refused.code, str(refused.detail), "") from None
    steps = version.origin["steps"]
    others = around(actor=actor, department=recipe.department, steps=steps, folder=ctx.workdir, verbs=(Verb.EXPORT,))
    with tables.opened(source, decision) as table:
        frame = parts.scan(table.path)
        try:
            fitted = fit(steps, frame, table.schema, around=others)
            fitted.transform(frame, training=True).collect().write_parquet(target)
        except RecipeError as error:
            first = error.errors[0]
            raise JobFailed("bad_recipe", f"{first['field']}: {first['message']}", "Mend the recipe.") from None
    with ctx.write():
        record_read(source, decision, "prepare", dataset=str(version.dataset_id))
    return fitted
