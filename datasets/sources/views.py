"""Pages of sources: the list, a new one, one of them with what can be read there, and the import of a table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from datasets.connectors import CONNECTORS
from datasets.models import Feed, Source
from datasets.sources import feeds as feed_services
from datasets.sources import services as source_services
from datasets.sources.forms import ImportForm, QueryImportForm, ScheduleForm, SourceForm, initial_of
from departments.access import Verb, require
from rest.forms import refusals_into
from rest.paging import page_of
from rest.problems import Refused

SHOWN_TABLES = 200


@login_required
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    """The sources of the departments in which the person may import data."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    rows = Source.objects.visible_to(actor).select_related("department").defer("tables").annotate(uses=Count("feeds"))
    may_create = bool(actor.departments_with(Verb.CREATE))
    return render(request, "datasets/sources.html", {"page": page_of(request, rows), "may_create": may_create})


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """First the kind of system, then its settings."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if not actor.departments_with(Verb.CREATE):
        detail = _("Your roles do not include importing data. A manager of your department can make you analyst.")
        raise Refused("no-import-role", detail, status=403)
    name = request.GET.get("connector", "")
    if name not in CONNECTORS:
        return render(request, "datasets/source_new.html", {"connectors": list(CONNECTORS)})
    connector, current = CONNECTORS[name], request.department  # type: ignore[attr-defined]
    first = {"department": current.slug if current else ""}
    form = SourceForm(request.POST or None, request.FILES or None, actor=actor, connector=connector, initial=first)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            given: dict[str, Any] = {key: form.cleaned_data.get(key) for key in ("name", "department", "file")}
            made = source_services.create_source(actor=actor, connector=name, params=form.params(), **given)
            return redirect("datasets:source", made.pk)
    context = {"form": form, "connector": connector}
    return render(request, "datasets/source_new.html", context, status=422 if form.errors else 200)


def _source(request: HttpRequest, id: UUID, verb: Verb = Verb.DISCOVER) -> Source:
    visible = Source.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    found: Source = get_object_or_404(visible.select_related("department", "created_by", "job"), pk=id)
    require(request.actor, verb, found)  # type: ignore[attr-defined]
    return found


@login_required
@require_GET
def source(request: HttpRequest, id: UUID) -> HttpResponse:
    """One source: whether it answers, what can be read there, which data sets come from it."""
    found = _source(request, id)
    text = request.GET.get("search", "").replace("\0", "")[:200]
    tables = [table for table in found.tables if text.lower() in table["name"].lower()]
    feeds = found.feeds.select_related("dataset").order_by("dataset__name")[:SHOWN_TABLES]
    context = {
        "source": found, "connector": found.declared, "tables": tables[:SHOWN_TABLES], "search": text,
        "hidden_tables": max(0, len(tables) - SHOWN_TABLES), "feeds": feeds, "looking": _is_looking(found),
    }  # fmt: skip
    return render(request, "datasets/source.html", context)


def _is_looking(source: Source) -> bool:
    return source.job is not None and not source.job.is_finished


@login_required
@require_GET
def state(request: HttpRequest, id: UUID) -> HttpResponse:
    """Whether the check has ended, for htmx; when it has, the page is loaded anew."""
    found = _source(request, id)
    if not _is_looking(found):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "datasets/_source_state.html", {"source": found, "looking": True})


@login_required
@require_POST
def check(request: HttpRequest, id: UUID) -> HttpResponse:
    found = _source(request, id, Verb.CREATE)
    source_services.look_around(actor=request.actor, source=found)  # type: ignore[attr-defined]
    return redirect("datasets:source", found.pk)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, id: UUID) -> HttpResponse:
    """Other settings; secrets are replaced, never shown."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    found = _source(request, id, Verb.EDIT)
    how: dict[str, Any] = {"actor": actor, "connector": found.declared, "source": found}
    form = SourceForm(request.POST or None, initial={"name": found.name}, **how)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            given = {"name": form.cleaned_data["name"], "params": form.params()}
            source_services.update_source(actor=actor, source=found, **given)
            return redirect("datasets:source", found.pk)
    context = {"source": found, "connector": found.declared, "form": form}
    return render(request, "datasets/source_edit.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    """Forget a source whose name was typed to confirm."""
    found = _source(request, id, Verb.EDIT)
    if request.POST.get("confirm", "").strip() != found.name:
        messages.error(request, _("Nothing was deleted: the name that you typed is not the source's."))
        return redirect("datasets:source", id)
    try:
        source_services.delete_source(actor=request.actor, source=found)  # type: ignore[attr-defined]
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("datasets:source", id)
    messages.success(request, _("%s is deleted, with its secrets.") % found.name)
    return redirect("datasets:sources")


@login_required
@require_http_methods(["GET", "POST"])
def import_table(request: HttpRequest, id: UUID) -> HttpResponse:
    """What becomes a data set, under which name, and how it is kept up."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    found = _source(request, id, Verb.CREATE)
    name = request.GET.get("table", "").replace("\0", "")
    table = _table(found, name) if name else None
    if table is None and not found.declared.takes_query:
        raise Http404
    form = _import_form(request.POST or None, found, table)
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            given = {key: form.cleaned_data[key] for key in ("name", "description")}
            given |= {"table": name} if table else {"query": form.cleaned_data["query"]}
            made = feed_services.create_feed(
                actor=actor, source=found, columns=form.chosen_columns(), **given, **form.settings()
            )
            return redirect("datasets:detail", made.dataset_id)
    context = {"source": found, "table": table, "form": form}
    return render(request, "datasets/source_import.html", context, status=422 if form.errors else 200)


def _table(source: Source, name: str) -> dict[str, Any]:
    """A table as the last look found it; a file in a folder that cannot be listed is taken by its name."""
    for table in source.tables:
        if table["name"] == name:
            return dict(table)
    if source.declared.fetch is None or source.tables:
        raise Http404
    return {"name": name[:1024], "kind": "file", "columns": [], "rows": None, "size": None}


def _import_form(data: Any, source: Source, table: dict[str, Any] | None) -> ImportForm:
    if table is None:
        return QueryImportForm(data, initial={"mode": "full"})
    columns = [column for column in table["columns"] if column["type"]]
    name = table["name"].rsplit("/", 1)[-1].rsplit(".", 1)[-1 if source.declared.read_batches else 0]
    return ImportForm(data, columns=columns, whole=source.declared.read_batches is None, initial={"name": name})


def _feed(request: HttpRequest, id: UUID) -> Feed:
    visible = Feed.objects.visible_to(request.actor)  # type: ignore[attr-defined]
    found: Feed = get_object_or_404(visible.select_related("dataset", "source__department"), dataset_id=id)
    require(request.actor, Verb.EDIT, found)  # type: ignore[attr-defined]
    return found


@login_required
@require_http_methods(["GET", "POST"])
def schedule(request: HttpRequest, id: UUID) -> HttpResponse:
    """How and when a data set is refreshed."""
    feed = _feed(request, id)
    version = feed.dataset.versions.filter(state="ready").first()
    columns = version.schema if version else []
    whole = feed.source.declared.read_batches is None
    form = ScheduleForm(request.POST or None, columns=columns, whole=whole, initial=initial_of(feed))
    if request.method == "POST" and form.is_valid():
        with refusals_into(form):
            feed_services.update_feed(actor=request.actor, feed=feed, **form.settings())  # type: ignore[attr-defined]
            messages.success(request, _("The schedule is saved."))
            return redirect("datasets:detail", id)
    context = {"feed": feed, "dataset": feed.dataset, "form": form}
    return render(request, "datasets/schedule.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def refresh(request: HttpRequest, id: UUID) -> HttpResponse:
    """Read the source now."""
    try:
        feed_services.refresh(actor=request.actor, feed=_feed(request, id))  # type: ignore[attr-defined]
    except Refused as refused:
        messages.error(request, refused.detail)
    return redirect("datasets:detail", id)


@login_required
@require_POST
def pause(request: HttpRequest, id: UUID) -> HttpResponse:
    """Pause the schedule, or go on with it."""
    feed = _feed(request, id)
    feed_services.update_feed(actor=request.actor, feed=feed, is_paused=request.POST.get("paused") == "1")  # type: ignore[attr-defined]
    return redirect("datasets:detail", id)


@login_required
@require_POST
def detach(request: HttpRequest, id: UUID) -> HttpResponse:
    """Keep the data set, and refresh it no more."""
    feed = _feed(request, id)
    feed_services.detach(actor=request.actor, feed=feed)  # type: ignore[attr-defined]
    messages.success(request, _("%s stays as it is, and is refreshed no more.") % feed.dataset.name)
    return redirect("datasets:detail", id)
