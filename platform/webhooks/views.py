"""Pages of a department's webhooks: the list with a new one, and one with its deliveries. Managers only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from departments.access import Verb, require_in
from departments.models import Department
from rest.forms import refusals_into
from rest.paging import page_of
from webhooks import services
from webhooks.delivering import TRIES
from webhooks.events import EVENTS
from webhooks.forms import EndpointForm
from webhooks.models import Attempt, Delivery, Endpoint


def _department(request: HttpRequest, slug: str) -> Department:
    """Where events go may hold secrets in its address, so viewers do not see it either."""
    department = get_object_or_404(Department, slug=slug)
    require_in(request.actor, Verb.MANAGE, department)  # type: ignore[attr-defined]
    return department


def _endpoint(request: HttpRequest, slug: str, id: UUID) -> Endpoint:
    found: Endpoint = get_object_or_404(
        Endpoint.objects.select_related("department"), department=_department(request, slug), pk=id
    )
    return found


@login_required
@require_http_methods(["GET", "POST"])
def index(request: HttpRequest, slug: str) -> HttpResponse:
    """Every endpoint, and a new one, whose secret is shown in the answer and never again."""
    department = _department(request, slug)
    form, page = EndpointForm(request.POST or None), {}
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            made, secret = services.create_endpoint(actor=request.actor, department=department, **form.cleaned_data)  # type: ignore[attr-defined]
            page, form = {"made": made, "secret": secret}, EndpointForm()
    endpoints = Endpoint.objects.filter(department=department)
    page |= {"department": department, "endpoints": endpoints, "form": form, "words": EVENTS}
    return render(request, "webhooks/list.html", page, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def detail(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """What it is told, how deliveries went, and its settings, which POST changes."""
    endpoint = _endpoint(request, slug, id)
    now = {name: getattr(endpoint, name) for name in ("name", "target", "events")}
    form = EndpointForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            services.change_endpoint(actor=request.actor, endpoint=endpoint, **form.cleaned_data)  # type: ignore[attr-defined]
            messages.success(request, _("Saved."))
            return redirect("webhooks:detail", slug, id)
    return _page(request, endpoint, form)


def _page(request: HttpRequest, endpoint: Endpoint, form: EndpointForm, **more: Any) -> HttpResponse:
    tried = Prefetch("attempts", Attempt.objects.order_by("-at"))
    rows = Delivery.objects.filter(endpoint=endpoint).select_related("event").prefetch_related(tried)
    context = {
        "endpoint": endpoint, "department": endpoint.department, "form": form, "page": page_of(request, rows),
        "tries": TRIES, **more,
    }  # fmt: skip
    return render(request, "webhooks/detail.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def rotate(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """A new secret, shown in the answer and never again."""
    endpoint = _endpoint(request, slug, id)
    secret = services.rotate_secret(actor=request.actor, endpoint=endpoint)  # type: ignore[attr-defined]
    now = {name: getattr(endpoint, name) for name in ("name", "target", "events")}
    return _page(request, endpoint, EndpointForm(initial=now), secret=secret)


@login_required
@require_POST
def test(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    services.ping(actor=request.actor, endpoint=_endpoint(request, slug, id))  # type: ignore[attr-defined]
    messages.success(request, _("A test is on its way. Load this page again in a few seconds to see how it went."))
    return redirect("webhooks:detail", slug, id)


@login_required
@require_POST
def active(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    """Turn it on or off."""
    on = request.POST.get("active") == "1"
    services.change_endpoint(actor=request.actor, endpoint=_endpoint(request, slug, id), is_active=on)  # type: ignore[attr-defined]
    messages.success(request, _("It is told again.") if on else _("It is told nothing until you turn it on."))
    return redirect("webhooks:detail", slug, id)


@login_required
@require_POST
def delete(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    endpoint = _endpoint(request, slug, id)
    services.delete_endpoint(actor=request.actor, endpoint=endpoint)  # type: ignore[attr-defined]
    messages.success(request, _("The webhook “%s” is deleted.") % endpoint.name)
    return redirect("webhooks:list", slug)


@login_required
@require_POST
def send_again(request: HttpRequest, slug: str, id: UUID, delivery: UUID) -> HttpResponse:
    found = get_object_or_404(
        Delivery.objects.select_related("endpoint__department", "event"),
        pk=delivery,
        endpoint=_endpoint(request, slug, id),
    )
    services.send_again(actor=request.actor, delivery=found)  # type: ignore[attr-defined]
    messages.success(request, _("It is sent again. Load this page again in a few seconds to see how it went."))
    return redirect("webhooks:detail", slug, id)
