"""Finding what got lost: leases that ran out with their worker, and queued rows whose message never arrived."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.dispatch import ring
from jobs.models import Job, JobState
from jobs.outcome import Outcome, again

logger = logging.getLogger("atrium.jobs")
# Rung again per round: the oldest, so that a long queue does not drown in copies of its own messages.
RING_AT_ONCE = 100


def reap() -> tuple[int, int]:
    """Return (leases that had run out, messages sent again). Any number of reapers may run at once."""
    return _take_back(), _ring_again()


def _take_back() -> int:
    now = timezone.now()
    lost = list(Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lt=now).values_list("pk", flat=True)[:500])
    return sum(_take_back_one(pk) for pk in lost)


@transaction.atomic
def _take_back_one(pk: UUID) -> bool:
    expired = Job.objects.filter(pk=pk, state=JobState.RUNNING, lease_expires_at__lt=timezone.now())
    job = expired.select_for_update(skip_locked=False).first()
    if job is None:
        return False
    logger.warning("the lease of job %s (attempt %s, worker %s) ran out", job.pk, job.attempt, job.worker)
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
