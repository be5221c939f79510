"""Pages of deployments: the list, a new one, one with its try-it form, and what is done to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from audit.services import record
from departments.access import Verb, decide, require
from rest.forms import refusals_into
from rest.problems import Refused
from serving import services, snippets, what_if
from serving.forms import DeployForm, RepointForm
from serving.frame import deployment_for, draw
from serving.inputs import columns_shown, example_of
from serving.models import Deployment, DeploymentState, Prediction
from serving.predictors import predictor_of
from serving.runtime.faults import InstanceErrors
from serving.traffic import traffic_of
from serving.uncertainty.learned import add_usual
from training.models import ModelVersion
from training.overrides import open_findings

PAGE = 50
RECENT = 20


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Every deployment that the person may see, with its last day."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    state = request.GET.get("state", "")
    rows = Deployment.objects.visible_to(actor).select_related("department", "model_version__model")
    rows = rows.filter(state=state) if state in DeploymentState.values else rows
    heavy = ("model_version__manifest", "model_version__card")
    page = Paginator(rows.defer(*heavy).order_by("-created_at", "pk"), PAGE).get_page(request.GET.get("page"))
    own = [d.pk for d in page.object_list if d.department_id in actor.roles or actor.is_platform_admin]
    traffic = traffic_of(own)
    context = {
        "page": page,
        "rows": [(deployment, traffic.get(deployment.pk)) for deployment in page.object_list],
        "state": state,
        "states": [("", _("All states")), *DeploymentState.choices],
        "may_deploy": bool(actor.departments_with(Verb.DEPLOY)),
    }
    return render(request, "serving/list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Give a model version a name."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if not actor.departments_with(Verb.DEPLOY):
        detail = _("Your roles do not include deploying. A manager of your department can make you engineer.")
        raise Refused("no-deploy-role", detail, status=403)
    if request.method == "GET":
        return _new_page(request, DeployForm(actor=actor, initial=_initial(request)))
    form = DeployForm(request.POST, actor=actor)
    if form.is_valid():
        with refusals_into(form):
            made = services.deploy(actor=actor, department=None, created_by_id=actor.person_id, **form.cleaned_data)
            messages.success(request, _("“%s” answers now.") % made.name)
            return redirect("serving:detail", made.name)
    return _new_page(request, form)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """What the link that led here asks for, with a name that fits."""
    try:
        asked = UUID(request.GET.get("model_version", ""))
    except ValueError:
        return {}
    version = ModelVersion.objects.visible_to(request.actor).filter(pk=asked).select_related("model").first()  # type: ignore[attr-defined]
    if version is None:
        return {}
    return {"model_version": version.pk, "name": slugify(version.model.name)[:80].strip("-_"), "version": version}


def _new_page(request: HttpRequest, form: DeployForm) -> HttpResponse:
    there_are_some = form.fields["model_version"].queryset.exists()  # type: ignore[attr-defined]
    chosen = form.cleaned_data.get("model_version") if form.is_bound else form.initial.get("version")
    context = {"form": form, "there_are_versions": there_are_some, "findings": open_findings(chosen) if chosen else []}
    return render(request, "serving/new.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def detail(request: HttpRequest, name: str) -> HttpResponse:
    deployment = deployment_for(request, name, Verb.DISCOVER)
    return _page(request, deployment, None)


def _page(request: HttpRequest, deployment: Deployment, repoint: RepointForm | None) -> HttpResponse:
    actor: Any = request.actor  # type: ignore[attr-defined]
    may_predict, may_deploy = (decide(actor, verb, deployment).allowed for verb in (Verb.PREDICT, Verb.DEPLOY))
    sees_values = may_predict or decide(actor, Verb.PREVIEW, deployment).allowed
    url = request.build_absolute_uri(reverse("api:deployment-predict", args=[deployment.name]))
    context = {
        "columns": columns_shown(deployment.model_version, with_statistics=sees_values),
        "url": url,
        "recent": _recent(deployment) if deployment.department_id in actor.roles else [],
        "repoint": repoint or (RepointForm(actor=actor, deployment=deployment) if may_deploy else None),
        **(_code(deployment, url) if sees_values else {}),
    }
    status = 422 if repoint and repoint.errors else 200
    return draw(request, deployment, "overview", "serving/detail.html", context, status=status)


def _code(deployment: Deployment, url: str) -> dict[str, str]:
    example = example_of(deployment.model_version)
    return {"curl": snippets.curl(url, example), "python": snippets.python(url, example)}


def _recent(deployment: Deployment) -> list[tuple[Prediction, User | None, Any]]:
    """The newest answered requests: who asked, and the first answer of each. Reading them is recorded."""
    newest = list(deployment.predictions.select_related("model_version").defer("instances")[:RECENT])
    if newest:
        record("deployment.read_predictions", deployment, details={"requests": len(newest)})
    people = User.objects.in_bulk([row.person_id for row in newest if row.person_id])
    return [(row, people.get(row.person_id) if row.person_id else None, row.answers[0]) for row in newest]


@login_required
@require_POST
def repoint(request: HttpRequest, name: str) -> HttpResponse:
    """Let the name answer with another version."""
    deployment = deployment_for(request, name, Verb.DEPLOY)
    form = RepointForm(request.POST, actor=request.actor, deployment=deployment)  # type: ignore[attr-defined]
    if form.is_valid():
        with refusals_into(form):
            chosen = form.cleaned_data["model_version"]
            services.repoint(actor=request.actor, deployment=deployment, model_version=chosen)  # type: ignore[attr-defined]
            messages.success(request, _("“%(name)s” answers with %(version)s now.") % {"name": name, "version": chosen})
            return redirect("serving:detail", name)
    return _page(request, deployment, form)


@login_required
@require_POST
def pause(request: HttpRequest, name: str) -> HttpResponse:
    services.pause(actor=request.actor, deployment=deployment_for(request, name, Verb.DEPLOY))  # type: ignore[attr-defined]
    messages.success(request, _("“%s” is paused: callers get an error until it is resumed.") % name)
    return redirect("serving:detail", name)


@login_required
@require_POST
def resume(request: HttpRequest, name: str) -> HttpResponse:
    services.resume(actor=request.actor, deployment=deployment_for(request, name, Verb.DEPLOY))  # type: ignore[attr-defined]
    messages.success(request, _("“%s” answers again.") % name)
    return redirect("serving:detail", name)


@login_required
@require_POST
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Take the name away; the person has typed it."""
    deployment = deployment_for(request, name, Verb.MANAGE)
    if request.POST.get("confirm", "").strip() != name:
        messages.error(request, _("Nothing was deleted: type the name to confirm."))
        return redirect("serving:detail", name)
    services.delete(actor=request.actor, deployment=deployment)  # type: ignore[attr-defined]
    messages.success(request, _("“%s” is deleted.") % name)
    return redirect("serving:list")


@login_required
@require_POST
def try_version(request: HttpRequest, model_id: UUID, number: int) -> HttpResponse:
    """Answer the try-it form: no deployment is needed, and nothing goes into a log of predictions."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    versions = ModelVersion.objects.visible_to(actor).select_related("model")
    version = get_object_or_404(versions, model_id=model_id, number=number)
    decision = require(actor, Verb.PREDICT, version)
    if cache.add(f"tried:{actor.person_id}:{version.pk}", 1, timeout=60):
        record("model_version.try", version, rule=decision.rule, version=number)
    instance = what_if.instance_from(request.POST, version)
    try:
        predictor = predictor_of(version)
        [answer] = predictor.predict([instance])
    except InstanceErrors as wrong:
        context = {"faults": what_if.faults_shown(wrong.faults), "memory": request.POST.get("before", "")}
        return render(request, "serving/_answer.html", context, status=422)
    shown = what_if.show(answer, request.POST.get("before", ""))
    notes = what_if.notes_on(instance, version)
    add_usual(version, predictor, instance, answer)
    filled = {"answer": shown, "memory": shown.memory, "notes": notes, "target": version.target, "sure": answer}
    return render(request, "serving/_answer.html", filled)
