"""Pages on the way from a file to a version: the upload, and the import page, before which nothing is stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from datasets import services
from datasets.forms import UploadForm
from datasets.imports import options as import_options
from datasets.imports import snippets as import_snippets
from datasets.imports.forms import ImportForm
from datasets.imports.preview import changes, may_import, preview
from datasets.imports.source import FromUpload, FromVersion, Source, newest
from datasets.ingestion.opening import FORMATS
from datasets.models import Dataset, DatasetVersion, Upload
from datasets.schema import TYPES
from datasets.uploads import services as upload_services
from departments.access import Verb, require
from rest.forms import refusals_into
from rest.problems import Refused


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Send a file. With scripts it goes to the API in parts, with progress; without, the form posts it whole."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if not actor.departments_with(Verb.CREATE):
        raise Refused(
            "no-upload-role",
            _("Your roles do not include uploading. A manager of your department can make you analyst."),
            status=403,
        )
    current = request.department  # type: ignore[attr-defined]
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = UploadForm(*sent, actor=actor, initial={"department": current and current.slug})
    if form.is_valid():
        with refusals_into(form):
            upload = upload_services.receive(actor=actor, **form.cleaned_data)
            return redirect("datasets:import", upload.pk)
    waiting = Upload.objects.visible_to(actor).filter(expires_at__gt=timezone.now())
    context = {"form": form, "uploads": waiting.select_related("department", "dataset")[:50]}
    return render(request, "datasets/new.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def import_upload(request: HttpRequest, id: UUID) -> HttpResponse:
    """How an upload would be read, to be changed and then imported."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    upload = upload_services.usable(actor=actor, upload_id=id)
    return _page(request, FromUpload(actor, upload))


@login_required
@require_http_methods(["GET", "POST"])
def import_again(request: HttpRequest, id: UUID, number: int) -> HttpResponse:
    """How a version's file would be read with other options, into the next version."""
    dataset = _editable(request, id)
    version = get_object_or_404(DatasetVersion.objects.defer("profile"), dataset=dataset, number=number)
    version.dataset = dataset
    services.source_of(version)
    return _page(request, FromVersion(request.actor, version))  # type: ignore[attr-defined]


@login_required
@require_POST
def give_up(request: HttpRequest, id: UUID) -> HttpResponse:
    """Delete an upload."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    upload = get_object_or_404(Upload.objects.visible_to(actor), pk=id)
    upload_services.give_up(actor=actor, upload=upload)
    messages.success(request, _("%s is deleted.") % upload.filename)
    return redirect("datasets:new")


def _editable(request: HttpRequest, id: UUID) -> Dataset:
    dataset: Dataset | None = Dataset.objects.select_related("department").filter(pk=id).first()
    if dataset is None:
        raise Http404
    require(request.actor, Verb.EDIT, dataset)  # type: ignore[attr-defined]
    return dataset


def _page(request: HttpRequest, source: Source) -> HttpResponse:
    is_sent = request.method == "POST"
    options = import_options.from_form(request.POST) if is_sent else source.defaults
    form = ImportForm(request.POST if is_sent else None, source=source)
    if is_sent and request.POST.get("act") == "import" and form.is_valid():
        with refusals_into(form):
            dataset = source.import_now(options, **form.cleaned_data)
            return redirect("datasets:detail", dataset.pk)
    if request.POST.get("act") != "import":
        form = ImportForm(initial=request.POST.dict(), source=source)
    return _show(request, source, options, form)


def _show(request: HttpRequest, source: Source, options: dict[str, Any], form: ImportForm) -> HttpResponse:
    with source.local() as path:
        answer = preview(path, source.filename, options)
    for row in answer.get("rows", []):
        row["shown"] = _cells(row, answer)
    before = newest(source.dataset)
    columns = answer.get("columns", [])
    shown = answer.get("format") or options.get("format", "")
    fields = import_options.fields(shown, options, answer)
    context = {
        "source": source, "form": form, "options": options, "answer": answer, "error": answer.get("error"),
        "may_import": may_import(answer), "fields": fields, "shown": shown,
        "rare_open": bool(answer.get("error")) or any(field.is_rare and field.is_changed for field in fields),
        "formats": list(FORMATS), "chosen_format": options.get("format", ""), "types": TYPES,
        "chosen_types": options.get("types", {}), "missing": import_options.missing_of(options),
        "columns": columns[: len(answer["rows"][0]["cells"])] if answer.get("rows") else columns[:200],
        "changes": changes(before.schema, columns) if before and columns else [], "before": before,
        "snippets": import_snippets.snippets(request, source, options),
    }  # fmt: skip
    template = "datasets/_import_view.html" if request.headers.get("HX-Request") else "datasets/import.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _cells(row: dict[str, Any], answer: dict[str, Any]) -> list[dict[str, str]]:
    """The cells of a row as the template draws them: text, mark, and the reason of a quarantined one."""
    names = [column["name"] for column in answer["columns"]]
    reasons = {each["column"]: each["reason"] for each in answer["aside"] if each["line"] == row["line"]}
    return [
        {"text": text, "mark": row["marks"].get(str(at), ""), "reason": reasons.get(names[at], "")}
        for at, text in enumerate(row["cells"])
    ]
