"""The form that sets a department's limits, and the view behind it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from departments.access import Verb, require_in
from departments.models import Department, Quota
from departments.quotas import services
from rest.problems import Refused

GB = 10**9


class QuotaForm(forms.Form):
    """Limits as people write them: gigabytes, and nothing for no limit."""

    cpu_hours = forms.FloatField(
        label=_("CPU hours a month"), min_value=0, required=False,
        help_text=_("Time that processors worked for the department's jobs. Empty: no limit."),
    )  # fmt: skip
    storage_gb = forms.FloatField(
        label=_("Storage (GB)"), min_value=0, max_value=services.MOST / GB, required=False,
        help_text=_("Files, tables, uploads and models."),
    )  # fmt: skip
    predictions = forms.IntegerField(
        label=_("Predictions a month"), min_value=0, max_value=services.MOST, required=False,
        help_text=_("Rows that the department's deployments answer."),
    )  # fmt: skip

    @classmethod
    def of(cls, department: Department) -> QuotaForm:
        quota = Quota.objects.filter(department=department).first() or Quota()
        size = quota.storage_bytes
        hours = quota.cpu_hours
        return cls(
            initial={
                "cpu_hours": None if hours is None else f"{hours:.10g}",
                "storage_gb": None if size is None else f"{size / GB:.10g}",
                "predictions": quota.predictions,
            }
        )

    @property
    def limits(self) -> dict[str, Any]:
        given = self.cleaned_data
        size = given["storage_gb"]
        return {
            "cpu_hours": given["cpu_hours"],
            "storage_bytes": None if size is None else round(size * GB),
            "predictions": given["predictions"],
        }


@login_required
@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Set the limits. Platform admins only."""
    department = get_object_or_404(Department, slug=slug)
    actor = request.actor  # type: ignore[attr-defined]
    require_in(actor, Verb.DISCOVER, department)
    if not actor.is_platform_admin:
        raise Refused("not-platform-admin", str(_("Only platform admins set quotas.")), status=403)
    form = QuotaForm(request.POST)
    if form.is_valid():
        services.set_quota(actor=actor, department=department, limits=form.limits)
        messages.success(request, _("The quota of %s is set.") % department.name)
    else:
        messages.error(request, " ".join(str(each) for errors in form.errors.values() for each in errors))
    return redirect(f"{reverse('departments:detail', args=[department.slug])}#quota")
