"""What serving tells of lineage: a deployment answers with a model version, and fills data sets with predictions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from datasets.lineage.graph import Edge, Node, Wanted, contribute
from departments.access import Actor
from serving.models import BatchPrediction, Deployment

WEEK = timedelta(days=7)


def links(wanted: Wanted) -> Iterator[Edge]:
    touched = Q(pk__in=wanted.get("deployment", set())) | Q(model_version__in=wanted.get("model", set()))
    for deployment, model in Deployment.objects.filter(touched).values_list("pk", "model_version"):
        yield ("model", model), ("deployment", deployment)
    predicted = Q(deployment__in=wanted.get("deployment", set())) | Q(result__in=wanted.get("version", set()))
    for deployment, result in BatchPrediction.objects.filter(predicted).values_list("deployment", "result"):
        if result:
            yield ("deployment", deployment), ("version", result)


def deployments(actor: Actor, ids: set[UUID]) -> Iterator[Node]:
    lately = Count("predictions", filter=Q(predictions__created_at__gte=timezone.now() - WEEK))
    for each in Deployment.objects.visible_to(actor).filter(pk__in=ids).annotate(calls=lately):
        words = ngettext("%(n)s call in 7 days", "%(n)s calls in 7 days", each.calls) % {"n": f"{each.calls:,}"}
        url = reverse("serving:detail", args=[each.name])
        yield Node(("deployment", each.pk), each.name, url, each.state, words)


def register() -> None:
    contribute("serving", links, {"deployment": deployments})
