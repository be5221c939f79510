"""Pages of jobs: the list, and one job live."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from departments.access import Verb, decide, require
from jobs import log, services, waiting
from jobs.models import Job, JobState
from jobs.registry import kinds
from rest.paging import page_of
from rest.problems import Refused

FILTERS = ("q", "state", "kind")
LINES = 1000


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Jobs of the departments that the person belongs to, filtered by the address."""
    jobs = Job.objects.visible_to(request.actor).with_what_lists_show()  # type: ignore[attr-defined]
    filters = {name: request.GET.get(name, "").replace("\x00", "")[:160] for name in FILTERS}
    found = page_of(request, _narrowed(jobs, filters).defer("payload", "result"))
    why = waiting.of(found.rows)
    for job in found.rows:
        job.waiting = why.get(job.pk)
    page = {
        "page": found,
        "states": JobState.choices,
        "kinds": kinds().items(),
        "filters": filters,
        "filtered": any(filters.values()),
    }
    return render(request, "jobs/list.html", page)


def _narrowed(jobs: Any, filters: dict[str, str]) -> Any:
    if filters["q"]:
        jobs = jobs.filter(title__icontains=filters["q"])
    return jobs.filter(**{name: filters[name] for name in ("state", "kind") if filters[name]})


def _job(request: HttpRequest, id: UUID, verb: Verb) -> Job:
    visible = Job.objects.visible_to(request.actor).with_what_lists_show()  # type: ignore[attr-defined]
    job: Job = get_object_or_404(visible, pk=id)
    require(request.actor, verb, job)  # type: ignore[attr-defined]
    return job


def _state(request: HttpRequest, job: Job) -> dict[str, Any]:
    may_steer = decide(request.actor, Verb.EDIT, job).allowed  # type: ignore[attr-defined]
    return {"job": job, "may_steer": may_steer, "waiting": waiting.of([job]).get(job.pk)}


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """One job: state, progress, log, and the ways to steer it."""
    job = _job(request, id, Verb.DISCOVER)
    actor = request.actor  # type: ignore[attr-defined]
    said = log.tail(actor, job, LINES)
    shown = {"lines": said, "last": said[-1].pk if said else 0, "may_read_log": log.may_read(actor, job)}
    return render(request, "jobs/detail.html", {**_state(request, job), **shown})


@login_required
@require_GET
def head(request: HttpRequest, id: UUID) -> HttpResponse:
    """What changes while the job runs; the page asks for it every second until the job has ended."""
    return render(request, "jobs/_head.html", _state(request, _job(request, id, Verb.DISCOVER)))


@login_required
@require_GET
def why(request: HttpRequest, id: UUID) -> HttpResponse:
    """Why the job waits, for pages of what it works on; nothing, and no further question, once it does not."""
    job = _job(request, id, Verb.DISCOVER)
    return render(request, "jobs/_waiting.html", {"waiting": waiting.of([job]).get(job.pk), "asks_again": job.pk})


@login_required
@require_GET
def lines(request: HttpRequest, id: UUID) -> HttpResponse:
    """The log's lines after the one whose key is `?after=`."""
    job = _job(request, id, Verb.PREVIEW)
    after = request.GET.get("after", "0")
    last = int(after[:18]) if after.isascii() and after.isdigit() else 0
    shown = log.lines_after(request.actor, job, last)  # type: ignore[attr-defined]
    last = shown[-1].pk if shown else last
    return render(request, "jobs/_lines.html", {"job": job, "lines": shown, "last": last})


@login_required
@require_POST
def signal(request: HttpRequest, id: UUID, name: str) -> HttpResponse:
    """Pause, resume, stop or cancel."""
    job = _job(request, id, Verb.EDIT)
    try:
        services.signal(job, name)
    except Refused as refused:
        if refused.status != 409:
            raise
        # The job went on while the page stood still: say so where the person looks.
        messages.error(request, refused.detail)
    return redirect("jobs:detail", job.pk)
