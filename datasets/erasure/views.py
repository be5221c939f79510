"""Pages of forgetting a person: the searches of a department, and one of them with its report."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from datasets.erasure import services
from datasets.erasure.forms import ErasureForm
from datasets.models import Erasure
from departments.access import Verb, require_in
from departments.models import Department
from rest.forms import refusals_into
from rest.problems import Refused

SHOWN = 200


@login_required
@require_http_methods(["GET", "POST"])
def erasures(request: HttpRequest, slug: str) -> HttpResponse:
    """The department's searches, and a new one."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    department = get_object_or_404(Department, slug=slug)
    require_in(actor, Verb.MANAGE, department)
    form = ErasureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            made = services.find_subject(actor=actor, department=department, **form.given())
            return redirect("datasets:erasure", made.pk)
    rows = Erasure.objects.visible_to(actor).filter(department=department).select_related("created_by")[:SHOWN]
    page = {"department": department, "form": form, "erasures": rows}
    return render(request, "datasets/erasures.html", page, status=422 if form.errors else 200)


def _erasure(request: HttpRequest, id: UUID) -> Erasure:
    visible = Erasure.objects.visible_to(request.actor).select_related("department", "created_by", "job")  # type: ignore[attr-defined]
    found: Erasure = get_object_or_404(visible, pk=id)
    return found


@login_required
@require_GET
def erasure(request: HttpRequest, id: UUID) -> HttpResponse:
    """Where the person stands, who saw them, and the button that erases."""
    found = _erasure(request, id)
    template = "datasets/_erasure_progress.html" if request.htmx else "datasets/erasure.html"  # type: ignore[attr-defined]
    response = render(request, template, {"erasure": found, "report": found.report})
    if request.htmx and found.state not in ("searching", "erasing"):  # type: ignore[attr-defined]
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def erase(request: HttpRequest, id: UUID) -> HttpResponse:
    found = _erasure(request, id)
    if request.POST.get("confirm", "").strip() != "erase":
        raise Refused("not_confirmed", "Type the word “erase” to confirm. Nothing was erased.", status=422)
    services.erase_subject(actor=request.actor, erasure=found)  # type: ignore[attr-defined]
    return redirect("datasets:erasure", id)


@login_required
@require_POST
def drop(request: HttpRequest, id: UUID) -> HttpResponse:
    found = _erasure(request, id)
    slug = found.department.slug
    services.drop_search(actor=request.actor, erasure=found)  # type: ignore[attr-defined]
    return redirect("datasets:erasures", slug)


@login_required
@require_GET
def report(request: HttpRequest, id: UUID) -> HttpResponse:
    """The report as CSV, for the answer to the person."""
    found = _erasure(request, id)
    response = HttpResponse(services.report_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="erasure-report.csv"'
    return response
