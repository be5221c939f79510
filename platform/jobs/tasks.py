"""The messages that workers answer."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from jobs.reaper import reap as reap_now
from jobs.runner import work
from jobs.worker import worker_name


@shared_task(name="jobs.tasks.run")
def run(job_id: str, attempt: int) -> None:
    """Do one attempt of a job, unless somebody else does."""
    work(UUID(job_id), attempt, worker=worker_name())


@shared_task(name="jobs.tasks.reap")
def reap() -> None:
    """Bring back what dead workers held and what lost messages left waiting."""
    reap_now()
