"""Finding what got lost: jobs whose lease ran out or whose worker died here, and rows whose message never arrived."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs import lifecycle
from jobs.dispatch import ring
from jobs.models import Job, JobState
from jobs.outcome import Outcome, again
from jobs.worker import has_died

logger = logging.getLogger("atrium.jobs")
# Rung again per round: the oldest, so that a long queue does not drown in copies of its own messages.
RING_AT_ONCE = 100
LOOKED_AT = 1000


def reap() -> tuple[int, int]:
    """Return (jobs that had lost their worker, messages sent again). Any number of reapers may run at once."""
    return _take_back(), _ring_again()


def _take_back() -> int:
    running = Job.objects.filter(state=JobState.RUNNING).order_by("lease_expires_at")[:LOOKED_AT]
    rows = running.values_list("pk", "attempt", "lease_expires_at", "worker")
    lost = [(pk, attempt) for pk, attempt, lease, worker in rows if _is_lost(lease, worker)]
    return sum(_take_back_one(pk, attempt) for pk, attempt in lost)


def _is_lost(lease: datetime | None, worker: str) -> bool:
    return lease is None or lease < timezone.now() or has_died(worker)


@transaction.atomic
def _take_back_one(pk: UUID, attempt: int) -> bool:
    job = lifecycle.running(pk, attempt).select_for_update().first()
    # Somebody may have renewed the lease since; a process that has died stays dead.
    if job is None or not _is_lost(job.lease_expires_at, job.worker):
        return False
    logger.warning("job %s (attempt %s) lost its worker %s", job.pk, job.attempt, job.worker)
    again(job, Outcome("retry", line=_("The worker stopped in mid-work.")))
    return True


def _ring_again() -> int:
    due = timezone.now() - timedelta(seconds=settings.JOB_RING_AGAIN_AFTER)
    waiting = Job.objects.filter(Q(dispatched_at=None) | Q(dispatched_at__lt=due), state=JobState.QUEUED)
    oldest = waiting.order_by(F("dispatched_at").asc(nulls_first=True), "created_at")[:RING_AT_ONCE]
    rung = 0
    for job in oldest:
        Job.objects.filter(pk=job.pk, attempt=job.attempt).update(dispatched_at=timezone.now())
        if not ring(job.pk, job.attempt, job.queue):
            break
        rung += 1
    return rung
