"""The Train page: choose, see beforehand what will happen, start."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.recipe import Around
from datasets.tables import Described
from departments.access import Verb, require
from departments.models import Department
from rest.problems import Refused, invalid
from training import comparison, services, snippets, studies, study_options, suitability
from training.configuration import check
from training.data_checks import check_data, repair
from training.engine.family import FAMILIES
from training.engine.presets import PRESETS
from training.forms import TrainForm, initial_of
from training.models import TrainingRun


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Without a data set: choose one. With one: the form, which starts a run or a study."""
    source = request.POST if request.method == "POST" else request.GET
    like = _run_like(request)
    dataset_id = _uuid(source.get("dataset")) or (like.dataset_version.dataset_id if like else None)
    if dataset_id is None:
        return _choose(request)
    table, department = _place(request, dataset_id, source.get("version"))
    if request.method == "POST":
        return _start(request, table, department)
    initial = {**(initial_of(like, table.schema.names) if like else {}), **_asked(request)}
    return _page(request, table, _form(request, table, department, initial=initial))


def _choose(request: HttpRequest) -> HttpResponse:
    found = services.trainable(request.actor).filter(versions__state="ready").distinct()  # type: ignore[attr-defined]
    return render(request, "training/choose.html", {"datasets": found[:200]})


def _run_like(request: HttpRequest) -> TrainingRun | None:
    """The run that `?clone=` names."""
    found = _uuid(request.GET.get("clone"))
    if found is None:
        return None
    runs = TrainingRun.objects.visible_to(request.actor).select_related("dataset_version__dataset")  # type: ignore[attr-defined]
    run: TrainingRun = get_object_or_404(runs, pk=found)
    require(request.actor, Verb.TRAIN, run)  # type: ignore[attr-defined]
    return run


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _place(request: HttpRequest, dataset_id: UUID, number: str | None) -> tuple[Described, Department]:
    """The table to train on, and the department that trains."""
    actor = request.actor  # type: ignore[attr-defined]
    visible = Dataset.objects.visible_to(actor).select_related("department")
    dataset: Dataset = get_object_or_404(visible, pk=dataset_id)
    department = services.department_for(actor, dataset, request.department)  # type: ignore[attr-defined]
    if number and number.isascii() and number.isdigit():
        version: DatasetVersion = get_object_or_404(dataset.versions.all(), number=int(number[:9]))
    else:
        version = services.latest_ready(dataset)
    decision = services.require_train(actor, dataset, department)
    return services.table_for(actor, version, decision), department


def _asked(request: HttpRequest) -> dict[str, Any]:
    """First values from the address: a link can say what to predict and how."""
    names = ("target", "recipe", "preset", "family", "task")
    asked: dict[str, Any] = {name: request.GET[name] for name in names if request.GET.get(name)}
    return {**asked, "without": request.GET.getlist("without")} if "without" in request.GET else asked


def _form(request: HttpRequest, table: Described, department: Department, **kwargs: Any) -> TrainForm:
    visible = Recipe.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    recipes = visible.filter(dataset_id=table.version.dataset_id, department=department)
    return TrainForm(schema=table.schema, recipes=recipes, **kwargs)


def _page(request: HttpRequest, table: Described, form: TrainForm) -> HttpResponse:
    page = {
        "form": form,
        "version": table.version,
        "rows": table.rows,
        "columns": suitability.columns(table),
        "presets": PRESETS.values(),
        "families": form.families(),
        "ways": form.ways(),
    }
    return render(request, "training/new.html", page, status=422 if form.errors else 200)


def _start(request: HttpRequest, table: Described, department: Department) -> HttpResponse:
    form = _form(request, table, department, data=request.POST)
    if form.is_valid():
        try:
            made = _make(request, form, table.version, department)
        except Refused as refused:
            if refused.status != 422:
                raise
            form.take(refused)
        else:
            messages.success(request, _("Queued. This page follows it; leaving it stops nothing."))
            return redirect("training:run" if isinstance(made, TrainingRun) else "training:study", made.pk)
    return _page(request, table, form)


def _make(request: HttpRequest, form: TrainForm, version: DatasetVersion, department: Department) -> Any:
    values = form.cleaned_data
    shared = {
        "actor": request.actor,  # type: ignore[attr-defined]
        "department": department,
        "version": version,
        "recipe": values["recipe"],
        "request": form.request(),
        "name": values["name"],
    }
    if not values["trials"]:
        return services.start_run(**shared, model_name=values["model_name"], like=_liked(request, form))
    _check_study(form)
    return studies.start_study(**shared, search=form.search(), trials=values["trials"], options=form.options())


def _liked(request: HttpRequest, form: TrainForm) -> TrainingRun | None:
    """The run that the form was filled from, if the person still sees it."""
    visible = TrainingRun.objects.visible_to(request.actor).select_related("dataset_version__dataset")  # type: ignore[attr-defined]
    found: TrainingRun | None = visible.filter(pk=form.cleaned_data["like"]).first()
    return found


def _check_study(form: TrainForm) -> None:
    family, search = form.cleaned_data["family"], form.search()
    if not family:
        raise invalid("family", _("a study tunes the parameters of one family: choose it"))
    if not search:
        raise invalid("tune", _("choose at least one parameter of the family to search"))
    study_options.check_search(family, search, form.cleaned_data["trials"])


@login_required
@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """What the form, as it stands, would try: a part of the Train page, asked for at every change."""
    table, department = _placed(request)
    form = _form(request, table, department, data=request.POST)
    page: dict[str, Any] = {"form": form, "version": table.version}
    if form.is_valid():
        try:
            page |= _planned(request, form, table, department)
        except Refused as refused:
            form.take(refused)
    return render(request, "training/_plan.html", page)


@login_required
@require_POST
def data_checks(request: HttpRequest) -> HttpResponse:
    """What speaks against the data for the form as it stands: a part of the Train page."""
    table, department = _placed(request)
    form = _form(request, table, department, data=request.POST)
    page: dict[str, Any] = {"version": table.version}
    if form.is_valid():
        try:
            recipe = form.cleaned_data["recipe"]
            planned = check(table, recipe, form.request(), _around(request, department, recipe))
            asked = {"actor": request.actor, "department": department, "version": table.version}  # type: ignore[attr-defined]
            page |= check_data(**asked, configuration=planned)
        except Refused as refused:
            page["refused"] = refused
    return render(request, "training/_data_checks.html", page)


@login_required
@require_POST
def mend(request: HttpRequest) -> HttpResponse:
    """Put a step at the beginning of the recipe, as a finding offers, and come back to the form with it."""
    table, department = _placed(request)
    version = table.version
    form = _form(request, table, department, data=request.POST)
    form.is_valid()
    made = repair(
        actor=request.actor,  # type: ignore[attr-defined]
        department=department,
        version=version,
        recipe=form.cleaned_data.get("recipe"),
        step=_offered(request.POST.get("mend", "")),
    )
    messages.success(request, _("The recipe “%s” begins with this step now.") % made.name)
    kept = {name: request.POST[name] for name in ("target", "preset", "family", "task") if request.POST.get(name)}
    query = {"dataset": version.dataset_id, "version": version.number, "recipe": made.pk, **kept}
    again = urlencode({**query, "without": request.POST.getlist("without")}, doseq=True)
    return redirect(f"{reverse('training:new')}?{again}")


def _offered(text: str) -> dict[str, Any]:
    """The step that a finding's button carries, as JSON; the recipe's own rules judge what it says."""
    try:
        step = json.loads(text)
    except ValueError:
        step = None
    if not isinstance(step, dict):
        raise invalid("mend", _("choose a step that a finding offers"))
    return step


def _placed(request: HttpRequest) -> tuple[Described, Department]:
    dataset_id = _uuid(request.POST.get("dataset"))
    if dataset_id is None:
        raise invalid("dataset", _("choose a data set"))
    return _place(request, dataset_id, request.POST.get("version"))


def _around(request: HttpRequest, department: Department, recipe: Recipe | None) -> Around:
    return services.around_for(request.actor, department, recipe.steps if recipe else [])  # type: ignore[attr-defined]


def _planned(request: HttpRequest, form: TrainForm, table: Described, department: Department) -> dict[str, Any]:
    asked, values = form.request(), form.cleaned_data
    planned = check(table, values["recipe"], asked, _around(request, department, values["recipe"]))
    trials = values["trials"]
    if trials:
        _check_study(form)
    study = {"search": form.search(), "trials": trials, **asdict(form.options())}
    extra = study if trials else {"model_name": values["model_name"]}
    body = snippets.body_of(table.version, values["recipe"], asked, {"name": values["name"], **extra})
    path = reverse("api:study-list" if trials else "api:run-list")
    url = request.build_absolute_uri(path)
    like = _liked(request, form)
    as_run = TrainingRun(dataset_version=table.version, **planned.columns())
    return {
        "planned": planned,
        "like": like,
        "changes": comparison.changes(like, as_run) if like else [],
        "task": suitability.TASK_WORDS[planned.task],
        "candidates": [_candidate(candidate) for candidate in planned.candidates],
        "trials": trials,
        "seconds": (planned.estimate_seconds or 0) * (trials or 1),
        "curl": snippets.curl(url, body),
        "python": snippets.python(url, body),
    }


def _candidate(candidate: dict[str, Any]) -> dict[str, Any]:
    """A candidate in words: its family, and the parameters that differ from the defaults."""
    family = FAMILIES[candidate["family"]]
    defaults = {param.name: param for param in family.params}
    special = [
        (defaults[name].title, value) for name, value in candidate["params"].items() if value != defaults[name].default
    ]
    return {"family": family, "special": special}
