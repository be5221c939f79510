"""The messages that workers answer."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from jobs import workers
from jobs.reaper import reap as reap_now
from jobs.runner import answer
from jobs.worker import worker_name


@shared_task(name="jobs.tasks.run")
def run(job_id: str, attempt: int) -> None:
    """A job waits: do the one whose turn it is."""
    workers.seen()
    answer(UUID(job_id), attempt, worker=worker_name(), queues=workers.own_queues())


@shared_task(name="jobs.tasks.reap")
def reap() -> None:
    """Bring back what dead workers held and what lost messages left waiting."""
    workers.seen()
    reap_now()
