"""What jobs cost: CPU time of every attempt, booked in the transaction that ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import F, Sum
from django.utils import timezone

from departments.quotas import ledger
from departments.quotas.kinds import period_of
from jobs.models import Attempt, Job, JobState, Share

# Seconds after which CPU time counts half, between departments that compete for a worker.
HALF_LIFE = 3600.0


def close(row: Job) -> Attempt:
    """Turn the running attempt of a locked row into an ended one; the caller saves the row and books the attempt."""
    took = row.cpu_live_ms
    row.cpu_ms, row.cpu_live_ms = row.cpu_ms + took, 0
    return Attempt(
        job=row, department_id=row.department_id, number=row.attempt, cpu_ms=took, started_at=row.started_at,
        ended_at=timezone.now(),
    )  # fmt: skip


def book(ran: Attempt | None) -> None:
    """Write the attempt into the books. Last in its transaction: a department's jobs all write the same row."""
    if ran is None:
        return
    ran.save(force_insert=True)
    if ran.cpu_ms:
        ledger.book(ran.department_id, "cpu", ran.cpu_ms)
        _weigh(ran)


def _weigh(ran: Attempt) -> None:
    share, _new = Share.objects.get_or_create(department_id=ran.department_id, defaults={"at": ran.ended_at})
    kept = decay(ran.ended_at, share.at)
    Share.objects.filter(pk=share.pk).update(cpu_ms=F("cpu_ms") * kept + ran.cpu_ms, at=ran.ended_at)


def decay(now: datetime, then: datetime) -> float:
    """What is left of CPU time that was used at `then`."""
    return float(0.5 ** (max(0.0, (now - then).total_seconds()) / HALF_LIFE))


def recent(departments: Collection[UUID]) -> dict[UUID, float]:
    """CPU time (ms) that each department used lately, without what still runs."""
    now = timezone.now()
    found = Share.objects.filter(department__in=departments).values_list("department_id", "cpu_ms", "at")
    return {department: amount * decay(now, at) for department, amount, at in found}


def running_ms(departments: Collection[UUID]) -> Mapping[UUID, int]:
    """CPU time of the attempts that run, which no ledger knows yet."""
    running = Job.objects.filter(department__in=departments, state=JobState.RUNNING).order_by()
    return dict(running.values_list("department_id").annotate(ms=Sum("cpu_live_ms")))


def recomputed() -> Mapping[tuple[UUID, str], int]:
    """The CPU ledger as the attempts have it."""
    counted: Counter[tuple[UUID, str]] = Counter()
    ended = Attempt.objects.filter(cpu_ms__gt=0).values_list("department_id", "ended_at", "cpu_ms")
    for department, at, took in ended.iterator():
        counted[department, period_of("cpu", at)] += took
    return counted
