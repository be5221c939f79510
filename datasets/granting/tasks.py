"""The job that writes a large table for a grant."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets import tables
from datasets.models import DatasetVersion
from departments.models import Grant
from departments.projection import Projection
from jobs.context import JobContext
from jobs.models import Job
from jobs.registry import handler
from rest.problems import Refused


def may_prepare(job: Job) -> None:
    """The grant must still be live; whoever reads the table is asked again then."""
    if not Grant.objects.live().filter(pk=job.payload["grant"]).exists():
        raise Refused("no-grant", "The grant that this table was for has ended.", status=403)


@handler(
    "datasets.project", title=_("Prepare granted data"), memory_mb=4096, cpu_seconds=3600, authorize=may_prepare,
    recheck=True, priority=0, counts=False,
)  # fmt: skip
def project(ctx: JobContext) -> dict[str, Any]:
    """Write a version as one grant gives it, for the readers who wait for it."""
    version = DatasetVersion.objects.select_related("dataset").get(pk=ctx.payload["version"])
    projection = Projection.of(Grant.objects.get(pk=ctx.payload["grant"]))
    made = tables.prepare(version, projection) if projection else None
    return {"rows": made.rows if made else version.rows}
