"""Pages of data sets: the catalogue, the upload, and one data set with its tabs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from datasets import reading, services, tables, tabs
from datasets.catalogue import FRESHNESS, RELATION_WORDS, Filters, asking
from datasets.forms import EditForm, VersionForm
from datasets.granting.viewing import viewer
from datasets.models import Dataset, DatasetVersion, Feed
from datasets.querysets import relations
from datasets.uploads import services as upload_services
from departments.access import Actor, Verb, decide, require
from departments.models import Department
from rest.forms import refusals_into
from rest.problems import Refused

PAGE = 50


@login_required
@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """Own, granted and discoverable data sets; filters stand in the URL."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    chosen = Filters.of(request.GET)
    visible = Dataset.objects.visible_to(actor)
    rows = chosen.applied_to(visible, actor)
    page = Paginator(rows.with_newest().order_by("-updated_at", "pk"), PAGE).get_page(request.GET.get("page"))
    listed = list(page.object_list)
    tables.limit_counts(actor, listed)
    related = relations(actor, listed)
    context = {
        "page": page,
        "rows": [(row, next(iter(row.newest_list), None), related[row.pk]) for row in listed],
        "is_filtered": chosen != Filters(),
        "chosen": chosen,
        "departments_shown": Department.objects.filter(pk__in=visible.values("department_id")),
        "relations": RELATION_WORDS.items(),
        "freshness": FRESHNESS.items(),
        "may_create": bool(actor.departments_with(Verb.CREATE)),
    }
    return render(request, "datasets/list.html", context)


def _dataset(request: HttpRequest, id: UUID, verb: Verb = Verb.DISCOVER) -> Dataset:
    dataset: Dataset | None = Dataset.objects.select_related("department", "created_by").filter(pk=id).first()
    if dataset is None:
        raise Http404
    require(request.actor, verb, dataset)  # type: ignore[attr-defined]
    return dataset


@login_required
@require_GET
def detail(request: HttpRequest, id: UUID) -> HttpResponse:
    """One data set; `?tab=` chooses what is shown of it, `?version=` of which version."""
    return _page(request, _dataset(request, id))


def _page(request: HttpRequest, dataset: Dataset, *, tab: str = "", status: int = 200, **extra: Any) -> HttpResponse:
    actor = viewer(request.actor, dataset, request.GET.get("view_as", ""))  # type: ignore[attr-defined]
    version = _chosen_version(request, dataset)
    newest = dataset.versions.select_related("job").defer("profile").first()
    tab = tab or request.GET.get("tab", "")
    shown = {key: word for key, word in tabs.TABS.items() if key in tabs.OF_THE_DATA or not actor.through}
    tab = tab if tab in shown else "preview"
    is_ready = version is not None and version.state == "ready"
    may = {
        verb.value: decide(actor, verb, dataset).allowed
        for verb in (Verb.PREVIEW, Verb.EXPORT, Verb.TRAIN, Verb.EDIT, Verb.MANAGE)
    }
    context = {
        "dataset": dataset, "version": version, "tab": tab,
        "newest": newest and tables.seen(newest, actor), "tabs": shown.items(), "through": actor.through, "may": may,
        "is_ready": is_ready, "relation": relations(actor, [dataset])[dataset.pk],
        **asking(actor, dataset),
        "feed": Feed.objects.visible_to(actor).filter(dataset=dataset).select_related("source", "job").first(),
        "edit_form": EditForm(initial={"name": dataset.name, "description": dataset.description}),
    }  # fmt: skip
    if tab not in tabs.NEED_ROWS or (is_ready and may["preview"]):
        context |= _content(actor, tab, dataset, version, request.GET)
    context["version"] = version and tables.seen_counted(version, actor)
    return render(request, "datasets/detail.html", context | extra, status=status)


def _content(
    actor: Actor, tab: str, dataset: Dataset, version: DatasetVersion | None, query: QueryDict
) -> dict[str, Any]:
    try:
        return tabs.CONTENT[tab](actor, dataset, version, query)
    except tables.BeingPrepared as waits:
        return {"preparing": waits.job}


def _chosen_version(request: HttpRequest, dataset: Dataset) -> DatasetVersion | None:
    number = request.GET.get("version", "")
    if number.isascii() and number.isdigit() and len(number) < 9:
        return get_object_or_404(DatasetVersion, dataset=dataset, number=int(number))
    return reading.current_version(dataset)


@login_required
@require_GET
def progress(request: HttpRequest, id: UUID) -> HttpResponse:
    """How far the newest version is, for htmx; when it ends, the page is loaded anew."""
    dataset = _dataset(request, id)
    newest = dataset.versions.select_related("job").defer("profile").first()
    if newest is None or newest.state != "ingesting":
        return HttpResponse(headers={"HX-Refresh": "true"})
    shown = tables.seen(newest, request.actor)  # type: ignore[attr-defined]
    return render(request, "datasets/_progress.html", {"dataset": dataset, "newest": shown})


@login_required
@require_POST
def add_version(request: HttpRequest, id: UUID) -> HttpResponse:
    """Send the next version's file whole, as the form does without scripts; the import page comes next."""
    dataset = _dataset(request, id, Verb.EDIT)
    form = VersionForm(request.POST, request.FILES)
    if form.is_valid():
        with refusals_into(form):
            given = {"department": dataset.department, "dataset": dataset, "file": form.cleaned_data["file"]}
            upload = upload_services.receive(actor=request.actor, **given)  # type: ignore[attr-defined]
            return redirect("datasets:import", upload.pk)
    return _page(request, dataset, tab="versions", status=422, version_form=form)


@login_required
@require_POST
def edit(request: HttpRequest, id: UUID) -> HttpResponse:
    dataset = _dataset(request, id, Verb.EDIT)
    form = EditForm(request.POST)
    if form.is_valid():
        with refusals_into(form):
            services.update_dataset(actor=request.actor, dataset=dataset, **form.cleaned_data)  # type: ignore[attr-defined]
            return redirect("datasets:detail", dataset.pk)
    dataset.refresh_from_db()
    return _page(request, dataset, status=422, edit_form=form)


@login_required
@require_POST
def catalogued(request: HttpRequest, id: UUID) -> HttpResponse:
    """Put a data set into the catalogue, or take it out."""
    dataset = _dataset(request, id, Verb.MANAGE)
    wanted = request.POST.get("listed") == "1"
    services.list_dataset(actor=request.actor, dataset=dataset, listed=wanted)  # type: ignore[attr-defined]
    words = _("%s stands in the catalogue.") if wanted else _("%s no longer stands in the catalogue.")
    messages.success(request, words % dataset.name)
    return redirect(f"{reverse('datasets:detail', args=[id])}?tab=access")


@login_required
@require_POST
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    """Delete a data set whose name was typed to confirm."""
    dataset = _dataset(request, id, Verb.MANAGE)
    if request.POST.get("confirm", "").strip() != dataset.name:
        messages.error(request, _("Nothing was deleted: the name that you typed is not the data set's."))
        return redirect("datasets:detail", dataset.pk)
    try:
        services.delete_dataset(actor=request.actor, dataset=dataset)  # type: ignore[attr-defined]
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect(f"{reverse('datasets:detail', args=[id])}?tab=used-by")
    messages.success(request, _("%s is deleted.") % dataset.name)
    return redirect("datasets:list")
