"""Ctrl+K: one small function for each kind of thing, each narrowed by what the actor may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from datasets.models import Dataset
from departments.access import Actor
from serving.models import Deployment
from training.models import RegisteredModel, TrainingRun

LIMIT = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the palette."""

    title: str | Promise
    url: str
    icon: str
    detail: str | Promise = ""


PAGES = (
    Hit(_("Upload a data set"), "/datasets/new/", "upload", _("Action")),
    Hit(_("Train a model"), "/runs/new/", "chart-line", _("Action")),
    Hit(_("Datasets"), "/datasets/", "table", _("Page")),
    Hit(_("Sources"), "/datasets/sources/", "plug", _("Page")),
    Hit(_("Runs"), "/runs/", "chart-line", _("Page")),
    Hit(_("Models"), "/models/", "box-model-2", _("Page")),
    Hit(_("Deployments"), "/deployments/", "broadcast", _("Page")),
    Hit(_("Jobs"), "/jobs/", "stack-2", _("Page")),
    Hit(_("API tokens"), "/settings/tokens/", "key", _("Page")),
)


def _datasets(actor: Actor, query: str) -> Iterator[Hit]:
    rows = Dataset.objects.visible_to(actor).filter(name__icontains=query).select_related("department")
    return (Hit(row.name, f"/datasets/{row.pk}/", "table", row.department.name) for row in rows[:LIMIT])


def _runs(actor: Actor, query: str) -> Iterator[Hit]:
    rows = TrainingRun.objects.visible_to(actor).filter(name__icontains=query).select_related("department")
    return (Hit(row.name, f"/runs/{row.pk}/", "chart-line", row.department.name) for row in rows[:LIMIT])


def _models(actor: Actor, query: str) -> Iterator[Hit]:
    rows = RegisteredModel.objects.visible_to(actor).filter(name__icontains=query).select_related("department")
    return (Hit(row.name, f"/models/{row.pk}/", "box-model-2", row.department.name) for row in rows[:LIMIT])


def _deployments(actor: Actor, query: str) -> Iterator[Hit]:
    rows = Deployment.objects.visible_to(actor).filter(name__icontains=query).select_related("department")
    return (Hit(row.name, f"/deployments/{row.name}/", "broadcast", row.department.name) for row in rows[:LIMIT])


SOURCES: tuple[Callable[[Actor, str], Iterator[Hit]], ...] = (_datasets, _runs, _models, _deployments)


def find(actor: Actor, query: str) -> list[Hit]:
    """Return the pages when nothing is asked, else pages and visible objects whose name holds `query`."""
    query = query.replace("\x00", "").strip()[:100]
    pages = [page for page in PAGES if query.lower() in str(page.title).lower()]
    return pages if not query else [hit for source in SOURCES for hit in source(actor, query)] + pages
