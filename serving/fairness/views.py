"""The page on what a model does to each group."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from departments.access import Verb
from rest.problems import Refused
from serving.charts import Dot, Dots, dots
from serving.fairness.asked import read
from serving.fairness.services import Fairness, fairness_of
from serving.runtime.fairness.groups import FOUR_FIFTHS
from serving.versions import actor_of, version_for
from training.columns import columns_open


@login_required
@require_GET
def page(request: HttpRequest, model_id: UUID, number: int) -> HttpResponse:
    """Groups by a column that the reader chooses."""
    actor = actor_of(request)
    version, _decision = version_for(actor, model_id, number, Verb.DISCOVER)
    columns = columns_open(actor, version)
    found, refused = None, None
    try:
        asked = read(request.GET)
        if asked["by"]:
            found = fairness_of(actor=actor, version=version, **asked)
    except Refused as error:
        asked, refused = {"by": request.GET.get("by", "")}, error
    context = {
        "model_version": version,
        "model": version.model,
        "columns": columns,
        "asked": asked,
        "found": found,
        "refused": refused,
        "classes": version.manifest.get("classes") or [] if columns else [],
        "charts": charts_of(found) if found else [],
    }
    return render(request, "serving/fairness.html", context, status=refused.status if refused else 200)


def charts_of(found: Fairness) -> list[Dots]:
    """The charts beside the table."""
    if found.measured:
        bias = [Dot(g.name, g.bias.value, g.bias.low, g.bias.high, "warn" if g.is_off else "") for g in found.measured]
        error = [Dot(g.name, g.error.value, g.error.low, g.error.high) for g in found.measured]
        made = [
            dots(_("Mean error: predicted − true"), bias, line=0.0, line_label=_("no bias"), percent=False),
            dots(_("Mean absolute error"), error, percent=False),
        ]
        return [chart for chart in made if chart]
    best = max((g.selected.share or 0.0 for g in found.decided), default=0.0)
    rates: list[tuple[str, Any, float | None, str]] = [
        (_("Selected"), lambda g: g.selected, FOUR_FIFTHS * best, _("four fifths of the highest")),
        (_("True positives found"), lambda g: g.true_positive, None, ""),
        (_("False positives"), lambda g: g.false_positive, None, ""),
    ]
    made = [
        dots(
            title,
            [
                Dot(g.name, rate(g).share, rate(g).low, rate(g).high, "warn" if place == 0 and _is_low(g) else "")
                for g in found.decided
                if rate(g).share is not None
            ],
            line=line,
            line_label=label,
        )
        for place, (title, rate, line, label) in enumerate(rates)
    ]
    return [chart for chart in made if chart]


def _is_low(group: Any) -> bool:
    return group.ratio is not None and group.ratio.is_below
