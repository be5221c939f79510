"""What the end of a grant means for deployments: those whose model learned from the data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from audit.services import record
from departments.consequences import MOST, Affected, Ruling
from departments.models import Choice, Grant
from serving.models import Deployment, DeploymentState
from training.ends import versions_under

WEEK = timedelta(days=7)


def deployments_under(grant: Grant) -> QuerySet[Deployment]:
    return Deployment.objects.filter(model_version__in=versions_under(grant))


def find_deployments(grant: Grant) -> Iterator[Affected]:
    """Each with its calls of the last week: what would be missed."""
    recent = Q(predictions__created_at__gte=timezone.now() - WEEK)
    found = deployments_under(grant).annotate(calls=Count("predictions", filter=recent)).order_by("-calls", "name")
    for deployment in found[:MOST]:
        words = ngettext("%d call in the last 7 days", "%d calls in the last 7 days", deployment.calls)
        url = reverse("serving:detail", args=[deployment.name])
        yield Affected(
            deployment.pk, deployment.name, url, deployment.state, deployment.created_at, words % deployment.calls
        )


def pause_deployments(ruling: Ruling) -> int:
    """Stopping pauses a deployment; with any other choice it follows its model, whose predictor refuses or answers."""
    if ruling.choice != Choice.STOP:
        return 0
    found = list(deployments_under(ruling.grant).filter(state=DeploymentState.ACTIVE).select_for_update(of=("self",)))
    for deployment in found:
        deployment.state = DeploymentState.PAUSED
        deployment.save(update_fields=["state", "updated_at"])
        record("deployment.pause", deployment, details={"grant": str(ruling.grant.pk)})
    return len(found)
