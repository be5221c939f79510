"""The tab on which a policy is made, compared with the one in use, saved with a reason, and returned to."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from departments.access import Verb, decide
from rest.problems import Refused
from serving.frame import draw, own_deployment
from serving.inputs import inputs_of
from serving.models import Deployment
from serving.policies.defaults import defaults_of
from serving.policies.drafts import rule_lines, settings_from, slider_data
from serving.policies.evaluation import Evaluation, evaluate
from serving.policies.models import DecisionPolicy
from serving.policies.services import save_policy, use_policy
from serving.policies.settings import Settings, checked
from serving.runtime.predictor import key_of
from training.models import ModelVersion

SHOWN = 30
CALIBRATIONS = [
    ("none", gettext_lazy("None: as the model says")),
    ("platt", gettext_lazy("Platt: stretched and shifted")),
    ("isotonic", gettext_lazy("Isotonic: any rising curve")),
    ("temperature", gettext_lazy("Temperature: stretched")),
]
OPERATORS = [
    ("eq", "="), ("ne", "≠"), ("lt", "<"), ("le", "≤"), ("gt", ">"), ("ge", "≥"),
    ("in", gettext_lazy("is one of")), ("not_in", gettext_lazy("is none of")),
    ("missing", gettext_lazy("is missing")), ("present", gettext_lazy("is given")),
]  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The policy page. POST with act=preview judges the fields, with act=save keeps them and puts them to use."""
    deployment = own_deployment(request, name, Verb.DISCOVER if request.method == "GET" else Verb.DEPLOY)
    version = _with_table(deployment.model_version)
    if request.method == "GET":
        return _page(request, deployment, version, _begun_with(request, deployment, version))
    asked = settings_from(request.POST, version)
    try:
        settings = checked(version, asked)
        if request.POST.get("act") != "save":
            return _page(request, deployment, version, settings)
        return _save(request, deployment, version, settings)
    except Refused as refused:
        return _page(request, deployment, version, _begun_with(request, deployment, version), refused)


def _with_table(version: ModelVersion) -> ModelVersion:
    related = ("model", "department", "run__dataset_version__dataset")
    found: ModelVersion = ModelVersion.objects.select_related(*related).get(pk=version.pk)
    return found


def _begun_with(request: HttpRequest, deployment: Deployment, version: ModelVersion) -> Settings:
    """An earlier policy's settings where the address names it, else those in use, else the defaults."""
    number = request.GET.get("from", "")
    earlier = version.model.policies.filter(number=int(number)).first() if number.isdigit() else deployment.policy
    if earlier is None:
        return defaults_of(version)
    try:
        return checked(version, earlier.settings)
    except Refused:  # a policy of another version, whose columns this one does not read
        return defaults_of(version)


def _save(request: HttpRequest, deployment: Deployment, version: ModelVersion, settings: Settings) -> HttpResponse:
    actor: Any = request.actor  # type: ignore[attr-defined]
    policy = save_policy(actor=actor, version=version, settings=settings, reason=request.POST.get("reason", ""))
    use_policy(actor=actor, deployment=deployment, policy=policy)
    words = {"number": policy.number, "name": deployment.name}
    messages.success(request, _("“%(name)s” decides by policy %(number)s now.") % words)
    return redirect("serving:policy", deployment.name)


def _page(
    request: HttpRequest,
    deployment: Deployment,
    version: ModelVersion,
    settings: Settings,
    refused: Refused | None = None,
) -> HttpResponse:
    actor: Any = request.actor  # type: ignore[attr-defined]
    found, without = _evaluated(actor, deployment, version, settings)
    settings = found.settings if found else settings
    figures = found.figures if found else {}
    classes = [key_of(label) for label in version.manifest.get("classes") or []]
    context = {
        "refused": refused, "without": without, "settings": settings, "figures": figures,
        "data": slider_data(found) if found else None,
        "classes": classes,
        "edges": {"below": 0.5, **dict.fromkeys(("low", "high"), settings.get("threshold", 0)), **(settings["review"] or {})},
        "matrix": _matrix(settings, figures, classes),
        "others": [label for label in classes if label != key_of(settings.get("positive"))],
        "calibrations": CALIBRATIONS, "operators": OPERATORS, "columns": [each.name for each in inputs_of(version)],
        "lines": rule_lines(settings), "in_use": deployment.policy,
        "reason": request.POST.get("reason", ""),
        "may_decide": decide(actor, Verb.DEPLOY, deployment).allowed,
        "history": _history(deployment),
    }  # fmt: skip
    status = refused.status if refused else 200
    return draw(request, deployment, "policy", "serving/policy.html", context, status=status)


def _evaluated(
    actor: Any, deployment: Deployment, version: ModelVersion, settings: Settings
) -> tuple[Evaluation | None, str]:
    """The settings over the held-out rows, or why there are no figures."""
    try:
        found = evaluate(actor=actor, version=version, settings=settings, in_use=deployment.policy)
    except Refused as refused:
        return None, refused.detail
    return found, "" if found.held else _("This version keeps no answers on held-out rows, so nothing can be counted.")


def _matrix(settings: Settings, figures: dict[str, Any], classes: list[str]) -> list[dict[str, Any]]:
    """For several classes: a row a true class, with the cost and the count of each decision."""
    matrix = settings["costs"].get("matrix") or []
    counts = figures.get("counts") or [[None] * len(classes) for _row in classes]
    return [
        {
            "truth": classes[t],
            "cells": [{"name": f"cost-{t}-{d}", "cost": c, "count": counts[t][d]} for d, c in enumerate(row)],
        }
        for t, row in enumerate(matrix)
    ]


def _history(deployment: Deployment) -> list[DecisionPolicy]:
    found = deployment.model_version.model.policies.select_related("created_by", "model_version")
    return list(found.defer("document", "model_version__manifest", "model_version__card")[:SHOWN])


@login_required
@require_POST
def use(request: HttpRequest, name: str) -> HttpResponse:
    """Return to an earlier policy, or take the one in use out of it."""
    deployment = own_deployment(request, name, Verb.DEPLOY)
    number = request.POST.get("number", "")
    policies = deployment.model_version.model.policies
    policy = get_object_or_404(policies, number=int(number)) if number.isdigit() else None
    try:
        use_policy(actor=request.actor, deployment=deployment, policy=policy)  # type: ignore[attr-defined]
        done = _("Policy %s decides now.") % number if policy else _("Answers carry no decision any more.")
        messages.success(request, done)
    except Refused as refused:
        messages.error(request, refused.detail)
    return redirect("serving:policy", name)
