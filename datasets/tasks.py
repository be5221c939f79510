"""Jobs of data sets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets import erasure_tasks, granted_tasks, services, source_tasks, storage, upload_tasks
from datasets.errors import UnreadableFile
from datasets.models import DatasetVersion
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job, JobState
from jobs.registry import handler

__all__ = ["erasure_tasks", "granted_tasks", "source_tasks", "upload_tasks"]  # its jobs are declared by being imported


def settle(job: Job) -> None:
    """Let the version follow its job when that did not succeed."""
    version = DatasetVersion.objects.select_related("dataset").filter(pk=job.payload["version"]).first()
    if version is not None and job.state in (JobState.FAILED, JobState.CANCELLED):
        services.fail_version(version=version, job=job)


@handler("datasets.ingest", title=_("Read a data file"), memory_mb=4096, cpu_seconds=3600, on_finish=settle)
def ingest(ctx: JobContext) -> dict[str, Any] | None:
    """Read a version's file into Parquet, profile it, and make the version ready."""
    from datasets.ingest import ingest as read
    from datasets.profile import profile

    version = DatasetVersion.objects.select_related("dataset").filter(pk=ctx.payload["version"]).first()
    if version is None:
        raise JobFailed("gone", "The data set was deleted before its file was read.")
    target, rejects = ctx.workdir / "rows", ctx.workdir / "rejects.csv"
    with storage.local(version.source_key) as source:
        try:
            report = read(
                source, target, rejects,
                filename=version.source_name, options=version.options, progress=ctx.step,
            )  # fmt: skip
        except UnreadableFile as error:
            raise JobFailed(error.code, error.detail, error.hint) from None
    for note in report.notes[:50]:
        ctx.log(note)
    ctx.progress(0.96, "Profile of all rows")
    figures = profile(target, report.schema)
    key = storage.keep_table(target, report.manifest)
    rejects_key = storage.keep_path(rejects, "rejects").key if report.sets_aside else ""
    result = {"rows": report.rows, "columns": report.columns, "rejected_rows": report.rejected_rows}
    with ctx.effect(result):
        services.complete_version(version=version, report=report, profile=figures, key=key, rejects_key=rejects_key)
    # A data set with equal parts may have been deleted, with its parts, before this version was seen to name them.
    storage.keep_table(target, report.manifest)
    return result
