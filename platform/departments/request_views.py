"""Pages of access requests: asking, following, the owner's inbox, answering."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from departments.access import Actor
from departments.access_requests import (
    approve_request,
    may_decide,
    may_withdraw,
    refuse_request,
    request_access,
    require_decider,
    withdraw_request,
)
from departments.forms import AccessRequestForm, ApproveForm, RefuseForm
from departments.models import AccessRequest, Grant
from departments.projection import as_received
from departments.request_pages import BOXES, boxes, named, with_name
from departments.rights import grants_visible_to
from departments.targets import columns_of, grantable_models, visible_target
from rest.forms import refusals_into
from rest.paging import page_of


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """What waits for an answer by the person, what their departments asked for, and what they answered."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    counts, rows = boxes(actor, request.GET.get("box", ""))
    page = page_of(request, rows.queryset)
    context = {
        "box": rows.name,
        "boxes": BOXES.items(),
        "counts": counts,
        "page": page,
        "rows": named(page.rows, actor),
    }
    return render(request, "departments/requests.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, kind: str, id: UUID) -> HttpResponse:
    """Ask for access to one data set or model."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if kind not in grantable_models():
        raise Http404
    target = visible_target(actor, kind, id)
    own = [d for d in request.departments if d.pk != target.department_id]  # type: ignore[attr-defined]
    current = request.department  # type: ignore[attr-defined]
    before = _extends(request, id)
    initial = {"department": current.slug if current in own else None, **_asked(request, before)}
    form = AccessRequestForm(request.POST or None, initial=initial, departments=own, columns=columns_of(target, actor))
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            made = request_access(actor=actor, target=target, extends=before, **form.cleaned_data)
            messages.success(request, _("%s has your request. This page follows it.") % target.department.name)
            return redirect("departments:request", made.pk)
    context = {"form": form, "target": target, "kind": kind, "own": own}
    return render(request, "departments/request_new.html", context, status=422 if form.errors else 200)


def _extends(request: HttpRequest, object_id: UUID) -> Grant | None:
    """The grant that the address says is to go on: one that runs, of an own department."""
    try:
        asked = UUID(request.GET.get("extends", ""))
    except ValueError:
        return None
    own = grants_visible_to(request.actor).filter(department__in=request.actor.department_ids)  # type: ignore[attr-defined]
    found: Grant | None = own.filter(pk=asked, object_id=object_id).first()
    return found if found is not None and found.state == "granted" else None


def _asked(request: HttpRequest, before: Grant | None) -> dict[str, Any]:
    """First values: those of the grant that is to go on."""
    if before is None:
        return {}
    return {
        "department": before.department.slug, "verbs": before.verbs, "columns": before.columns or [],
        "purpose": before.purpose,
    }  # fmt: skip


def _request(request: HttpRequest, id: UUID) -> AccessRequest:
    visible = AccessRequest.objects.visible_to(request.actor).with_people()  # type: ignore[attr-defined]
    found: AccessRequest = get_object_or_404(visible, pk=id)
    return found


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """One request: what was asked for, where it stands, and what can be done now."""
    return _page(request, _request(request, id))


def _page(request: HttpRequest, asked: AccessRequest, **forms: Any) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    may = {
        "decide": asked.is_open and may_decide(actor, asked),
        "withdraw": asked.is_open and may_withdraw(actor, asked),
    }
    last_day = timezone.now().date() + timedelta(days=asked.days)
    context = {
        "asked": asked,
        "received": as_received(asked.grant) if asked.grant else {},
        **with_name(asked, actor),
        "may": may,
        "approve_form": ApproveForm(initial={"verbs": asked.verbs, "expires_on": last_day}),
        "refuse_form": RefuseForm(),
        **forms,
    }
    return render(request, "departments/request.html", context, status=422 if forms else 200)


@login_required
@require_POST
def approve(request: HttpRequest, id: UUID) -> HttpResponse:
    """Grant what was asked for; with the form's fields, what they say instead."""
    asked = _request(request, id)
    require_decider(request.actor, asked)  # type: ignore[attr-defined]
    if "expires_on" not in request.POST:
        approve_request(actor=request.actor, request=asked)  # type: ignore[attr-defined]
        return _answered(request, asked, _("%s has the access that it asked for."))
    form = ApproveForm(request.POST)
    if form.is_valid():
        with refusals_into(form):
            approve_request(actor=request.actor, request=asked, **form.terms())  # type: ignore[attr-defined]
            return _answered(request, asked, _("%s has access on your terms."))
    return _page(request, asked, approve_form=form)


@login_required
@require_POST
def refuse(request: HttpRequest, id: UUID) -> HttpResponse:
    asked = _request(request, id)
    require_decider(request.actor, asked)  # type: ignore[attr-defined]
    form = RefuseForm(request.POST)
    if form.is_valid():
        with refusals_into(form):
            refuse_request(actor=request.actor, request=asked, reason=form.cleaned_data["reason"])  # type: ignore[attr-defined]
            return _answered(request, asked, _("Refused. %s reads your reason."))
    return _page(request, asked, refuse_form=form)


@login_required
@require_POST
def withdraw(request: HttpRequest, id: UUID) -> HttpResponse:
    asked = _request(request, id)
    withdraw_request(actor=request.actor, request=asked)  # type: ignore[attr-defined]
    messages.success(request, _("Your request is withdrawn."))
    return redirect("departments:request", asked.pk)


def _answered(request: HttpRequest, asked: AccessRequest, words: str) -> HttpResponse:
    messages.success(request, words % asked.department.name)
    return redirect("departments:request", asked.pk)
