"""Asking for work, and steering it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import ApiToken
from audit import context
from audit.services import record
from departments.access import Actor, Verb, actor_for, require_in
from departments.models import Department
from jobs import lifecycle
from jobs.dispatch import ring_on_commit
from jobs.models import Job, JobState
from jobs.registry import get_handler
from rest.problems import Refused

SIGNALS = ("cancel", "stop", "pause", "resume")


@transaction.atomic
def enqueue(
    kind: str,
    *,
    actor: Actor,
    department: Department,
    payload: dict[str, Any],
    about: models.Model | None = None,
    estimate_seconds: float | None = None,
) -> Job:
    """Queue a job in the caller's transaction; workers hear of it when that commits.

    `about` is the object that the job works on; `payload` is JSON; `estimate_seconds` is how long the work may take,
    where that is known. The requester's right is checked again at start.
    """
    handler = get_handler(kind)
    # Kept untranslated: every reader sees it in a language of their own.
    with translation.override(None):
        title = str(handler.title)[:200]
    job = Job.objects.create(
        kind=kind,
        title=title,
        department=department,
        created_by_id=actor.person_id,
        token_id=context.current().token_id,
        queue=handler.queue,
        payload=payload,
        about_kind=about._meta.model_name or "" if about is not None else "",
        about_id=about.pk if about is not None else None,
        max_attempts=settings.JOB_MAX_ATTEMPTS,
        priority=handler.priority,
        estimate_seconds=estimate_seconds,
        dispatched_at=timezone.now(),
    )
    record("job.enqueue", job, details={"kind": kind})
    ring_on_commit(job.pk, job.attempt, job.queue)
    return job


def requester(job: Job) -> Actor:
    """The person who asked for the job, with memberships and token as they are now; Refused when they may not act."""
    person, token = job.created_by, job.token
    if person is None or not person.is_active:
        detail = _("The person who asked for this job has no account any more. Let a colleague start it again.")
        raise Refused("requester_gone", detail, status=403)
    if token is not None and not ApiToken.objects.get(pk=token.pk).is_live:
        detail = _("The token that asked for this job is revoked or expired. Start it again with a live one.")
        raise Refused("token_gone", detail, status=403)
    return actor_for(person, token)


def authorize(job: Job) -> None:
    """Check the requester's right as it is now; raises Refused or Http404."""
    actor = requester(job)
    check = get_handler(job.kind).authorize
    if check is not None:
        check(job)
    else:
        require_in(actor, Verb.CREATE, job.department)


@transaction.atomic
def signal(job: Job, name: str) -> Job:
    """Steer a job: "cancel", "stop" (end now and keep the best), "pause" or "resume". Returns the fresh row.

    What runs is flagged and follows within seconds; what waits changes at once.
    """
    if name not in SIGNALS:
        raise Refused("invalid", _("choose from %s") % ", ".join(SIGNALS), status=422)
    row: Job = Job.objects.select_for_update().get(pk=job.pk)
    if row.is_finished:
        detail = _("This job has ended already (%s); there is nothing left to steer.") % row.get_state_display()
        raise Refused("job_ended", detail)
    {"cancel": _cancel, "stop": _stop, "pause": _pause, "resume": _resume}[name](row)
    record(f"job.{name}", row, details={"kind": row.kind})
    row.refresh_from_db()
    return row


def _flag(job: Job, name: str) -> None:
    """Leave word for the process that runs the job; a cancel is not taken back."""
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING).exclude(signal="cancel").update(signal=name)


def _cancel(job: Job) -> None:
    if job.state == JobState.RUNNING:
        _flag(job, "cancel")
    else:
        lifecycle.end_waiting(job, JobState.CANCELLED)


def _stop(job: Job) -> None:
    if job.state == JobState.RUNNING:
        _flag(job, "stop")
    elif job.state == JobState.PAUSED:
        lifecycle.resume(job, signal="stop")
    elif job.started_at is None:
        raise Refused("not_started", _("This job has not begun, so there is nothing to keep. Cancel it instead."))
    else:
        Job.objects.filter(pk=job.pk).update(signal="stop")


def _pause(job: Job) -> None:
    if job.state == JobState.RUNNING:
        _flag(job, "pause")
    else:
        Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(state=JobState.PAUSED)


def _resume(job: Job) -> None:
    if job.state == JobState.PAUSED:
        lifecycle.resume(job)
    elif job.signal == "pause":
        _flag(job, "")
    else:
        raise Refused("not_paused", _("This job is not paused, so it cannot be resumed."))
