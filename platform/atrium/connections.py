"""The platform admin's page of hosts and networks that sources may reach although they are not public."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from atrium.administration import admins_only
from datasets.models import ConnectAllowance
from datasets.sources.services import allow, disallow
from rest.forms import refusals_into


class AllowanceForm(forms.Form):
    """One more host or network."""

    entry = forms.CharField(
        label=gettext_lazy("Host or network"), max_length=255,
        help_text=gettext_lazy("db.example.com, *.example.com:5432, 10.1.2.3 or 10.0.0.0/8; with a port, that port alone."),
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("What it is, and who asked for it."),
    )


@admins_only
@require_http_methods(["GET", "POST"])
def connections(request: HttpRequest) -> HttpResponse:
    """What is allowed by this page and by the environment, and one more."""
    form = AllowanceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            made = allow(created_by_id=request.user.pk, **form.cleaned_data)
            messages.success(request, _("Sources may reach %s now.") % made.entry)
            return redirect("admin-connections")
    rows = ConnectAllowance.objects.select_related("created_by")
    page = {"form": form, "allowances": rows, "fixed": settings.CONNECT_ALLOW}
    return render(request, "administration/connections.html", page, status=422 if form.errors else 200)


@admins_only
@require_POST
def remove(request: HttpRequest, id: int) -> HttpResponse:
    """Take one back; from the next connection on it counts no more."""
    found = get_object_or_404(ConnectAllowance, pk=id)
    disallow(allowance=found)
    messages.success(request, _("Sources may reach %s no more.") % found.entry)
    return redirect("admin-connections")
