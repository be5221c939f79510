"""The review queue: what waits for a person, and one case."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from audit.services import record
from departments.access import Verb, decide_in
from rest.problems import Refused
from serving.explaining.explainers import explainer_of
from serving.explaining.shown import Waterfall, waterfall
from serving.review import services
from serving.review.models import ReviewItem, ReviewState
from serving.runtime.faults import InstanceErrors
from serving.runtime.predictor import key_of

PAGE = 50


def filtered(request: HttpRequest) -> Any:
    """The cases that the address asks for: ?state=open|decided|all&who=mine|nobody&deployment=NAME."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    found = ReviewItem.objects.visible_to(actor)
    state = request.GET.get("state", ReviewState.OPEN)
    found = found.filter(state=state) if state in ReviewState.values else found
    who = request.GET.get("who", "")
    found = found.filter(assignee=actor.person_id) if who == "mine" else found
    found = found.filter(assignee=None) if who == "nobody" else found
    name = request.GET.get("deployment", "")
    return found.filter(deployment__name=name) if name else found


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The queue, the most urgent first."""
    rows = filtered(request).select_related("deployment", "assignee", "decided_by").order_by("due_at", "pk")
    mine = ReviewItem.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "state": request.GET.get("state", ReviewState.OPEN),
        "states": [*ReviewState.choices, ("all", _("All"))],
        "who": request.GET.get("who", ""),
        "whos": [("", _("Everybody's")), ("mine", _("Mine")), ("nobody", _("Nobody's"))],
        "deployment": request.GET.get("deployment", ""),
        "deployments": sorted(set(mine.values_list("deployment__name", flat=True))),
    }
    return render(request, "serving/reviews.html", context)


def _item(request: HttpRequest, id: UUID) -> ReviewItem:
    related = ("deployment", "department", "prediction__model_version__model", "assignee", "decided_by")
    visible = ReviewItem.objects.visible_to(request.actor).select_related(*related)  # type: ignore[attr-defined]
    return get_object_or_404(visible, pk=id)


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """One case: its inputs, what the model said and why, and what can be decided."""
    item = _item(request, id)
    actor: Any = request.actor  # type: ignore[attr-defined]
    record("review.read", item, details={"request_id": str(item.prediction.request_id)})
    queue = list(
        ReviewItem.objects.visible_to(actor).open().order_by("due_at", "pk").values_list("pk", flat=True)[:500]
    )
    context = {
        "item": item,
        "inputs": _inputs(item),
        "chart": _why(item),
        "target": item.prediction.model_version.target,
        "shares": _shares(item),
        "classes": [key_of(label) for label in item.prediction.model_version.manifest.get("classes") or []],
        "may_decide": decide_in(actor, Verb.PREDICT, item.department_id).allowed,
        "is_mine": item.assignee_id == actor.person_id,
        "colleagues": services.deciders(item.department_id),
        **_neighbours(queue, item.pk),
    }
    return render(request, "serving/review.html", context)


def _neighbours(queue: list[UUID], here: UUID) -> dict[str, UUID | None]:
    """What stands before and after in the open queue; from a decided case, its beginning."""
    if here not in queue:
        return {"before": None, "after": queue[0] if queue else None}
    at = queue.index(here)
    return {"before": queue[at - 1] if at else None, "after": queue[at + 1] if at + 1 < len(queue) else None}


def _instance(item: ReviewItem) -> dict[str, Any]:
    found = item.prediction.instances[item.instance]
    return found if isinstance(found, dict) else {}


def _inputs(item: ReviewItem) -> list[tuple[str, Any]] | None:
    """The columns that were sent; None where a person's data was erased."""
    found = _instance(item)
    return None if found.get("erased") is True and len(found) == 1 else list(found.items())


def _shares(item: ReviewItem) -> list[tuple[str, float]]:
    return sorted(
        (item.prediction.answers[item.instance].get("probabilities") or {}).items(), key=lambda pair: -pair[1]
    )


def _why(item: ReviewItem) -> Waterfall | None:
    """The reasons, computed now by the version that answered; None where it cannot answer any more."""
    try:
        explainer = explainer_of(item.prediction.model_version)
        rows, matrix = explainer.predictor.prepare([_instance(item)])
    except (Refused, InstanceErrors):
        return None
    [told] = explainer.explain(rows, matrix)
    return waterfall(told, classes=len(explainer.predictor.classes))


@login_required
@require_POST
def assign(request: HttpRequest, id: UUID) -> HttpResponse:
    """Take the case, give it away, or lay it back."""
    item = _item(request, id)
    actor: Any = request.actor  # type: ignore[attr-defined]
    wanted = request.POST.get("person", "")
    try:
        if wanted == "me" and item.assignee_id is None:
            services.take_free(actor=actor, item=item)
        else:
            username = actor.username if wanted == "me" else wanted
            person = next((each for each in services.deciders(item.department_id) if each.username == username), None)
            if wanted and person is None:
                raise Refused("invalid", _("Choose a colleague who may decide."), status=422)
            services.assign(actor=actor, item=item, person=person)
    except Refused as refused:
        messages.error(request, refused.detail)
    return redirect("serving:review", id)


@login_required
@require_POST
def settle(request: HttpRequest, id: UUID) -> HttpResponse:
    """Decide the case, and go on with the next."""
    item = _item(request, id)
    posted = request.POST
    asked: dict[str, Any] = {"decision": posted.get("decision", ""), "note": posted.get("note", "")}
    try:
        services.settle(actor=request.actor, item=item, is_truth=bool(posted.get("is_truth")), **asked)  # type: ignore[attr-defined]
    except Refused as refused:
        messages.error(request, " ".join([refused.detail, *(each["message"] for each in refused.errors)]))
        return redirect("serving:review", id)
    messages.success(request, _("Decided: %s.") % asked["decision"])
    after = ReviewItem.objects.visible_to(request.actor).open().order_by("due_at", "pk").first()  # type: ignore[attr-defined]
    return redirect("serving:review", after.pk) if after else redirect("serving:reviews")
