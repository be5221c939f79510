"""The page that compares model versions."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from serving.versions import actor_of
from serving.versus import services


@login_required
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Versions `id` (repeated) beside each other; what is no id, or not the reader's to see, is passed over."""
    actor = actor_of(request)
    versions = services.chosen(actor, list(_ids(request.GET.getlist("id"))))
    alike = services.answer_alike(versions)
    context = {"versions": versions, "alike": alike, "most": services.MOST}
    if len(versions) > 1 and alike:
        sides = [services.side_of(actor, version) for version in versions]
        metrics = services.metrics_of(sides)
        context |= {
            "sides": sides,
            "metrics": metrics,
            "chart": services.chart_of(metrics, sides),
            "differences": services.differences_of(sides),
            "has_ece": any(side.ece is not None for side in sides),
            "data_differ": len({side.version.run.dataset_version_id if side.version.run else None for side in sides})
            > 1,
        }
    return render(request, "serving/versus.html", context)


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text.strip()))
        except ValueError:
            continue
    return found
