"""Pages of grants on a data set: made, changed and taken back, with what they would give shown before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from datasets import sharing
from datasets.grant_form import GrantForm
from datasets.models import Dataset
from departments.access import Verb, require
from departments.models import Grant
from departments.services import create_grant, update_grant
from rest.problems import Refused


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, id: UUID) -> HttpResponse:
    """Let another department use the data set."""
    dataset = _dataset(request, id)
    form = _form(request, dataset)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_grant(
                obj=dataset, department=form.cleaned_data["department"], created_by=request.user, **form.given()  # type: ignore[arg-type]
            )  # fmt: skip
            messages.success(request, _("%s may use this data set now.") % made.department.name)
            return redirect(_access(dataset))
        except Refused as refused:
            _tell(form, refused)
    return _page(request, dataset, form)


@login_required
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, id: UUID, grant: UUID) -> HttpResponse:
    """Change what a grant gives. It holds from the next request on."""
    dataset = _dataset(request, id)
    found = _grant(dataset, grant)
    form = _form(request, dataset, found)
    if request.method == "POST" and form.is_valid():
        try:
            update_grant(grant=found, **form.given())
            messages.success(request, _("The grant to %s is changed, from this moment on.") % found.department.name)
            return redirect(_access(dataset))
        except Refused as refused:
            _tell(form, refused)
    return _page(request, dataset, form)


@login_required
@require_POST
def draft(request: HttpRequest, id: UUID) -> HttpResponse:
    """What the form, as it stands, would give: a part of its page, asked for at every change."""
    dataset = _dataset(request, id)
    changed = request.POST.get("grant", "")
    found = _grant(dataset, _uuid(changed)) if changed else None
    form = _form(request, dataset, found)
    form.is_valid()
    shown: dict[str, Any] = {"form": form}
    try:
        shown["draft"] = sharing.draft(actor=request.actor, dataset=dataset, terms=form.terms(), grant=found)  # type: ignore[attr-defined]
    except Refused as refused:
        shown["errors"] = refused.errors
    return render(request, "datasets/_grant_draft.html", shown)


def _dataset(request: HttpRequest, id: UUID) -> Dataset:
    dataset: Dataset = get_object_or_404(Dataset.objects.select_related("department"), pk=id)
    require(request.actor, Verb.MANAGE, dataset)  # type: ignore[attr-defined]
    return dataset


def _grant(dataset: Dataset, id: UUID) -> Grant:
    grants = Grant.objects.select_related("department")
    found: Grant = get_object_or_404(grants, pk=id, object_kind="dataset", object_id=dataset.pk)
    return found


def _form(request: HttpRequest, dataset: Dataset, grant: Grant | None = None) -> GrantForm:
    data = request.POST if request.method == "POST" else None
    version = sharing.newest_ready(dataset.pk)
    return GrantForm(data, version=version, owner_id=dataset.department_id, grant=grant)


def _page(request: HttpRequest, dataset: Dataset, form: GrantForm) -> HttpResponse:
    context = {"dataset": dataset, "form": form, "grant": form.grant, "columns": form.columns()}
    return render(request, "datasets/grant.html", context, status=422 if form.errors else 200)


def _tell(form: GrantForm, refused: Refused) -> None:
    """Put a refusal where its field stands; those of columns and masks on the whole form, with their place."""
    for error in refused.errors:
        field, _bracket, _rest = error["field"].partition("[")
        form.add_error(*((field, error["message"]) if field in form.fields else (None, _place(error))))
    if not refused.errors:
        form.add_error(None, refused.detail)


def _place(error: dict[str, str]) -> str:
    return f"{error['field'].removeprefix('masks.')}: {error['message']}"


def _access(dataset: Dataset) -> str:
    return f"{reverse('datasets:detail', args=[dataset.pk])}?tab=access"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
