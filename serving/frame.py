"""What all pages of a deployment share: its head, its tabs, and what the person may do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from departments.access import Verb, decide, require
from serving.models import Deployment
from serving.ownership import require_own
from serving.traffic import traffic_of
from training.revoked import data_revoked


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of a deployment. `own` ones are for members of the owning department alone."""

    key: str
    word: str | Promise
    route: str
    own: bool = True


TABS = (
    Tab("overview", _("Overview"), "serving:detail", own=False),
    Tab("traffic", _("Traffic"), "serving:traffic"),
    Tab("batch", _("Batches"), "serving:batches", own=False),
    Tab("monitoring", _("Monitoring"), "serving:monitoring"),
    Tab("policy", _("Policy"), "serving:policy"),
    Tab("outcomes", _("Outcomes"), "serving:outcomes"),
)


def deployment_for(request: HttpRequest, name: str, verb: Verb) -> Deployment:
    """The deployment, if the person may do `verb` on it; raises Http404 or Refused (403)."""
    related = ("department", "model_version__model", "created_by")
    visible = Deployment.objects.visible_to(request.actor).select_related(*related)  # type: ignore[attr-defined]
    deployment: Deployment = get_object_or_404(visible, name=name)
    require(request.actor, verb, deployment)  # type: ignore[attr-defined]
    return deployment


def own_deployment(request: HttpRequest, name: str, verb: Verb = Verb.DISCOVER) -> Deployment:
    """The same for what members of the owning department alone may see; raises Refused (403) for others."""
    deployment = deployment_for(request, name, verb)
    require_own(request.actor, deployment)  # type: ignore[attr-defined]
    return deployment


def draw(
    request: HttpRequest,
    deployment: Deployment,
    tab: str,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Answer with a page of the deployment. `template` extends serving/frame.html and fills its block `tab`."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    is_own = deployment.department_id in actor.roles
    verbs = (Verb.PREDICT, Verb.DEPLOY, Verb.MANAGE)
    shared = {
        "deployment": deployment,
        "version": deployment.model_version,
        "revoked": data_revoked(deployment.model_version),
        "may": {verb.value: decide(actor, verb, deployment).allowed for verb in verbs},
        "is_own": is_own,
        "traffic": traffic_of([deployment.pk])[deployment.pk] if is_own or actor.is_platform_admin else None,
        "tabs": [each for each in TABS if is_own or not each.own],
        "tab": tab,
    }
    return render(request, template, {**shared, **context}, status=status)
