"""Data sets that were prepared from a data set, for its “Used by” and for the report on a forgotten person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.urls import reverse

from datasets.erasure.traces import Witness
from datasets.models import Dataset, DatasetVersion
from datasets.used_by import Use
from departments.access import Actor

MOST = 100


def uses(dataset: Dataset, actor: Actor) -> Iterator[Use]:
    found = DatasetVersion.objects.visible_to(actor).filter(derived_from__dataset=dataset)
    for each in found.select_related("dataset", "derived_from").defer("profile", "derived_from__profile")[:MOST]:
        yield Use(str(each), page_of(each), each.state, each.derived_from.number, each.created_at)


def witnesses(versions: Iterable[UUID]) -> Iterator[Witness]:
    """Copies in any department: those of the own one were searched themselves."""
    found = DatasetVersion.objects.filter(derived_from__in=versions).defer("profile", "derived_from__profile")
    for each in found.select_related("dataset", "department", "derived_from__dataset"):
        source = each.derived_from
        yield Witness("dataset", str(each), each.department.slug, page_of(each), source.dataset.name, source.number)


def page_of(version: DatasetVersion) -> str:
    return f"{reverse('datasets:detail', args=[version.dataset_id])}?version={version.number}"
