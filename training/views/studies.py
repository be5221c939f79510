"""The page of a study."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from departments.access import Verb, decide, require
from rest.paging import page_of
from rest.problems import Refused
from training import results, studies, study_steering
from training.engine.family import FAMILIES
from training.models import LIVE, Study, Trial


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
    return {
        "study": study,
        "trials": [{"trial": trial, "values": [trial.params.get(name) for name in study.search]} for trial in trials],
        "names": [titles.get(name, name) for name in study.search],
        "metric": results.WORDS.get(study.metric, study.metric),
        "best": best,
        "model_version": getattr(best.run, "model_version", None) if best else None,
        "so_far": so_far([trial.value for trial in trials], smaller=study.direction == "minimise"),
        "done": sum(trial.run.is_finished for trial in trials),
        "may_steer": decide(request.actor, Verb.TRAIN, study).allowed,  # type: ignore[attr-defined]
        "active": study.finished_at is None,
    }


def so_far(values: list[float | None], *, smaller: bool) -> list[float]:
    """The best value after each trial that has one."""
    better = min if smaller else max
    best: list[float] = []
    for value in values:
        if value is not None:
            best.append(better(value, best[-1]) if best else value)
    return best


@login_required
@require_POST
def signal(request: HttpRequest, id: UUID, signal: str) -> HttpResponse:
    """Stop or cancel."""
    study = _study(request, id, Verb.TRAIN)
    try:
        study_steering.signal_study(actor=request.actor, study=study, signal=signal)  # type: ignore[attr-defined]
    except Refused as refused:
        if refused.status != 409:
            raise
        messages.error(request, refused.detail)
    return redirect("training:study", study.pk)
