"""What data sets tell of their lineage: sources, versions and recipes."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from datasets.lineage.graph import Edge, Node, Wanted, contribute
from datasets.models import DatasetVersion, Feed, Recipe, Source
from departments.access import Actor


def links(wanted: Wanted) -> Iterator[Edge]:
    """A source feeds the versions of its data set; a recipe turns a version into one of another data set."""
    yield from _fed(wanted)
    ids = wanted.get("version", set())
    derived = Q(pk__in=ids) | Q(derived_from__in=ids) | Q(derived_by__in=wanted.get("recipe", set()))
    made = DatasetVersion.objects.filter(derived, derived_from__isnull=False)
    for version, source, recipe in made.values_list("pk", "derived_from", "derived_by"):
        yield ("version", source), ("version", version)
        if recipe:
            yield ("recipe", recipe), ("version", version)


def _fed(wanted: Wanted) -> Iterator[Edge]:
    feeds = Feed.objects.filter(dataset__versions__in=wanted.get("version", set()))
    feeds |= Feed.objects.filter(source__in=wanted.get("source", set()))
    for source, version in (
        feeds.exclude(dataset__versions=None).values_list("source_id", "dataset__versions__pk").distinct()
    ):
        yield ("source", source), ("version", version)


def versions(actor: Actor, ids: set[UUID]) -> Iterator[Node]:
    found = DatasetVersion.objects.visible_to(actor).filter(pk__in=ids).defer("profile").select_related("dataset")
    for each in found:
        url = f"{reverse('datasets:detail', args=[each.dataset_id])}?version={each.number}"
        yield Node(("version", each.pk), f"{each.dataset.name} v{each.number}", url, each.state)


def sources(actor: Actor, ids: set[UUID]) -> Iterator[Node]:
    for each in Source.objects.visible_to(actor).filter(pk__in=ids):
        yield Node(("source", each.pk), each.name, each.get_absolute_url(), detail=each.connector)


def recipes(actor: Actor, ids: set[UUID]) -> Iterator[Node]:
    for each in Recipe.objects.visible_to(actor).filter(pk__in=ids):
        url = f"{reverse('datasets:recipe', args=[each.dataset_id])}?recipe={each.pk}"
        yield Node(("recipe", each.pk), each.name, url)


def register() -> None:
    contribute("datasets", links, {"version": versions, "source": sources, "recipe": recipes})
