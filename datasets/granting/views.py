"""Pages of grants on a data set: made, changed and taken back, with what they would give shown before."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from datasets.granting import services as sharing
from datasets.granting.forms import GrantForm
from datasets.models import Dataset
from departments.access import Verb, require
from departments.access_requests import approve_request
from departments.models import AccessRequest, Department, Grant
from departments.services import create_grant, update_grant
from rest.problems import Refused


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, id: UUID) -> HttpResponse:
    """Let another department use the data set; with `?request=`, as the answer to what it asked for."""
    dataset = _dataset(request, id)
    asked = _asked(request, dataset)
    form = _form(request, dataset, asked=asked)
    if request.method == "POST" and form.is_valid():
        try:
            department = _give(request, dataset, form)
            messages.success(request, _("%s may use this data set now.") % department.name)
            return redirect(reverse("departments:request", args=[asked.pk]) if asked else _access(dataset))
        except Refused as refused:
            _tell(form, refused)
    return _page(request, dataset, form)


def _give(request: HttpRequest, dataset: Dataset, form: GrantForm) -> Department:
    """Make the grant, by itself or as the answer to a request."""
    if form.asked is not None:
        answer = form.cleaned_data["answer"]
        approve_request(actor=request.actor, request=form.asked, answer=answer, **form.given())  # type: ignore[attr-defined]
        return form.asked.department
    department: Department = form.cleaned_data["department"]
    create_grant(obj=dataset, department=department, created_by=cast(User, request.user), **form.given())
    return department


def _asked(request: HttpRequest, dataset: Dataset) -> AccessRequest | None:
    """The open request on this data set that the address names."""
    named = request.GET.get("request", "")
    if not named:
        return None
    waiting = AccessRequest.objects.to_decide(request.actor).with_people()  # type: ignore[attr-defined]
    found: AccessRequest = get_object_or_404(waiting, pk=_uuid(named), object_id=dataset.pk)
    return found


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


def _form(
    request: HttpRequest, dataset: Dataset, grant: Grant | None = None, asked: AccessRequest | None = None
) -> GrantForm:
    data = request.POST if request.method == "POST" else None
    version = sharing.newest_ready(dataset.pk)
    return GrantForm(data, version=version, owner_id=dataset.department_id, grant=grant, asked=asked)


def _page(request: HttpRequest, dataset: Dataset, form: GrantForm) -> HttpResponse:
    context = {
        "dataset": dataset, "form": form, "grant": form.grant, "asked": form.asked, "columns": form.columns(),
    }  # fmt: skip
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
