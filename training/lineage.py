"""What training tells of lineage: a run reads a version by a recipe, and makes a model version."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from datasets.lineage.graph import Edge, Node, Wanted, contribute
from departments.access import Actor
from training.models import ModelVersion, TrainingRun


def links(wanted: Wanted) -> Iterator[Edge]:
    touched = Q(pk__in=wanted.get("run", set())) | Q(dataset_version__in=wanted.get("version", set()))
    touched |= Q(recipe__in=wanted.get("recipe", set())) | Q(model_version__in=wanted.get("model", set()))
    runs = TrainingRun.objects.filter(touched, trial=None)
    for run, version, recipe, model in runs.values_list("pk", "dataset_version", "recipe", "model_version__pk"):
        yield ("version", version), ("run", run)
        if recipe:
            yield ("recipe", recipe), ("run", run)
        if model:
            yield ("run", run), ("model", model)


def runs(actor: Actor, ids: set[UUID]) -> Iterator[Node]:
    for each in TrainingRun.objects.visible_to(actor).filter(pk__in=ids).select_related("job"):
        yield Node(("run", each.pk), each.name, reverse("training:run", args=[each.pk]), each.current_state)


def models(actor: Actor, ids: set[UUID]) -> Iterator[Node]:
    for each in ModelVersion.objects.visible_to(actor).filter(pk__in=ids).select_related("model"):
        url = reverse("training:model-version", args=[each.model_id, each.number])
        yield Node(("model", each.pk), str(each), url, detail=each.family)


def register() -> None:
    contribute("training", links, {"run": runs, "model": models})
