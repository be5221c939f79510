"""What training made from a data set, for its “Used by”."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.urls import reverse

from datasets.erasure.traces import Witness
from datasets.models import Dataset
from datasets.used_by import Use
from departments.access import Actor
from training.models import ModelVersion, Study, TrainingRun

MOST = 100


def runs(dataset: Dataset, actor: Actor) -> Iterator[Use]:
    found = TrainingRun.objects.visible_to(actor).filter(dataset_version__dataset=dataset, trial=None)
    for run in found.select_related("job", "dataset_version")[:MOST]:
        url = reverse("training:run", args=[run.pk])
        yield Use(run.name, url, run.current_state, run.dataset_version.number, run.created_at)


def studies(dataset: Dataset, actor: Actor) -> Iterator[Use]:
    found = Study.objects.visible_to(actor).filter(dataset_version__dataset=dataset)
    for study in found.select_related("dataset_version")[:MOST]:
        url = reverse("training:study", args=[study.pk])
        yield Use(study.name, url, study.state, study.dataset_version.number, study.created_at)


def model_versions(dataset: Dataset, actor: Actor) -> Iterator[Use]:
    found = ModelVersion.objects.visible_to(actor).filter(run__dataset_version__dataset=dataset)
    for version in found.select_related("model", "run__dataset_version").order_by("-created_at")[:MOST]:
        url = reverse("training:model-version", args=[version.model_id, version.number])
        yield Use(str(version), url, "ready", version.run.dataset_version.number, version.created_at)


def witnesses(versions: Iterable[UUID]) -> Iterator[Witness]:
    """The model versions, of whichever department, that were trained on any of these versions."""
    found = ModelVersion.objects.filter(run__dataset_version__in=versions).order_by("department__slug", "model__name")
    for each in found.select_related("model", "department", "run__dataset_version__dataset"):
        seen = each.run.dataset_version
        url = reverse("training:model-version", args=[each.model_id, each.number])
        yield Witness("model", str(each), each.department.slug, url, seen.dataset.name, seen.number)
