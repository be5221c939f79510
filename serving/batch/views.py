"""The tab with batches: a table is chosen, what the model reads is looked for in it, and earlier ones are listed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from datasets import tables
from datasets.models import Dataset, VersionState
from datasets.schema import Schema
from departments.access import Verb, decide
from rest.paging import page_of
from rest.problems import Refused
from serving import snippets
from serving.batch.mapping import matches
from serving.batch.services import batches_of, chosen_version, predict_dataset
from serving.frame import deployment_for, draw
from serving.inputs import inputs_of
from serving.models import Deployment

MOST_LISTED = 500


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The batches of a deployment; a posted choice begins another."""
    deployment = deployment_for(request, name, Verb.DISCOVER if request.method == "GET" else Verb.PREDICT)
    chosen = _chosen(request)
    if request.method == "GET":
        return _page(request, deployment, chosen)
    if chosen is None:
        refused = Refused("invalid", _("Choose a data set first."), status=422)
        return _page(request, deployment, None, refused)
    try:
        predict_dataset(
            actor=request.actor,  # type: ignore[attr-defined]
            deployment=deployment,
            dataset=chosen,
            keep=request.POST.getlist("keep"),
            name=" ".join(request.POST.get("name", "").split()),
        )
    except Refused as refused:
        return _page(request, deployment, chosen, refused)
    messages.success(request, _("The batch is queued. Its result will be a data set of its own."))
    return redirect("serving:batches", name)


def _chosen(request: HttpRequest) -> Dataset | None:
    try:
        asked = UUID((request.POST if request.method == "POST" else request.GET).get("dataset", ""))
    except ValueError:
        return None
    return _offered(request).filter(pk=asked).first()


def _offered(request: HttpRequest) -> QuerySet[Dataset]:
    """Data sets that can be read, and of which the actor knows."""
    visible = Dataset.objects.visible_to(request.actor).filter(versions__state=VersionState.READY)  # type: ignore[attr-defined]
    found: QuerySet[Dataset] = visible.select_related("department").distinct().order_by("name", "pk")
    return found


def _page(
    request: HttpRequest, deployment: Deployment, chosen: Dataset | None, refused: Refused | None = None
) -> HttpResponse:
    actor: Any = request.actor  # type: ignore[attr-defined]
    may_predict = decide(actor, Verb.PREDICT, deployment).allowed
    context: dict[str, Any] = {
        "listed": page_of(request, batches_of(actor, deployment)),
        "refused": refused,
        "may_predict": may_predict,
        "chosen": chosen,
    }
    if may_predict:
        url = request.build_absolute_uri(reverse("api:deployment-batches", args=[deployment.name]))
        body = {"dataset": str(chosen.pk) if chosen else "…"}
        context |= {
            "offered": _offered(request)[:MOST_LISTED],
            "curl": snippets.curl_json(url, body),
            "python": snippets.python_json(url, body),
            **(_table(actor, deployment, chosen) if chosen else {}),
        }
    status = refused.status if refused else 200
    return draw(request, deployment, "batch", "serving/batches.html", context, status=status)


def _table(actor: Any, deployment: Deployment, dataset: Dataset) -> dict[str, Any]:
    """The newest version's columns as the actor knows them, beside those that the model reads."""
    version = tables.seen_counted(chosen_version(dataset, None), actor)
    schema = Schema.from_json(version.schema)
    found = matches(inputs_of(deployment.model_version), schema)
    return {
        "version_read": version,
        "matches": found,
        "stops": any(each.stops for each in found),
        "columns": schema.names,
    }
