"""Pages of registered models and their versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, OuterRef, Subquery
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from departments.access import Actor, Verb, decide, require
from rest.paging import page_of
from rest.problems import Refused
from training import effect_charts, effects, results, starting
from training.cards import sees_values
from training.downloads import BUNDLE, download, offered
from training.models import ModelVersion, RegisteredModel
from training.overrides import override, with_overrides, withdraw
from training.revoked import data_revoked, is_frozen
from training.scorecards import scorecard_of


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Own and granted models."""
    newest = ModelVersion.objects.filter(model=OuterRef("pk")).order_by("-number")
    models = RegisteredModel.objects.visible_to(request.actor).select_related("department")  # type: ignore[attr-defined]
    query = request.GET.get("q", "").replace("\x00", "")[:160]
    found = page_of(request, (models.filter(name__icontains=query) if query else models).annotate(
        version_count=Count("versions"), newest_id=Subquery(newest.values("pk")[:1])
    ))  # fmt: skip
    versions = ModelVersion.objects.in_bulk([model.newest_id for model in found.rows])
    rows = [{"model": model, "version": versions.get(model.newest_id), **_headline(versions.get(model.newest_id))}
            for model in found.rows]  # fmt: skip
    return render(request, "training/models.html", {"page": found, "rows": rows, "query": query})


def _headline(version: ModelVersion | None) -> dict[str, Any]:
    if version is None:
        return {"figures": []}
    return {
        "figures": results.headline(version.task, version.card.get("metrics") or {}, version.card.get("baseline") or {})
    }


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """A model's versions."""
    visible = RegisteredModel.objects.visible_to(request.actor).select_related("department", "created_by")  # type: ignore[attr-defined]
    model = get_object_or_404(visible, pk=id)
    require(request.actor, Verb.DISCOVER, model)  # type: ignore[attr-defined]
    versions = model.versions.select_related("run", "created_by").order_by("-number")[:200]
    rows = [{"version": version, **_headline(version)} for version in versions]
    return render(request, "training/model.html", {"model": model, "rows": rows})


def _version(request: HttpRequest, id: UUID, number: int, verb: Verb) -> ModelVersion:
    visible = ModelVersion.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    related = visible.select_related(
        "model", "department", "created_by", "run__dataset_version__dataset", "run__recipe"
    )
    version: ModelVersion = get_object_or_404(related, model_id=id, number=number)
    require(request.actor, verb, version)  # type: ignore[attr-defined]
    return version


@login_required
@require_GET
def version(request: HttpRequest, id: UUID, number: int) -> HttpResponse:
    """A version's card, inputs, files and where it comes from."""
    found = _version(request, id, number, Verb.DISCOVER)
    actor = request.actor  # type: ignore[attr-defined]
    card = found.card
    page = {
        "model_version": found,
        "model": found.model,
        "card": card,
        "findings": with_overrides(found),
        "revoked": data_revoked(found),
        "headline": results.headline(found.task, card.get("metrics") or {}, card.get("baseline") or {}),
        "table": results.table(card.get("metrics") or {}, card.get("baseline") or {}),
        "params": results.params_of(found.family, card.get("params") or {}),
        "point": starting.of_version(found),
        "scorecard": scorecard_of(found) if sees_values(actor, found) else None,
        "inputs": found.manifest.get("inputs") or [],
        "sees_values": sees_values(actor, found),
        "own": found.department_id in actor.roles,
        "files": offered(found) if decide(actor, Verb.EXPORT, found).allowed else [],
        "may_deploy": decide(actor, Verb.DEPLOY, found).allowed and not is_frozen(found),
        "may_override": decide(actor, Verb.DEPLOY, found).allowed,
        **_effects(actor, found),
        "deployments": found.deployments.all() if found.department_id in actor.roles else [],
    }
    return render(request, "training/model_version.html", page)


def _effects(actor: Actor, found: ModelVersion) -> dict[str, Any]:
    """How the model uses its columns, for whoever may see values of rows."""
    if not effects.may_see(actor, found):
        return {}
    kept = effects.effects_of(found)
    content = effects.content_of(kept) if kept else None
    return {
        "may_see_effects": True,
        "effects": effect_charts.charts_of(content, found) if content else None,
        "effects_job": kept.job if kept else None,
        "effects_working": effects.is_working(kept),
        "may_work_out": effects.may_start(actor, found),
    }


@login_required
@require_http_methods(["GET", "POST"])
def work_out_effects(request: HttpRequest, id: UUID, number: int) -> HttpResponse:
    """The part of the page on how the model uses its columns; POST has a job work it out."""
    found = _version(request, id, number, Verb.PREVIEW)
    actor, refusal = request.actor, ""  # type: ignore[attr-defined]
    if request.method == "POST":
        try:
            effects.start(actor=actor, version=found)
        except Refused as refused:
            if refused.status != 409:
                raise
            refusal = refused.detail
    context = {"model_version": found, "model": found.model, "effects_refusal": refusal, **_effects(actor, found)}
    return render(request, "training/_effects.html", context, status=422 if refusal else 200)


@login_required
@require_POST
def override_finding(request: HttpRequest, id: UUID, number: int) -> HttpResponse:
    """Let an open finding pass, with a reason, or take that back."""
    found = _version(request, id, number, Verb.DISCOVER)
    said = {"actor": request.actor, "version": found, "check": request.POST.get("check", "")}  # type: ignore[attr-defined]
    said["columns"] = request.POST.getlist("columns")
    try:
        if "withdraw" in request.POST:
            withdraw(**said)
        else:
            override(**said, reason=request.POST.get("reason", ""))
    except Refused as refused:
        if refused.status != 422:
            raise
        messages.error(request, " ".join(error["message"] for error in refused.errors))
    return redirect("training:model-version", id, number)


@login_required
@require_GET
def file(request: HttpRequest, id: UUID, number: int) -> FileResponse:
    """One file of the artifact, or all of it."""
    found = _version(request, id, number, Verb.DISCOVER)
    return download(actor=request.actor, version=found, name=request.GET.get("file", BUNDLE))  # type: ignore[attr-defined]
