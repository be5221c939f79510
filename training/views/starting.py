"""Starting points: choose a use, map its columns, start; or have its example brought first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from datasets.models import Dataset, VersionState
from departments.access import Verb
from rest.problems import Refused
from training import services, starting
from training.starting_points import STARTING_POINTS
from training.starting_points._base import FIELDS, StartingPoint


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Every use, by its field."""
    groups = [(field, [point for point in STARTING_POINTS if point.field == field]) for field in FIELDS]
    return render(request, "training/starting_points.html", {"groups": [group for group in groups if group[1]]})


def _point(name: str) -> StartingPoint:
    if name not in STARTING_POINTS:
        raise Http404
    return STARTING_POINTS[name]


@login_required
@require_http_methods(["GET", "POST"])
def detail(request: HttpRequest, name: str) -> HttpResponse:
    """What the use is; with a data set, its columns to be mapped; posted, the run."""
    point = _point(name)
    asked = (request.POST if request.method == "POST" else request.GET).get("dataset")
    if not asked:
        return _page(request, point, {"datasets": _choices(request), "may_bring": bool(_creates(request))})
    dataset = _dataset(request, asked)
    if not dataset.versions.filter(state=VersionState.READY).exists():
        newest = dataset.versions.order_by("-number").first()
        return _page(request, point, {"dataset": dataset, "waiting": newest})
    if request.method == "POST":
        return _start(request, point, dataset)
    return _mapping(request, point, dataset, None, {})


def _page(request: HttpRequest, point: StartingPoint, more: dict[str, Any], status: int = 200) -> HttpResponse:
    template = "training/_start_waiting.html" if "HX-Request" in request.headers else "training/starting_point.html"
    return render(request, template, {"point": point, **more}, status=status)


def _choices(request: HttpRequest) -> Any:
    found = services.trainable(request.actor).filter(versions__state=VersionState.READY)  # type: ignore[attr-defined]
    return found.distinct().order_by("name")[:200]


def _creates(request: HttpRequest) -> set[UUID]:
    return set(request.actor.departments_with(Verb.CREATE))  # type: ignore[attr-defined]


def _dataset(request: HttpRequest, asked: str) -> Dataset:
    try:
        key = UUID(asked)
    except ValueError:
        raise Http404 from None
    visible = Dataset.objects.visible_to(request.actor).select_related("department")  # type: ignore[attr-defined]
    found: Dataset = get_object_or_404(visible, pk=key)
    return found


def _mapping(
    request: HttpRequest, point: StartingPoint, dataset: Dataset, given: dict[str, str] | None, errors: dict[str, str]
) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    department = services.department_for(actor, dataset, request.department)  # type: ignore[attr-defined]
    version = services.latest_ready(dataset)
    table = services.table_for(actor, version, services.require_train(actor, dataset, department))
    mapping = starting.proposed(point, table) if given is None else given
    rows = [
        {
            "column": column,
            "chosen": mapping.get(column.name, ""),
            "choices": [one.name for one in table.schema if one.type in column.types],
            "error": errors.get(f"mapping.{column.name}", ""),
        }
        for column in point.asked
    ]
    page = {"dataset": dataset, "version": version, "rows": rows, "department": department}
    return _page(request, point, page, 422 if errors else 200)


def _start(request: HttpRequest, point: StartingPoint, dataset: Dataset) -> HttpResponse:
    given = {column.name: request.POST.get(f"mapping.{column.name}", "") for column in point.asked}
    actor = request.actor  # type: ignore[attr-defined]
    try:
        run = starting.begin(
            actor=actor,
            department=services.department_for(actor, dataset, request.department),  # type: ignore[attr-defined]
            version=services.latest_ready(dataset),
            point=point,
            mapping=given,
        )
    except Refused as refused:
        if refused.status != 422:
            raise
        for error in refused.errors:
            if not error["field"].startswith("mapping."):
                messages.error(request, error["message"])
        return _mapping(request, point, dataset, given, {e["field"]: e["message"] for e in refused.errors})
    messages.success(request, _("Queued. This page follows it; leaving it stops nothing."))
    return redirect("training:run", run.pk)


@login_required
@require_POST
def example(request: HttpRequest, name: str) -> HttpResponse:
    """Bring the use's example into the person's department, and come back with it."""
    point = _point(name)
    able, preferred = _creates(request), request.department  # type: ignore[attr-defined]
    if not preferred or preferred.pk not in able:
        detail = _("Your role here does not include uploading. Choose a data set that is there, or ask a manager.")
        raise Refused("no-role", detail, status=403)
    dataset = starting.example_for(actor=request.actor, department=preferred, point=point)  # type: ignore[attr-defined]
    return redirect(f"{reverse('training:start', args=[name])}?dataset={dataset.pk}")
