"""Whose turn it is. A free worker takes the next job of the department that has the fewest running; docs/quotas.md.

Between departments: fewest running jobs; of equals, the one whose oldest job has waited too long; then the one that
computed least lately; then the one that has waited longest. Within a department: what people wait for before what takes
long, then the oldest; what has waited long enough goes before all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, F, IntegerField, Min, Q, QuerySet, Sum, Value, When
from django.utils import timezone

from departments.quotas.services import used_up
from jobs import accounts, lifecycle, workers
from jobs.dispatch import ring
from jobs.models import Job, JobState
from jobs.registry import kinds_that

# A job that has waited so long goes before younger ones whatever they are.
LONG_WAIT = timedelta(minutes=10)
# Each round somebody else was faster; so many at once are not to be had.
TRIES = 50


@dataclass(frozen=True, slots=True)
class Turn:
    """A department that waits: what it has running, computed lately (ms), since when its oldest job waits."""

    department: UUID
    running: int
    recent: float
    since: datetime
    # Its CPU quota is used up: only kinds that do not count may start.
    is_used_up: bool = False

    @property
    def key(self) -> tuple[int, bool, float, datetime]:
        return self.running, self.since > timezone.now() - LONG_WAIT, self.recent, self.since


def take(queues: Sequence[str], *, worker: str) -> Job | None:
    """Claim the job whose turn it is for `worker`; None when nothing waits that may start."""
    for _round in range(TRIES):
        found = _next(queues)
        if found is None:
            return None
        job = lifecycle.claim(*found, worker=worker)
        if job is not None:
            return job
    return None


def _next(queues: Sequence[str]) -> tuple[UUID, int] | None:
    for turn in turns(queues):
        waiting = in_order(Job.objects.filter(department=turn.department, state=JobState.QUEUED, queue__in=queues))
        if turn.is_used_up:
            waiting = waiting.exclude(kind__in=kinds_that("counts"))
        first = waiting.values_list("pk", "attempt").first()
        if first is not None:
            return first
    return None


def in_order(waiting: QuerySet[Job]) -> QuerySet[Job]:
    """A department's waiting jobs in the order in which they start."""
    waited = When(queued_at__lt=timezone.now() - LONG_WAIT, then=Value(0))
    rank = Case(waited, default=F("priority"), output_field=IntegerField())
    return waiting.annotate(rank=rank).order_by("rank", "created_at", "pk")


def turns(queues: Sequence[str] | None = None) -> list[Turn]:
    """The departments with jobs that may start, in the order of their turns. A fixed number of queries."""
    ours = Q() if queues is None else Q(queue__in=queues)
    rows = Job.objects.filter(ours, state=JobState.QUEUED).order_by().values_list("department_id", "kind")
    waiting = list(rows.annotate(since=Min("queued_at")))
    if not waiting:
        return []
    departments = {department for department, _kind, _since in waiting}
    blocked = used_up(departments, "cpu")
    counted = set(kinds_that("counts")) if blocked else set()
    oldest: dict[UUID, datetime] = {}
    for department, kind, since in waiting:
        if department not in blocked or kind not in counted:
            oldest[department] = min(since, oldest.get(department, since))
    held = Job.objects.filter(ours, state=JobState.RUNNING, department__in=departments).order_by()
    running = {
        d: (n, ms or 0) for d, n, ms in held.values_list("department_id").annotate(Count("pk"), Sum("cpu_live_ms"))
    }
    recent = accounts.recent(departments)
    found = []
    for department, since in oldest.items():
        count, live = running.get(department, (0, 0))
        found.append(Turn(department, count, recent.get(department, 0.0) + live, since, department in blocked))
    return sorted(found, key=lambda turn: turn.key)


def make_room(job: Job, queues: Sequence[str]) -> bool:
    """Tell `job`, which runs, to make room, if a department that has nothing running waits and this one's turn is over.

    Asked by the process that watches the job. All that ask see the same rows and name the same job, and the flag is set
    on a condition: one makes room for one.
    """
    due = timezone.now() - timedelta(seconds=settings.JOB_YIELD_AFTER)
    waiting = [turn for turn in turns(queues) if not turn.running and turn.since < due]
    if not waiting:
        return False
    held = list(Job.objects.filter(state=JobState.RUNNING, queue__in=queues).defer("payload", "result"))
    if len(held) < workers.slots(queues):
        # A worker is free: the message got lost.
        _ring_for(waiting[0], queues)
        return False
    if sum(bool(each.signal) for each in held) >= len(waiting):
        return False
    chosen = _chosen(held)
    if chosen is None or chosen.pk != job.pk:
        return False
    flagged = lifecycle.running(job.pk, job.attempt).filter(signal="", effect_at=None).update(signal="yield")
    return bool(flagged)


def _chosen(held: list[Job]) -> Job | None:
    """The run that makes room: of the department that has most, the one that began last, for it loses least."""
    count: dict[UUID, int] = {}
    for each in held:
        count[each.department_id] = count.get(each.department_id, 0) + 1
    yielding, begun = kinds_that("yields"), timezone.now() - timedelta(seconds=settings.JOB_TURN)
    able = [each for each in held if each.kind in yielding and not each.signal and each.effect_at is None]
    # The only run of a department has its turn first; where one has several, the others wait for no turn.
    able = [each for each in able if count[each.department_id] > 1 or (each.started_at or begun) < begun]
    return max(able, key=lambda each: (count[each.department_id], each.started_at, each.pk), default=None)


def _ring_for(turn: Turn, queues: Sequence[str]) -> None:
    waiting = in_order(Job.objects.filter(department=turn.department, state=JobState.QUEUED, queue__in=queues))
    first = waiting.first()
    if first is not None:
        ring(first.pk, first.attempt, first.queue)
