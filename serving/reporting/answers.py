"""The report as a response: a page to read or print, or a PDF."""

from __future__ import annotations

from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from departments.access import Actor
from rest.problems import Refused, invalid
from serving.reporting.pdf import NotPrinted, printed
from serving.reporting.report import report_of
from training.models import ModelVersion

KINDS = ("html", "pdf")


def respond(*, actor: Actor, version: ModelVersion, kind: str, by: list[str]) -> HttpResponse:
    """Raises Refused: 422 for an unknown kind, 501 where the machine cannot print."""
    if kind not in KINDS:
        raise invalid("as", _("choose html or pdf"))
    context = {**report_of(actor=actor, version=version, by=by), "language": translation.get_language() or "en"}
    name = f"{slugify(version.model.name) or 'model'}-v{version.number}-report.{kind}"
    if kind == "html":
        return HttpResponse(render_to_string("serving/report.html", context))
    try:
        content = printed(_styled(render_to_string("serving/report.html", {**context, "is_printed": True})))
    except NotPrinted as failed:
        raise _refused(missing=failed.missing) from None
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


def _styled(page: str) -> str:
    """The page with its style sheet within, as the printer fetches nothing."""
    found = finders.find("css/report.css")
    style = Path(found).read_text(encoding="utf-8") if isinstance(found, str) else ""
    return page.replace("</head>", f"<style>{style}</style></head>", 1)


def _refused(*, missing: bool) -> Refused:
    if missing:
        detail = _("PDFs need the library Pango on this machine (docs/reports.md). Print the HTML report meanwhile.")
        return Refused("no-pdf-library", detail, status=501)
    detail = _("The PDF could not be made. Print the HTML report instead, and tell the administrator.")
    return Refused("pdf-failed", detail, status=500)
