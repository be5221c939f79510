"""Pages of the platform admin: departments, people, audit, health. Nobody else learns that they exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.people import create_person, deactivate_person, reactivate_person
from accounts.services import create_sign_in_link
from atrium.forms import DepartmentForm, PersonForm
from atrium.health import health
from audit.models import AuditEvent
from audit.tasks import check
from departments.audit_list import audit_page
from departments.models import Department
from departments.services import create_department
from rest.forms import refusals_into

LIMIT = 500


def admins_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """404 for everybody else, as for any page that does not exist."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.actor.is_platform_admin:  # type: ignore[attr-defined]
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@admins_only
@require_http_methods(["GET", "POST"])
def departments(request: HttpRequest) -> HttpResponse:
    """All departments with their size, and a new one."""
    form = DepartmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            made = create_department(**form.cleaned_data)
            messages.success(request, _("The department “%s” is made. Add its first manager.") % made.name)
            return redirect("departments:detail", made.slug)
    counted = Department.objects.annotate(member_count=Count("memberships"))
    page = {"form": form, "departments": counted[:LIMIT]}
    return render(request, "administration/departments.html", page, status=422 if form.errors else 200)


@admins_only
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, and a new account, whose one-time link is shown in the answer and never again."""
    form, made, link = PersonForm(request.POST or None), None, ""
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            made = create_person(**form.cleaned_data)
            link = _link_for(request, made)
            form = PersonForm()
    return _people_page(request, form, made, link)


def _people_page(request: HttpRequest, form: PersonForm, made: User | None, link: str) -> HttpResponse:
    query = request.GET.get("q", "").replace("\x00", "")[:100]
    rows = User.objects.filter(username__icontains=query).prefetch_related("memberships__department")
    page = {"form": form, "made": made, "link": link, "query": query, "people": rows.order_by("username")[:LIMIT]}
    return render(request, "administration/people.html", page, status=422 if form.errors else 200)


def _link_for(request: HttpRequest, person: User) -> str:
    return request.build_absolute_uri(reverse("accounts:sign-in-link", args=[create_sign_in_link(person=person)]))


@admins_only
@require_POST
def person_link(request: HttpRequest, id: UUID) -> HttpResponse:
    """A new one-time link for somebody who cannot get in."""
    person = get_object_or_404(User, pk=id, is_active=True)
    return _people_page(request, PersonForm(), person, _link_for(request, person))


@admins_only
@require_POST
def person_active(request: HttpRequest, id: UUID) -> HttpResponse:
    """Close an account, or open it again."""
    person, active = get_object_or_404(User, pk=id), request.POST.get("active") == "1"
    (reactivate_person if active else deactivate_person)(person=person)
    words = _("The account of %s is open again.") if active else _("The account of %s is closed; its tokens stopped.")
    messages.success(request, words % person.get_full_name())
    return redirect("admin-people")


@admins_only
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """The trail, newest first, with search, export, and whether it is intact."""
    page = audit_page(AuditEvent.objects.all(), request.GET)
    return render(request, "administration/audit.html", {**page, "departments": Department.objects.all()})


@admins_only
@require_POST
def check_audit(request: HttpRequest) -> HttpResponse:
    """Have a worker verify the whole trail."""
    check.apply_async(retry=False)
    messages.info(request, _("The trail is being checked. Load this page again in a moment."))
    return redirect("admin-audit")


@admins_only
@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """Whether the platform's parts work."""
    return render(request, "administration/health.html", {"health": health()})
