"""Pages of one grant: what it gives, what its end would mean, revoking with a choice, prolonging, lifting."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from departments.access import Actor
from departments.ending import extend_grant, lift_end, require_extending, revoke_grant
from departments.forms import ExtendForm, RevokeForm
from departments.grant_pages import page_of_grant
from departments.models import Grant
from departments.rights import grants_visible_to, require_ending
from rest.forms import refusals_into


def _grant(request: HttpRequest, id: UUID) -> Grant:
    found: Grant = get_object_or_404(grants_visible_to(request.actor), pk=id)  # type: ignore[attr-defined]
    return found


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    return _page(request, _grant(request, id))


def _page(request: HttpRequest, grant: Grant, **forms: Any) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    context = {**page_of_grant(actor, grant), **forms}
    return render(request, "departments/grant.html", context, status=422 if forms else 200)


@login_required
@require_POST
def revoke(request: HttpRequest, id: UUID) -> HttpResponse:
    """Take the grant back, with what the form says about what was made under it."""
    grant = _grant(request, id)
    require_ending(request.actor, grant)  # type: ignore[attr-defined]
    form = RevokeForm(request.POST)
    if form.is_valid():
        with refusals_into(form):
            revoke_grant(grant=grant, by=cast(User, request.user), **form.decision())
            messages.success(request, _("The grant to %s is revoked.") % grant.department.name)
            return redirect("departments:grant", grant.pk)
    return _page(request, grant, revoke_form=form)


@login_required
@require_POST
def extend(request: HttpRequest, id: UUID) -> HttpResponse:
    grant = _grant(request, id)
    require_extending(request.actor, grant)  # type: ignore[attr-defined]
    form = ExtendForm(request.POST)
    if form.is_valid():
        with refusals_into(form):
            extend_grant(actor=request.actor, grant=grant, days=form.cleaned_data["days"])  # type: ignore[attr-defined]
            messages.success(request, _("The grant goes on. %s is told.") % grant.owner.name)
            return redirect("departments:grant", grant.pk)
    return _page(request, grant, extend_form=form)


@login_required
@require_POST
def lift(request: HttpRequest, id: UUID) -> HttpResponse:
    """Let what was frozen be used again."""
    grant = _grant(request, id)
    require_ending(request.actor, grant)  # type: ignore[attr-defined]
    lift_end(grant=grant)
    messages.success(request, _("What %s made may be used again.") % grant.department.name)
    return redirect("departments:grant", grant.pk)
