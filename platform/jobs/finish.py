"""What happens around the end of a job, whichever process ends it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.context import Origin, acting
from audit.services import record
from jobs.models import Job, JobLog
from jobs.registry import get_handler

logger = logging.getLogger("atrium.jobs")


def workdir_of(job_id: UUID) -> Path:
    """The folder that a job keeps across its attempts, for checkpoints; gone when the job ends."""
    return Path(settings.HOME) / "work" / str(job_id)


def origin_of(job: Job) -> Origin:
    """The person for whom the job acts, as the audit trail shows it."""
    name = str(job.created_by) if job.created_by is not None else ""
    return Origin(actor_id=job.created_by_id, actor_name=name, token_id=job.token_id, request_id=str(job.pk))


def finished(job: Job) -> None:
    """Inside the transaction that ended `job`: record it and let the object it is about follow."""
    with acting(origin_of(job)):
        record(f"job.{job.state}", job, details={"kind": job.kind, "attempt": job.attempt})
        _follow(job)
    transaction.on_commit(lambda: shutil.rmtree(workdir_of(job.pk), ignore_errors=True))


def _follow(job: Job) -> None:
    """Call the kind's `on_finish`. A bug in it is logged; it cannot keep the job from ending."""
    try:
        with transaction.atomic():
            follow = get_handler(job.kind).on_finish
            if follow is not None:
                follow(job)
    except Exception:
        logger.exception("on_finish of job %s (%s) failed", job.pk, job.kind)
        message = "The job ended, but what it belongs to could not be brought up to date. Tell your administrator."
        JobLog.objects.create(job=job, attempt=job.attempt, level="error", message=message)
