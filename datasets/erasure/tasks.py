"""Jobs of forgetting a person."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from datasets.erasure import services as erasure_services
from datasets.erasure.models import Erasure, ErasureState
from departments.access import Verb, require_in
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job, JobState
from jobs.registry import handler
from jobs.services import requester


def _managers_only(job: Job) -> None:
    require_in(requester(job), Verb.MANAGE, job.department)


def _settle_erasure(job: Job) -> None:
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        erasure_services.fail(job)


@handler(
    "datasets.find_subject", title=_("Find a person in all versions"), authorize=_managers_only,
    on_finish=_settle_erasure, priority=0, counts=False,
)  # fmt: skip
def find_subject(ctx: JobContext) -> dict[str, Any] | None:
    """Count where a person's key stands."""
    erasure = _erasure(ctx)
    report = erasure_services.search(erasure, ctx.step)
    found = report["versions"] or any(report["held"].values())
    with ctx.effect({"erasure": str(erasure.pk)}):
        erasure.report, erasure.state = report, ErasureState.FOUND if found else ErasureState.NOTHING
        erasure.save(update_fields=["report", "state"])
    return None


@handler(
    "datasets.erase_subject", title=_("Erase a person"), authorize=_managers_only, on_finish=_settle_erasure,
    counts=False,
)  # fmt: skip
def erase_subject(ctx: JobContext) -> dict[str, Any] | None:
    """Write every version anew without the person's rows, and drop the old files."""
    erasure = _erasure(ctx)
    made = erasure_services.rewrite(erasure, ctx.workdir, ctx.step)
    with ctx.effect({"erasure": str(erasure.pk)}):
        erasure_services.complete(erasure, made)
    return None


def _erasure(ctx: JobContext) -> Erasure:
    found: Erasure | None = Erasure.objects.select_related("department").filter(pk=ctx.payload["erasure"]).first()
    if found is None:
        raise JobFailed("gone", "The request was removed before its job began.")
    return found
