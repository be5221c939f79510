"""Ringing the bell: the message that tells workers of a queued job. A lost one is rung again by the reaper."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction

from jobs.models import Job, JobState

logger = logging.getLogger("atrium.jobs")


def ring(job_id: UUID, attempt: int, queue: str) -> bool:
    """Send (job id, attempt). A broker that is down costs only time: the row waits for the reaper."""
    from jobs.tasks import run

    try:
        run.apply_async((str(job_id), attempt), queue=queue, retry=False)
    except Exception as error:
        logger.warning("job %s waits for the reaper: the broker did not take its message: %s", job_id, error)
        Job.objects.filter(pk=job_id, attempt=attempt, state=JobState.QUEUED).update(dispatched_at=None)
        return False
    return True


def ring_on_commit(job_id: UUID, attempt: int, queue: str) -> None:
    """Ring once the surrounding transaction is committed, and never when it is rolled back."""
    transaction.on_commit(lambda: ring(job_id, attempt, queue))
