"""The recipe page: steps on the left, the chosen step's settings and effect on the right, kept with every change."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from datasets.models import Dataset, Recipe
from datasets.preparation import services
from datasets.preparation.context import context_of
from datasets.preparation.edits import ACTS, whole
from datasets.preparation.outcome import prepare_dataset
from departments.access import Verb, require
from rest.problems import Refused, invalid

KEEPS_FOCUS = ("add", "move", "up", "down", "remove")


@login_required
@require_http_methods(["GET", "POST"])
def recipe(request: HttpRequest, id: UUID) -> HttpResponse:
    """One data set's recipe in the current department; `?recipe=` chooses another, `?step=` the step in focus."""
    dataset = Dataset.objects.select_related("department").filter(pk=id).first()
    if dataset is None:
        raise Http404
    require(request.actor, Verb.PREVIEW, dataset)  # type: ignore[attr-defined]
    if request.method == "POST":
        return _act(request, dataset, _chosen(request, dataset))
    chosen = None if request.GET.get("recipe") == "new" else _chosen(request, dataset)
    return _page(request, dataset, chosen, whole(request.GET.get("step")))


def _act(request: HttpRequest, dataset: Dataset, chosen: Recipe | None) -> HttpResponse:
    """Do what the pressed button says, keep it, and show the result."""
    act = request.POST.get("act", "")
    if act in ACTS:
        return _edit(request, dataset, chosen, act)
    if chosen is None or act not in OWN_ACTS:
        raise invalid("act", _("there is nothing to do; load the page anew"))
    return OWN_ACTS[act](request, dataset, chosen)


def _edit(request: HttpRequest, dataset: Dataset, chosen: Recipe | None, act: str) -> HttpResponse:
    """Change the steps; the first change makes the recipe."""
    steps, place = ACTS[act](chosen.steps if chosen else [], request.POST)
    if chosen:
        changed = services.update_recipe(actor=request.actor, recipe=chosen, steps=steps, draft=True)  # type: ignore[attr-defined]
        return _answer(request, dataset, changed, place)
    made = services.create_recipe(actor=request.actor, dataset=dataset, steps=steps, draft=True)  # type: ignore[attr-defined]
    # The page's head names the recipe and lists the others: it is loaded anew, once.
    url = _url(dataset, made, place)
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)  # type: ignore[attr-defined]


def _undo(request: HttpRequest, dataset: Dataset, chosen: Recipe) -> HttpResponse:
    redo = request.POST.get("act") == "redo"
    changed = services.undo_recipe(actor=request.actor, recipe=chosen, redo=redo)  # type: ignore[attr-defined]
    return _answer(request, dataset, changed, whole(request.POST.get("chosen")))


def _update(request: HttpRequest, dataset: Dataset, chosen: Recipe) -> HttpResponse:
    """Give the recipe another name, another version, or another column to predict."""
    services.update_recipe(
        actor=request.actor,  # type: ignore[attr-defined]
        recipe=chosen,
        name=request.POST.get("name", "")[:120],
        target=request.POST.get("target"),
        version=whole(request.POST.get("version")),
    )
    return redirect(_url(dataset, chosen))


def _delete(request: HttpRequest, dataset: Dataset, chosen: Recipe) -> HttpResponse:
    if request.POST.get("confirm", "").strip() != chosen.name:
        messages.error(request, _("Nothing was deleted: the name that you typed is not the recipe's."))
        return redirect(_url(dataset, chosen))
    services.delete_recipe(actor=request.actor, recipe=chosen)  # type: ignore[attr-defined]
    messages.success(request, _("%s is deleted.") % chosen.name)
    return redirect("datasets:recipe", dataset.pk)


def _prepare(request: HttpRequest, dataset: Dataset, chosen: Recipe) -> HttpResponse:
    """Have the outcome written into a data set of its own, and go there."""
    version = services.version_of(chosen).number
    name = request.POST.get("name", "")
    try:
        made = prepare_dataset(actor=request.actor, recipe=chosen, name=name, version=version)  # type: ignore[attr-defined]
    except Refused as refused:
        messages.error(request, str(refused.detail))
        return redirect(_url(dataset, chosen))
    return redirect("datasets:detail", made.dataset_id)


OWN_ACTS: dict[str, Callable[[HttpRequest, Dataset, Recipe], HttpResponse]] = {
    "undo": _undo,
    "redo": _undo,
    "rename": _update,
    "target": _update,
    "take_over": _update,
    "prepare": _prepare,
    "delete": _delete,
}


def _answer(request: HttpRequest, dataset: Dataset, chosen: Recipe, place: int | None) -> HttpResponse:
    """For htmx the changed part of the page, else the page itself."""
    url = _url(dataset, chosen, place)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(url)
    response = _page(request, dataset, chosen, place)
    response["HX-Replace-Url"] = url
    return response


def _url(dataset: Dataset, chosen: Recipe, place: int | None = None) -> str:
    step = "" if place is None else f"&step={place}"
    return f"{reverse('datasets:recipe', args=[dataset.pk])}?recipe={chosen.pk}{step}"


def _own(request: HttpRequest, dataset: Dataset) -> list[Recipe]:
    """The recipes on this data set that the actor may see, those of the current department first."""
    current = request.department  # type: ignore[attr-defined]
    seen = Recipe.objects.visible_to(request.actor).filter(dataset=dataset)  # type: ignore[attr-defined]
    own = list(seen.select_related("department", "dataset"))
    return sorted(own, key=lambda each: current is None or each.department_id != current.pk)


def _chosen(request: HttpRequest, dataset: Dataset) -> Recipe | None:
    wanted = request.POST.get("recipe") if request.method == "POST" else request.GET.get("recipe")
    own = _own(request, dataset)
    if not wanted:
        return own[0] if own and request.method == "GET" else None
    found = next((each for each in own if str(each.pk) == wanted), None)
    if found is None:
        raise Http404
    return found


def _page(request: HttpRequest, dataset: Dataset, chosen: Recipe | None, place: int | None) -> HttpResponse:
    part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    shown = {"recipes": _own(request, dataset), "takes_focus": request.POST.get("act") in KEEPS_FOCUS}
    context = context_of(request.actor, dataset, chosen, place) | shown  # type: ignore[attr-defined]
    response = render(
        request, "datasets/recipe_editor.html" if part else "datasets/recipe.html", {**context, "part": part}
    )
    patch_vary_headers(response, ["HX-Request"])
    return response
