"""The job that compares two large versions."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets import tables
from datasets.diffs import services as diff_services
from datasets.models import DatasetVersion, VersionDiff
from departments.access import Decision, Verb, require
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from jobs.registry import handler
from jobs.services import requester
from rest.problems import Refused


def _may_read(job: Job) -> None:
    _decision(job)


def _decision(job: Job) -> tuple[DatasetVersion, DatasetVersion, Decision]:
    """Both versions, and what the requester may read of them now."""
    found = DatasetVersion.objects.select_related("dataset").in_bulk([job.payload["older"], job.payload["newer"]])
    versions = {str(pk): version for pk, version in found.items()}
    try:
        older, newer = versions[job.payload["older"]], versions[job.payload["newer"]]
    except KeyError:
        raise Refused("gone", "A version was deleted before it was compared.", status=404) from None
    actor = requester(job)
    require(actor, Verb.PREVIEW, older)
    return older, newer, require(actor, Verb.PREVIEW, newer)


@handler(
    "datasets.compare", title=_("Compare two versions"), memory_mb=4096, cpu_seconds=3600, authorize=_may_read,
    priority=0,
)  # fmt: skip
def compare(ctx: JobContext) -> dict[str, Any]:
    """Compare, and keep the report for whoever gets the same of both versions."""
    job = Job.objects.select_related("created_by", "token", "department").get(pk=ctx.job_id)
    older, newer, decision = _decision(job)
    ctx.step(0.1, f"v{older.number} → v{newer.number}")
    sides = tables.described(older, decision), tables.described(newer, decision)
    try:
        report = diff_services.computed(*sides, ctx.payload["key"])
    except Refused as refused:
        message = refused.errors[0]["message"] if refused.errors else refused.detail
        raise JobFailed(refused.code, message, "Choose another key.") from None
    with ctx.effect({"rows": report["rows"]}):
        mark = diff_services.fingerprint(*sides, ctx.payload["key"])
        values = {"older": older, "newer": newer, "report": report}
        VersionDiff.objects.update_or_create(fingerprint=mark, defaults=values)
    return {"rows": report["rows"]}
