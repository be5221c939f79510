"""The page of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from departments.access import Verb, decide, require
from jobs import waiting
from jobs.models import JobState
from jobs.waiting import Waiting
from rest.paging import page_of
from rest.problems import Refused
from training import results, studies, study_results, study_steering
from training.engine.family import FAMILIES
from training.models import LIVE, RunState, Study, Trial
from training.study_options import MEGABYTE

LIMIT_WORDS = {"latency_ms": gettext_lazy("Milliseconds for one row"), "size_mb": gettext_lazy("Megabytes")}


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Studies of the departments that the person belongs to."""
    ended = Count("trials", filter=~Q(trials__run__state__in=LIVE))
    studies_ = Study.objects.visible_to(request.actor).select_related("dataset_version__dataset", "created_by")  # type: ignore[attr-defined]
    found = page_of(request, studies_.annotate(ended=ended, best=Min("trials__value")))
    rows = [{"study": study, "metric": results.WORDS.get(study.metric, study.metric)} for study in found.rows]
    return render(request, "training/studies.html", {"page": found, "rows": rows})


def _study(request: HttpRequest, id: UUID, verb: Verb) -> Study:
    visible = Study.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    found: Study = get_object_or_404(visible.select_related("department", "dataset_version__dataset"), pk=id)
    require(request.actor, verb, found)  # type: ignore[attr-defined]
    return found


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """Trials, the best so far, the parameters. While it lasts, the page asks for its changing part again."""
    study = _study(request, id, Verb.DISCOVER)
    part = "training/_study.html" if request.htmx else "training/study.html"  # type: ignore[attr-defined]
    return render(request, part, _of_study(request, study))


def _of_study(request: HttpRequest, study: Study) -> dict[str, Any]:
    trials: list[Trial] = list(study.trials.select_related("run__job", "run__model_version__model"))
    best = studies.best_trial(study)
    titles = {param.name: param.title for param in FAMILIES[study.configuration["family"]].params}
    metric = str(results.WORDS.get(study.metric, study.metric))
    order = study_results.order_of(request.GET.get("sort", ""), study)
    shares = study_results.importance_of(study, trials)
    return {
        "study": study,
        "trials": [_row(study, trial) for trial in study_results.sorted_trials(trials, order)],
        "order": order,
        "columns": [_column(name, titles.get(name, name), order) for name in study.search],
        "fixed_columns": {
            name: _column(name, "", order) for name in ("number", "state", "value", "latency_ms", "size_bytes")
        },
        "metric": metric,
        "best": best,
        "model_version": getattr(best.run, "model_version", None) if best else None,
        "charts": study_results.charts_of(study, trials, metric),
        "scored": sum(trial.value is not None for trial in trials),
        "importance": [(titles[name], share) for name, share in shares.items()],
        "pruned": sum(trial.run.state == RunState.PRUNED for trial in trials),
        "done": sum(trial.run.is_finished for trial in trials),
        "may_steer": decide(request.actor, Verb.TRAIN, study).allowed,  # type: ignore[attr-defined]
        "may_go_on": study.finished_at is not None and study.state != RunState.CANCELLED,
        "active": study.finished_at is None,
        "waiting": _why_it_waits(trials),
        "limits": [(LIMIT_WORDS[name], value) for name, value in study.limits.items()],
        "models": study.department.models.order_by("name").values_list("name", flat=True)[:200],
    }


def _why_it_waits(trials: list[Trial]) -> Waiting | None:
    """Why the trial that is next has not begun; nothing while another one runs, for then the study goes on."""
    jobs = [trial.run.job for trial in trials if trial.run.job is not None]
    if any(job.state == JobState.RUNNING for job in jobs):
        return None
    return min(waiting.of(jobs).values(), key=lambda why: why.position or math.inf, default=None)


def _row(study: Study, trial: Trial) -> dict[str, Any]:
    version = getattr(trial.run, "model_version", None)
    return {
        "trial": trial,
        "values": [_cell(trial.params.get(name)) for name in study.search],
        "size_mb": None if trial.size_bytes is None else trial.size_bytes / MEGABYTE,
        "over": [(LIMIT_WORDS[name], share) for name, share in trial.excess.items() if share > 0],
        "model_version": version,
        "may_promote": version is None and trial.value is not None and trial.feasible,
    }


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float) else study_results.words(value)


def _column(name: str, title: str, order: str) -> dict[str, Any]:
    """A column's head: a link that sorts by it, and by it the other way round when it is sorted by already."""
    now = {name: "ascending", f"-{name}": "descending"}.get(order)
    return {"name": name, "title": title, "sorted": now, "link": f"?sort={'-' if order == name else ''}{name}"}


@login_required
@require_POST
def signal(request: HttpRequest, id: UUID, signal: str) -> HttpResponse:
    """Stop or cancel."""
    study = _study(request, id, Verb.TRAIN)
    with _told(request):
        study_steering.signal_study(actor=request.actor, study=study, signal=signal)  # type: ignore[attr-defined]
    return redirect("training:study", study.pk)


@login_required
@require_POST
def resume(request: HttpRequest, id: UUID) -> HttpResponse:
    """Go on with more trials."""
    study, asked = _study(request, id, Verb.TRAIN), _whole(request, "trials")
    with _told(request):
        study_steering.resume_study(actor=request.actor, study=study, trials=asked or 0)  # type: ignore[attr-defined]
    return redirect("training:study", study.pk)


@login_required
@require_POST
def promote(request: HttpRequest, id: UUID) -> HttpResponse:
    """Make the model version of the best trial, or of the one that is named, and open it."""
    study, number = _study(request, id, Verb.TRAIN), _whole(request, "trial")
    name = request.POST.get("model_name", "").replace("\x00", "").strip()[:160]
    with _told(request):
        asked = {"actor": request.actor, "study": study, "number": number, "model_name": name}  # type: ignore[attr-defined]
        version = study_steering.promote_trial(**asked)
        messages.success(
            request,
            _("This is version %(number)d of “%(model)s”.") % {"number": version.number, "model": version.model.name},
        )
        return redirect("training:model-version", version.model_id, version.number)
    return redirect("training:study", study.pk)


def _whole(request: HttpRequest, name: str) -> int | None:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@contextmanager
def _told(request: HttpRequest) -> Iterator[None]:
    """A refusal that the page may have come too late for is said on it."""
    try:
        yield
    except Refused as refused:
        if refused.status not in {409, 422}:
            raise
        messages.error(request, " ".join([refused.detail, *(error["message"] for error in refused.errors)]))
