"""The Monitoring tab, and what is done there: alerts taken in hand or closed, rules set."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from departments.access import Verb
from rest.problems import Refused
from serving.alerts import services
from serving.alerts.kinds import KINDS
from serving.frame import draw, own_deployment
from serving.models import Alert
from serving.monitoring.report import report_of, rows_needed
from serving.monitoring.retraining import proposal_for
from serving.monitoring.windows import DEFAULT, WINDOWS


@login_required
@require_GET
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Alerts, drift, performance, errors, latency and callers of the last hours."""
    deployment = own_deployment(request, name)
    chosen = request.GET.get("window", DEFAULT)
    report = report_of(deployment, chosen if chosen in WINDOWS else DEFAULT)
    context: dict[str, Any] = {
        "report": report,
        "windows": [(key, word) for key, (_hours, word) in WINDOWS.items()],
        "needed": rows_needed(),
        "proposal": proposal_for(request.actor, deployment, report.alerts),  # type: ignore[attr-defined]
        "rules": [(KINDS[kind], rule) for kind, rule in services.rules_of(deployment).items()],
        "hours": services.HOURS,
    }
    return draw(request, deployment, "monitoring", "serving/monitoring.html", context)


@login_required
@require_POST
def alert(request: HttpRequest, name: str, id: UUID) -> HttpResponse:
    """Take an alert in hand, or close it."""
    deployment = own_deployment(request, name)
    found = get_object_or_404(Alert.objects.select_related("deployment"), deployment=deployment, pk=id)
    if request.POST.get("do") == "close":
        services.close_alert(found, actor=request.actor)  # type: ignore[attr-defined]
    else:
        services.acknowledge(actor=request.actor, alert=found)  # type: ignore[attr-defined]
    return redirect("serving:monitoring", name)


@login_required
@require_POST
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """Set one rule."""
    deployment = own_deployment(request, name, Verb.DEPLOY)
    asked = request.POST
    try:
        services.set_rule(
            actor=request.actor,  # type: ignore[attr-defined]
            deployment=deployment,
            kind=asked.get("kind", ""),
            is_on=asked.get("is_on") == "on",
            threshold=_number(asked.get("threshold", "")) / (100 if asked.get("unit") == "share" else 1),
            hours=int(asked["hours"]) if asked.get("hours", "").isdecimal() else None,
        )
        messages.success(request, _("The rule is set; the next look is within a minute."))
    except Refused as refused:
        messages.error(request, " ".join(error["message"] for error in refused.errors) or refused.detail)
    return redirect("serving:monitoring", name)


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0
