"""What training made from a data set, for its “Used by”."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

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
