"""Jobs of data sets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets import services, storage
from datasets.diffs import tasks as diff_tasks
from datasets.erasure import tasks as erasure_tasks
from datasets.granting import tasks as granted_tasks
from datasets.ingestion.read_file import read_file
from datasets.models import DatasetVersion
from datasets.preparation import tasks as preparing_tasks
from datasets.sources import tasks as source_tasks
from datasets.uploads import tasks as upload_tasks
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job, JobState
from jobs.registry import handler

# Their jobs are declared by being imported.
__all__ = ["diff_tasks", "erasure_tasks", "granted_tasks", "preparing_tasks", "source_tasks", "upload_tasks"]


def settle(job: Job) -> None:
    """Let the version follow its job when that did not succeed."""
    version = DatasetVersion.objects.select_related("dataset").filter(pk=job.payload["version"]).first()
    if version is not None and job.state in (JobState.FAILED, JobState.CANCELLED):
        services.fail_version(version=version, job=job)


@handler("datasets.ingest", title=_("Read a data file"), memory_mb=4096, cpu_seconds=3600, on_finish=settle)
def ingest(ctx: JobContext) -> dict[str, Any] | None:
    """Read a version's file into Parquet, profile it, and make the version ready."""
    version = DatasetVersion.objects.select_related("dataset").filter(pk=ctx.payload["version"]).first()
    if version is None:
        raise JobFailed("gone", "The data set was deleted before its file was read.")
    how = {"filename": version.source_name, "options": version.options, "progress": ctx.step}
    with (
        storage.local(version.source_key) as source,
        read_file(ctx, source, **how) as read,
        ctx.effect(read.result),
    ):
        services.complete_version(
            version=version, report=read.report, profile=read.profile, key=read.key, rejects_key=read.rejects_key
        )
    return read.result
