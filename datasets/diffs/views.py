"""The page that shows what changed between two versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from datasets.diffs.services import BeingCompared, compare_versions
from datasets.models import Dataset, DatasetVersion, VersionState
from datasets.tables import BeingPrepared
from departments.access import Verb, require
from rest.problems import Refused


@login_required
@require_GET
def compare(request: HttpRequest, id: UUID) -> HttpResponse:
    """`?older=1&newer=2&key=id`: by default the two newest ready versions, matched by the first column that could be a key."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    dataset: Dataset = get_object_or_404(Dataset.objects.visible_to(actor).select_related("department"), pk=id)
    require(actor, Verb.PREVIEW, dataset)
    ready = list(dataset.versions.filter(state=VersionState.READY).order_by("-number"))
    page: dict[str, Any] = {"dataset": dataset, "versions": ready}
    if len(ready) > 1:
        newer = _chosen(request, "newer", ready, ready[0])
        older = _chosen(request, "older", ready, next((v for v in ready if v.number < newer.number), ready[-1]))
        page |= {"older": older, "newer": newer, "key": request.GET.getlist("key")}
        page |= _compared(request, older, newer)
    return render(request, "datasets/compare.html", page, status=422 if page.get("refused") else 200)


def _chosen(request: HttpRequest, name: str, ready: list[DatasetVersion], default: DatasetVersion) -> DatasetVersion:
    return next((version for version in ready if str(version.number) == request.GET.get(name)), default)


def _compared(request: HttpRequest, older: DatasetVersion, newer: DatasetVersion) -> dict[str, Any]:
    asked = {"actor": request.actor, "older": older, "newer": newer}  # type: ignore[attr-defined]
    try:
        report = compare_versions(**asked, key=request.GET.getlist("key"))
        if "key" not in request.GET and report["keys"]:
            report = compare_versions(**asked, key=report["keys"][:1])
    except (BeingCompared, BeingPrepared) as waiting:
        return {"job": waiting.job}
    except Refused as refused:
        return {"refused": refused}
    return {"report": report, "key": report["key"]}
