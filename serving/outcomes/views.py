"""The tab with the truths: how many are known, how the answers held, and a file of more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from audit.services import record
from departments.access import Verb, decide
from rest.forms import refusals_into
from rest.paging import page_of
from serving import snippets
from serving.frame import draw, own_deployment
from serving.models import Deployment
from serving.outcomes import files
from serving.outcomes.models import Outcome, OutcomeSource
from serving.outcomes.services import Taken, take
from serving.outcomes.summary import summary_of

SHOWN_REFUSED = 20


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        help_text=gettext_lazy(
            "The first line names the columns: request_id, value and, for requests with several rows, instance. "
            "At most 10,000 lines."
        ),
    )


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The outcomes of a deployment; a posted file is taken in."""
    deployment = own_deployment(request, name)
    if request.method == "GET":
        return _page(request, deployment, FileForm())
    form = FileForm(request.POST, request.FILES)
    refused: list[tuple[int, str]] = []
    if form.is_valid():
        with refusals_into(form):
            lines = files.read(form.cleaned_data["file"])
            taken = take(
                actor=request.actor,  # type: ignore[attr-defined]
                deployment=deployment,
                told=lines.told,
                source=OutcomeSource.FILE,
            )
            if not taken.refused:
                messages.success(request, _told(taken))
                return redirect("serving:outcomes", name)
            refused = [(lines.at[each.index], each.message) for each in taken.refused]
            if taken.kept:
                messages.warning(request, _told(taken))
    return _page(request, deployment, form, refused)


def _told(taken: Taken) -> str:
    words = ngettext("%(n)s outcome is kept", "%(n)s outcomes are kept", taken.kept) % {"n": f"{taken.kept:,}"}
    return _("%(kept)s: %(new)s new, %(corrected)s corrected, %(unchanged)s known before.") % {
        "kept": words, "new": f"{taken.new:,}", "corrected": f"{taken.corrected:,}", "unchanged": f"{taken.unchanged:,}",
    }  # fmt: skip


def _page(
    request: HttpRequest, deployment: Deployment, form: FileForm, refused: list[tuple[int, str]] | None = None
) -> HttpResponse:
    rows = Outcome.objects.filter(deployment=deployment).select_related("prediction", "created_by")
    listed = page_of(request, rows.defer("prediction__instances", "prediction__answers"))
    if listed.rows:
        record("deployment.read_outcomes", deployment, details={"outcomes": len(listed.rows)})
    url = request.build_absolute_uri(reverse("api:deployment-outcomes", args=[deployment.name]))
    truth = _example(deployment)
    context: dict[str, Any] = {
        "summary": summary_of(deployment),
        "listed": listed,
        "form": form,
        "refused": (refused or [])[:SHOWN_REFUSED],
        "more_refused": max(0, len(refused or []) - SHOWN_REFUSED),
        "may_tell": decide(request.actor, Verb.PREDICT, deployment).allowed,  # type: ignore[attr-defined]
        "curl": snippets.curl_json(url, truth),
        "python": snippets.python_json(url, truth),
    }
    return draw(
        request, deployment, "outcomes", "serving/outcomes.html", context, status=422 if form.errors or refused else 200
    )


def _example(deployment: Deployment) -> list[dict[str, Any]]:
    newest = deployment.predictions.only("request_id").first()
    classes = deployment.model_version.manifest.get("classes") or [0.0]
    return [{"request_id": str(newest.request_id) if newest else "…", "instance": 0, "value": classes[0]}]
