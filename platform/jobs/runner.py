"""One attempt from its message to its end: claim, check the right, do the work in a child process, settle."""

from __future__ import annotations

import logging
from uuid import UUID

from django.http import Http404

from audit.context import acting
from jobs import lifecycle
from jobs.finish import origin_of
from jobs.models import Job
from jobs.outcome import Outcome, attempt, failed, of_error, settle
from jobs.registry import get_handler
from jobs.services import authorize
from jobs.worker import is_shutting_down
from rest.problems import Refused

logger = logging.getLogger("atrium.jobs")


def work(job_id: UUID, number: int, *, worker: str, inline: bool = False) -> bool:
    """Do attempt `number` of a job if it is still to be done; return whether this process did it.

    `inline` does the work in this very process, for tests of handlers; otherwise it is a child process's.
    """
    if is_shutting_down():
        lifecycle.leave(job_id, number)
        return False
    job = lifecycle.claim(job_id, number, worker=worker)
    if job is None:
        return False
    outcome = _refusal(job) or (attempt(job) if inline else _in_child(job))
    settle(job, outcome)
    return True


def _refusal(job: Job) -> Outcome | None:
    """Why the job may not start: its kind is unknown here, or its person's right is gone."""
    try:
        get_handler(job.kind)
    except KeyError as error:
        return failed("unknown_kind", str(error.args[0]), "Update the worker, then start the job again.")
    try:
        with acting(origin_of(job)):
            authorize(job)
    except (Refused, Http404) as refusal:
        return of_error(job, refusal)
    return None


def _in_child(job: Job) -> Outcome:
    from jobs.watch import watch

    return watch(job)
