"""How one attempt went, in a form that crosses from the child process to the one that watches it."""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from audit.context import acting
from jobs import lifecycle
from jobs.clean import clean_text
from jobs.context import JobContext
from jobs.errors import Cancelled, Fenced, JobFailed, Paused
from jobs.finish import origin_of
from jobs.models import Job, JobLog, JobState
from jobs.registry import get_handler
from rest.problems import Refused, problem

logger = logging.getLogger("atrium.jobs")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind`: succeeded, failed (final), cancelled, paused, retry (may be tried again), released (put back), fenced."""

    kind: str
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    # What the log tells the person about an attempt that will be tried again.
    line: str = ""

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Outcome:
        return cls(**json.loads(data))


def failed(code: str, detail: str, hint: str = "") -> Outcome:
    return Outcome("failed", error=JobFailed(code, detail, hint).as_problem())


def attempt(job: Job) -> Outcome:
    """Do the job once, here and now, and say how it went."""
    try:
        with acting(origin_of(job)):
            result = get_handler(job.kind).run(JobContext(job))
        return Outcome("succeeded", result=result)
    except Cancelled:
        return Outcome("cancelled")
    except Paused:
        return Outcome("paused")
    except Fenced as error:
        return Outcome("fenced", line=str(error))
    except Exception as error:
        return of_error(job, error)


def of_error(job: Job, error: Exception) -> Outcome:
    """What an exception of the job's code, or of the check of its person's right, makes of the attempt."""
    if isinstance(error, JobFailed | Refused):
        return Outcome("failed", error=error.as_problem())
    if isinstance(error, Http404):
        detail = _("What the job works on is gone, or its person may not see it any more.")
        return Outcome("failed", error=problem(404, "not_found", detail) | {"hint": ""})
    if isinstance(error, MemoryError):
        return out_of_memory(get_handler(job.kind).memory_mb)
    logger.error("attempt %s of job %s (%s) failed", job.attempt, job.pk, job.kind, exc_info=error)
    return Outcome("retry", line=traceback.format_exception_only(error)[-1].strip()[:500])


def out_of_memory(allowed_mb: int, used_mb: int | None = None) -> Outcome:
    used = _(" It used %d MB.") % used_mb if used_mb is not None else ""
    detail = _("The job needed more memory than the %(mb)d MB that this kind of job may use.%(used)s")
    hint = _(
        "Use fewer rows or columns, a smaller batch or a smaller model, or ask your administrator for more memory."
    )
    return failed("out_of_memory", detail % {"mb": allowed_mb, "used": used}, hint)


def settle(job: Job, outcome: Outcome) -> None:
    """Write the outcome of this attempt into the row; nothing happens if the job has moved on."""
    if outcome.kind == "fenced":
        return
    fresh = lifecycle.running(job.pk, job.attempt).first()
    if fresh is None:
        return
    if outcome.kind in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        lifecycle.end(job, outcome.kind, result=outcome.result, error=outcome.error)
    elif outcome.kind == "paused" and fresh.signal not in ("yield", "stop"):
        lifecycle.pause(job) or lifecycle.end(job, JobState.SUCCEEDED)
    else:
        again(fresh, outcome)


def again(job: Job, outcome: Outcome) -> None:
    """An attempt broke off. Follow the signal that was given, or try again while attempts are left."""
    counts = outcome.kind == "retry"
    if job.effect_at is not None:
        lifecycle.end(job, JobState.SUCCEEDED)
    elif job.signal == "cancel":
        lifecycle.end(job, JobState.CANCELLED)
    elif job.signal == "pause":
        lifecycle.pause(job)
    elif job.signal == "yield" and not counts:
        say(job, _("Paused to let another department have a turn; goes on by itself from here."), "info")
        lifecycle.requeue(job, failed=False, gave_way=True)
    elif counts and job.failures + 1 >= job.max_attempts:
        say(job, outcome.line, "error")
        lifecycle.end(job, JobState.FAILED, error=_gave_up(job, outcome.line))
    else:
        say(job, outcome.line, "warning")
        lifecycle.requeue(job, failed=counts, ring=outcome.kind != "released")


def say(job: Job, line: str, level: str) -> None:
    if line:
        JobLog.objects.create(job=job, attempt=job.attempt, level=level, message=clean_text(line))


def _gave_up(job: Job, line: str) -> dict[str, Any]:
    # Only the exception's name: its text may hold a value of somebody's row. The log, which only those who may preview
    # can read, has the whole line.
    name = line.partition(":")[0]
    detail = _("The job was tried %(n)d times and broke off each time, last with: %(line)s") % {
        "n": job.max_attempts,
        "line": name,
    }
    hint = _(
        "Start it again; if it breaks off again, give your administrator the job's id: the worker log has the details."
    )
    error = JobFailed("attempts_used_up", detail, hint)
    return error.as_problem() | {"status": 500, "title": "Internal Server Error"}
