"""One attempt from its message to its end: claim, check the right, do the work in a child process, settle."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.http import Http404

from audit.context import acting
from jobs import fairness, lifecycle
from jobs.dispatch import ring
from jobs.finish import origin_of
from jobs.models import Job, JobState
from jobs.outcome import Outcome, attempt, failed, of_error, settle
from jobs.registry import get_handler
from jobs.services import authorize
from jobs.worker import is_shutting_down
from rest.problems import Refused

logger = logging.getLogger("atrium.jobs")


def answer(job_id: UUID, number: int, *, worker: str, queues: Sequence[str]) -> bool:
    """Answer the bell that attempt `number` of a job rang: do the job of `queues` whose turn it is, if there is one.

    The message says only that something waits. Which job a free worker takes is decided here and now: see fairness.
    """
    if is_shutting_down():
        lifecycle.leave(job_id, number)
        return False
    waiting = Job.objects.filter(pk=job_id, attempt=number, state=JobState.QUEUED)
    rang = waiting.values_list("queue", flat=True).first()
    job = fairness.take(queues or ([rang] if rang else []), worker=worker)
    if job is None:
        return False
    if rang and job.queue != rang:
        # Its own message may go to a worker that does not serve this queue: the bell is hung up again.
        ring(job_id, number, rang)
    settle(job, _refusal(job) or _in_child(job))
    return True


def work(job_id: UUID, number: int, *, worker: str, inline: bool = False) -> bool:
    """Do attempt `number` of this very job if it is still to be done; return whether this process did it.

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
