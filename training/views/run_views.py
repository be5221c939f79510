"""A person's own names for what the pages of runs show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from training.models import RunView

PAGES = {"runs": "training:runs", "compare": "training:compare"}
MOST, LONGEST = 50, 8000


def views_of(request: HttpRequest, page: str) -> dict[str, Any]:
    """What the menu of views shows: the person's own, and the query that a new one would keep."""
    own = RunView.objects.filter(person=request.user.pk, page=page)
    return {"views": own, "views_page": page, "views_query": _kept(request.GET)}


def _kept(query: QueryDict) -> str:
    """The query without where in a list it stands."""
    kept = query.copy()
    for name in ("before", "page", "as"):
        kept.pop(name, None)
    return kept.urlencode(safe=",")


@login_required
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the page's query under a name; the same name again keeps the newer."""
    page, name, query = (request.POST.get(field, "").replace("\x00", "") for field in ("page", "name", "query"))
    name = name.strip()[:80]
    if page not in PAGES or not name:
        messages.error(request, _("Give the view a name."))
        return redirect("training:runs")
    own = RunView.objects.filter(person=request.user.pk)
    kept = _kept(QueryDict(query[:LONGEST]))
    if own.count() >= MOST and not own.filter(page=page, name=name).exists():
        messages.error(request, _("You have %d views already: remove one first.") % MOST)
    else:
        RunView.objects.update_or_create(person_id=request.user.pk, page=page, name=name, defaults={"query": kept})
        messages.success(request, _("The view “%s” is kept.") % name)
    return redirect(f"{reverse(PAGES[page])}?{kept}")


@login_required
@require_POST
def remove(request: HttpRequest, id: UUID) -> HttpResponse:
    """Forget one of the person's own views."""
    view: RunView = get_object_or_404(RunView, pk=id, person=request.user.pk)
    view.delete()
    messages.success(request, _("The view “%s” is gone.") % view.name)
    return redirect(f"{reverse(PAGES[view.page])}?{view.query}")
