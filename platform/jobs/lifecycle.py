"""The job's state machine: every step is one conditional UPDATE, so exactly one process wins it.

docs/jobs.md shows the states and steps as a table. `attempt` fences: a step names the attempt that it is taken for,
and a row that has moved on does not match.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from jobs import accounts
from jobs.clean import clean_json
from jobs.dispatch import ring_on_commit
from jobs.errors import Fenced
from jobs.finish import finished
from jobs.models import Job, JobState


def lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE)


def running(job_id: UUID, attempt: int) -> models.QuerySet[Job]:
    """The row, as long as this attempt is the one that runs."""
    return Job.objects.filter(pk=job_id, attempt=attempt, state=JobState.RUNNING)


def claim(job_id: UUID, attempt: int, *, worker: str) -> Job | None:
    """Take a queued job for `worker`; None when another was faster or the message is outdated."""
    waiting = Job.objects.filter(pk=job_id, attempt=attempt, state=JobState.QUEUED)
    now = timezone.now()
    if not waiting.update(
        state=JobState.RUNNING,
        worker=worker[:120],
        lease_expires_at=lease_end(),
        started_at=now,
        note="",
        gave_way=False,
        cpu_live_ms=0,
    ):
        return None
    job: Job = Job.objects.select_related("created_by", "token", "department").get(pk=job_id)
    return job


def leave(job_id: UUID, attempt: int) -> None:
    """Have the message of a queued job sent again: the worker that got it shuts down."""
    Job.objects.filter(pk=job_id, attempt=attempt, state=JobState.QUEUED).update(dispatched_at=None)


def renew(job: Job, *, child_pid: int | None = None, cpu_ms: int = 0) -> bool:
    """Prolong the lease and note the CPU time so far; False when the job is no longer this attempt's."""
    values = {"lease_expires_at": lease_end(), "child_pid": child_pid, "cpu_live_ms": cpu_ms}
    return bool(running(job.pk, job.attempt).update(**values))


def measured(job: Job, cpu_ms: int) -> None:
    """Note what the attempt took in the end; whoever ends it books that."""
    running(job.pk, job.attempt).update(cpu_live_ms=cpu_ms)


@contextmanager
def fenced(job_id: UUID, attempt: int) -> Iterator[Job]:
    """A transaction that holds the job's row; raises Fenced when this attempt is no longer the job's."""
    with transaction.atomic():
        job = running(job_id, attempt).select_for_update().first()
        if job is None:
            raise Fenced(f"attempt {attempt} of job {job_id} is no longer the one that runs")
        yield job


def end(job: Job, state: str, *, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None) -> bool:
    """End a running job; one whose effect is committed has succeeded, whatever came after."""
    with transaction.atomic():
        row = running(job.pk, job.attempt).select_for_update().first()
        if row is None:
            return False
        if row.effect_at is not None:
            state, error, result = JobState.SUCCEEDED, None, result or row.result
        _end(row, state, result=result, error=error)
    return True


def end_waiting(job: Job, state: str) -> bool:
    """End a job that no worker holds: queued or paused."""
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, state__in=[JobState.QUEUED, JobState.PAUSED])
        row = waiting.select_for_update().first()
        if row is None:
            return False
        _end(row, state)
    return True


def _end(row: Job, state: str, *, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None) -> None:
    ran = accounts.close(row) if row.state == JobState.RUNNING else None
    row.state, row.result, row.error = state, clean_json(result), clean_json(error)
    row.signal, row.child_pid, row.lease_expires_at = "", None, None
    row.finished_at = timezone.now()
    if state == JobState.SUCCEEDED:
        row.progress = 1
    row.save(
        update_fields=[
            "state", "result", "error", "signal", "child_pid", "lease_expires_at", "finished_at", "progress",
            "cpu_ms", "cpu_live_ms",
        ]
    )  # fmt: skip
    finished(row)
    accounts.book(ran)


def pause(job: Job) -> bool:
    """Leave a running job paused: its worker is free, its work folder stays."""
    return _leave_worker(job, {"state": JobState.PAUSED, "signal": "", "child_pid": None, "lease_expires_at": None})


@transaction.atomic
def _leave_worker(job: Job, changes: dict[str, Any], *, even_done: bool = False) -> bool:
    """Take a running job from its worker, and book what the attempt took."""
    row = running(job.pk, job.attempt).select_for_update().first()
    if row is None or (row.effect_at is not None and not even_done):
        return False
    ran = accounts.close(row)
    Job.objects.filter(pk=row.pk).update(**changes, cpu_ms=row.cpu_ms, cpu_live_ms=row.cpu_live_ms)
    accounts.book(ran)
    return True


@transaction.atomic
def requeue(job: Job, *, failed: bool, ring: bool = True, gave_way: bool = False) -> bool:
    """Give a running job back to the queue under a new attempt; `failed` counts against its attempts.

    Without `ring` the next worker's first look finds it: a worker that shuts down would take its own message.
    """
    changes = _queued(job) if ring else {**_queued(job), "dispatched_at": None}
    # Whatever ended the attempt, it made the room that it was asked for.
    signal = Case(When(signal="yield", then=Value("")), default=F("signal"))
    changes |= {"failures": F("failures") + int(failed), "signal": signal, "gave_way": gave_way}
    given = _leave_worker(job, changes, even_done=True)
    if given and ring:
        ring_on_commit(job.pk, job.attempt + 1, job.queue)
    return given


@transaction.atomic
def resume(job: Job, *, signal: str = "") -> bool:
    """Queue a paused job again under a new attempt."""
    given = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=JobState.PAUSED).update(
        **{**_queued(job), "signal": signal}
    )
    if given:
        ring_on_commit(job.pk, job.attempt + 1, job.queue)
    return bool(given)


def _queued(job: Job) -> dict[str, Any]:
    return {
        "state": JobState.QUEUED,
        "attempt": job.attempt + 1,
        "child_pid": None,
        "lease_expires_at": None,
        "dispatched_at": timezone.now(),
        "queued_at": timezone.now(),
    }
