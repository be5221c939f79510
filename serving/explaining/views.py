"""Beside the try-it form: why this answer, and what would change it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from audit.services import record
from departments.access import Verb, require
from serving import snapshots, what_if
from serving.explaining import alternatives, shown
from serving.explaining.explainers import explainer_of
from serving.models import Deployment
from serving.runtime.answering import Snapshot
from serving.runtime.faults import InstanceErrors
from training.models import ModelVersion

WAYS = 3


def _version(request: HttpRequest, model_id: UUID, number: int) -> tuple[ModelVersion, str]:
    """The version, if the person may ask it, and the rule that lets him."""
    versions = ModelVersion.objects.visible_to(request.actor).select_related("model", "run")  # type: ignore[attr-defined]
    version: ModelVersion = get_object_or_404(versions, model_id=model_id, number=number)
    return version, require(request.actor, Verb.PREDICT, version).rule  # type: ignore[attr-defined]


@login_required
@require_POST
def why(request: HttpRequest, model_id: UUID, number: int) -> HttpResponse:
    """What each input added to the answer of the try-it form. The form's own question is what is recorded."""
    version, _rule = _version(request, model_id, number)
    explainer = explainer_of(version)
    try:
        rows, matrix = explainer.predictor.prepare([what_if.instance_from(request.POST, version)])
    except InstanceErrors:
        return HttpResponse()  # the answer beside it says what cannot be read
    [told] = explainer.explain(rows, matrix)
    chart = shown.waterfall(told, classes=len(explainer.predictor.classes))
    return render(request, "serving/_why.html", {"chart": chart, "target": version.target})


@login_required
@require_POST
def change(request: HttpRequest, model_id: UUID, number: int) -> HttpResponse:
    """What would have to be otherwise in the try-it form for another answer."""
    version, rule = _version(request, model_id, number)
    controls = {control.name: control.column.name for control in what_if.controls_of(version)}
    locked = frozenset(controls[name] for name in request.POST.getlist("lock") if name in controls)
    instance, want = what_if.instance_from(request.POST, version), _wanted(request, version)
    question = alternatives.Question(instance, want, locked, count=WAYS)
    record("model_version.counterfactuals", version, rule=rule, version=number)
    try:
        found = alternatives.find(snapshot=_snapshot(request, version), version=version, question=question)
    except InstanceErrors as wrong:
        return render(request, "serving/_ways.html", {"faults": what_if.faults_shown(wrong.faults)}, status=422)
    names = {column: name for name, column in controls.items()}
    context = {"ways": shown.ways(found, names), "form": request.POST.get("form", ""), "searched": found.searched}
    return render(request, "serving/_ways.html", context)


def _wanted(request: HttpRequest, version: ModelVersion) -> dict[str, Any] | None:
    """What the fields beside the button ask for: a label, a bound for a value, or nothing but another answer."""
    if version.task != "regression":
        chosen = request.POST.get("want_label", "")
        return {"label": chosen} if chosen else None
    way = "at_most" if request.POST.get("want_way") == "at_most" else "at_least"
    text = request.POST.get("want_value", "").strip()
    try:
        return {way: float(text)}
    except ValueError:
        return {}


def _snapshot(request: HttpRequest, version: ModelVersion) -> Snapshot:
    """Of the deployment on whose page the form stands, with its policy; of the version alone on its own page."""
    name = request.POST.get("deployment", "")
    deployments = Deployment.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    if name and deployments.filter(name=name, model_version=version).exists():
        return snapshots.build(snapshots.rows().get(name=name))
    return Snapshot("", "", version.department_id, False, snapshots.served(version))
