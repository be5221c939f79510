"""What a job said, for those who may read it."""

from __future__ import annotations

from departments.access import Actor, Verb, decide
from jobs.models import Job, JobLog

TAIL = 50


def may_read(actor: Actor, job: Job) -> bool:
    """A line may name what stands in the data: it is for those who may preview the department's data."""
    return decide(actor, Verb.PREVIEW, job).allowed


def tail(actor: Actor, job: Job, size: int = TAIL) -> list[JobLog]:
    """The last lines, oldest first; none for those who may not read them."""
    if not may_read(actor, job):
        return []
    return list(JobLog.objects.filter(job=job).order_by("-pk")[:size])[::-1]


def lines_after(actor: Actor, job: Job, last: int, size: int = 1000) -> list[JobLog]:
    """The lines that came after the one with the key `last`, oldest first."""
    return list(JobLog.objects.filter(job=job, pk__gt=last).order_by("pk")[:size]) if may_read(actor, job) else []
