"""Pages that look across all apps: Home and the search palette."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from atrium.overview import overview
from atrium.search import find


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What waits for the person, in the chosen department."""
    department = request.department  # type: ignore[attr-defined]
    shown = overview(request.actor, department) if department else None  # type: ignore[attr-defined]
    return render(request, "home.html", {"overview": shown})


@login_required
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The palette's results."""
    query = request.GET.get("q", "")
    hits = find(request.actor, query)  # type: ignore[attr-defined]
    return render(request, "partials/search_results.html", {"hits": hits, "query": query[:100]})
