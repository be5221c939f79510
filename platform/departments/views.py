"""Pages of departments: the page itself, its members, its grants, and the switcher."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from audit.models import AuditEvent
from departments.access import Verb, decide_in, require_in
from departments.audit_list import audit_page
from departments.forms import MemberForm
from departments.middleware import SESSION_KEY
from departments.models import Department, Membership
from departments.overview import ROLE_MEANINGS, grants_given, grants_received
from departments.quotas import services as quotas
from departments.quotas.pages import QuotaForm
from departments.services import remove_member, set_member, share_tuning
from rest.forms import refusals_into


@login_required
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Choose the department that pages start from; one's own only."""
    slug = request.POST.get("department", "")
    if any(department.slug == slug for department in request.departments):  # type: ignore[attr-defined]
        request.session[SESSION_KEY] = slug
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(target if safe else "home")


def _department(request: HttpRequest, slug: str, verb: Verb) -> Department:
    department = get_object_or_404(Department, slug=slug)
    require_in(request.actor, verb, department)  # type: ignore[attr-defined]
    return department


@login_required
@require_GET
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    department = _department(request, slug, Verb.DISCOVER)
    return _page(request, department, MemberForm())


def _page(request: HttpRequest, department: Department, form: MemberForm) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    page = {
        "department": department,
        "members": department.memberships.select_related("person"),
        "may_manage": decide_in(actor, Verb.MANAGE, department.pk).allowed,
        "given": grants_given(department, actor),
        "received": grants_received(department, actor),
        "role_meanings": [(role.value, role.label, meaning) for role, meaning in ROLE_MEANINGS.items()],
        "form": form,
        "uses": quotas.uses(department),
        "may_set_quota": actor.is_platform_admin,
        "quota_form": QuotaForm.of(department) if actor.is_platform_admin else None,
    }
    return render(request, "departments/detail.html", page, status=422 if form.errors else 200)


@login_required
@require_GET
def audit(request: HttpRequest, slug: str) -> HttpResponse:
    """The department's part of the trail, for its managers."""
    department = _department(request, slug, Verb.MANAGE)
    page = audit_page(AuditEvent.objects.filter(department_id=department.pk), request.GET)
    return render(request, "departments/audit.html", {**page, "department": department})


@login_required
@require_POST
def tuning(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether parameters that did best here may help others."""
    department = _department(request, slug, Verb.MANAGE)
    share_tuning(department=department, shares=request.POST.get("shares") == "on")
    messages.success(request, _("Kept."))
    return redirect("departments:detail", slug)


@login_required
@require_POST
def member(request: HttpRequest, slug: str) -> HttpResponse:
    """Add somebody, or change their role."""
    department = _department(request, slug, Verb.MANAGE)
    form = MemberForm(request.POST)
    if form.is_valid():
        person = User.objects.filter(username=form.cleaned_data["username"].strip(), is_active=True).first()
        if person is None:
            form.add_error("username", _("Nobody with an account has this username. A platform admin can make one."))
        else:
            with refusals_into(form):
                set_member(department=department, person=person, role=form.cleaned_data["role"])
    if form.errors:
        return _page(request, department, form)
    messages.success(request, _("%s is a member now.") % form.cleaned_data["username"])
    return redirect("departments:detail", slug)


@login_required
@require_POST
def remove(request: HttpRequest, slug: str, id: UUID) -> HttpResponse:
    department = _department(request, slug, Verb.MANAGE)
    membership = get_object_or_404(Membership, pk=id, department=department)
    remove_member(membership=membership)
    messages.success(request, _("%s is no longer a member.") % membership.person.get_full_name())
    return redirect("departments:detail", slug)
