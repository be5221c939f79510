"""Pages of runs: the list, the live page, the comparison."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from departments.access import Verb, decide, require
from jobs import waiting
from rest.problems import Refused
from rest.streams import download
from training import comparison, results, run_list, services
from training.cards import sees_values
from training.engine.family import FAMILIES
from training.live import state_of
from training.models import RunState, TrainingRun
from training.states import allowed, situation_of
from training.views.run_views import views_of

FEW = 5  # runs whose configurations fit beside each other, a column each
MOST_TARGETS = 200


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Runs of the departments that the person belongs to, filtered by the address."""
    runs = TrainingRun.objects.visible_to(request.actor).with_what_lists_show()  # type: ignore[attr-defined]
    filters = run_list.asked(request)
    own = runs.filter(trial=None)  # trials stand with their study
    found = run_list.page_in_order(request, run_list.narrowed(own, filters, request.user))
    page = {
        "page": found,
        "rows": [results.row(run) for run in found.rows],
        "states": RunState.choices,
        "families": FAMILIES,
        "targets": own.order_by("target").values_list("target", flat=True).distinct()[:MOST_TARGETS],
        "filters": filters,
        "filtered": any(filters.values()),
        "heads": run_list.heads(request),
        **views_of(request, "runs"),
    }
    return render(request, "training/runs.html", page)


def _run(request: HttpRequest, id: UUID, verb: Verb) -> TrainingRun:
    visible = TrainingRun.objects.visible_to(request.actor).with_what_lists_show()  # type: ignore[attr-defined]
    run: TrainingRun = get_object_or_404(
        visible.select_related("recipe", "trial__study", "like__dataset_version__dataset"), pk=id
    )
    require(request.actor, verb, run)  # type: ignore[attr-defined]
    return run


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """A run: live while it lasts, then what came of it."""
    run = _run(request, id, Verb.DISCOVER)
    found = results.of_run(run, values=sees_values(request.actor, run))  # type: ignore[attr-defined]
    like = run.like
    changed = {"like": like, "changes": comparison.changes(like, run)} if like else {}
    return render(request, "training/run.html", {**_head(request, run), **found, **changed})


@login_required
@require_GET
def head(request: HttpRequest, id: UUID) -> HttpResponse:
    """The part of the page that changes with the run's state."""
    return render(request, "training/_run_head.html", _head(request, _run(request, id, Verb.DISCOVER)))


@login_required
@require_GET
def leaderboard(request: HttpRequest, id: UUID) -> HttpResponse:
    """The standings as they are; the live page asks for them again when they have changed."""
    run = _run(request, id, Verb.DISCOVER)
    return render(request, "training/_leaderboard.html", results.leaders_of(run))


def _head(request: HttpRequest, run: TrainingRun) -> dict[str, Any]:
    may_steer = decide(request.actor, Verb.TRAIN, run).allowed  # type: ignore[attr-defined]
    why = waiting.of([run.job]).get(run.job.pk) if run.job is not None else None
    signals = allowed(situation_of(run))
    return {"run": run, "live": state_of(run), "may_steer": may_steer, "signals": signals, "waiting": why}


@login_required
@require_POST
def signal(request: HttpRequest, id: UUID, signal: str) -> HttpResponse:
    """Pause, resume, stop or cancel."""
    run = _run(request, id, Verb.TRAIN)
    try:
        services.signal_run(actor=request.actor, run=run, signal=signal)  # type: ignore[attr-defined]
    except Refused as refused:
        if refused.status != 409:
            raise
        # The run went on while the page stood still: say so where the person looks.
        messages.error(request, refused.detail)
    return redirect("training:run", run.pk)


@login_required
@require_POST
def reproduce(request: HttpRequest, id: UUID) -> HttpResponse:
    """Do the run again exactly; its page says whether every byte is the same."""
    again = services.reproduce_run(actor=request.actor, run=_run(request, id, Verb.TRAIN))  # type: ignore[attr-defined]
    messages.success(
        request, _("Queued: the same units and steps again. At its end this page says what differs, if anything.")
    )
    return redirect("training:run", again.pk)


@login_required
@require_GET
def compare(request: HttpRequest) -> HttpResponseBase:
    """Up to a hundred runs: one metric's curves over each other, their figures, and how the configurations differ."""
    if ticked := request.GET.getlist("id")[: comparison.MOST]:
        return redirect(f"{reverse('training:compare')}?ids={','.join(ticked)}")
    asked = request.GET.get("ids", "").split(",")
    runs = comparison.chosen(request.actor, asked)  # type: ignore[attr-defined]
    if len(runs) < 2:
        messages.info(request, _("Tick two to %d runs to compare them.") % comparison.MOST)
        return redirect("training:runs")
    columns = comparison.columns_of(runs)
    if request.GET.get("as") == "csv":
        parts = comparison.table_csv(runs, columns)
        return download(request, parts, name="runs.csv", content_type="text/csv; charset=utf-8")
    page = {
        **views_of(request, "compare"),
        "runs": runs,
        "ids": ",".join(str(run.pk) for run in runs),
        "columns": columns,
        "rows": comparison.rows_of(runs, columns),
        "chart": comparison.parallel(runs, columns) if len(runs) > 2 else None,
        "few": len(runs) <= FEW,
        "differences": [column for column in columns if column.kind == "setting"],
    }
    return render(request, "training/compare.html", page)
