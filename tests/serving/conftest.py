"""A model version of Credit Risk with a real artifact, and a name that answers with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving import prediction_log, predictors
from serving.models import Deployment
from tests.serving.artifacts import write
from training import artifacts
from training.models import ModelVersion, RegisteredModel


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    """As in a process that has just started: no model in memory, no segment open."""
    predictors._cache.clear()
    yield
    for spool in prediction_log._spools.values():
        spool.rotate()
    prediction_log._spools.clear()


@pytest.fixture
def make_version(departments: SimpleNamespace, tmp_path: Path) -> Callable[..., ModelVersion]:
    """`make_version(task="regression", kind="mlp")`: a registered version, its artifact in the storage."""

    def make(department: str = "credit_risk", name: str = "Risk", **kwargs: Any) -> ModelVersion:
        stored = artifacts.store(write(tmp_path / f"artifact-{ModelVersion.objects.count()}", **kwargs))
        owner = getattr(departments, department)
        model, _made = RegisteredModel.objects.get_or_create(department=owner, name=name)
        return ModelVersion.objects.create(
            model=model,
            department=owner,
            number=model.versions.count() + 1,
            family=stored.manifest["family"],
            task=stored.manifest["task"],
            target=stored.manifest["target"],
            storage_key=stored.storage_key,
            sha256=stored.sha256,
            manifest=stored.manifest,
        )

    return make


@pytest.fixture
def version(make_version: Callable[..., ModelVersion]) -> ModelVersion:
    return make_version()


@pytest.fixture
def deployment(version: ModelVersion) -> Deployment:
    """credit-scoring, of Credit Risk: a binary classifier over age, income and city."""
    return Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
