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


@pytest.fixture
def trained(departments: SimpleNamespace, people: SimpleNamespace, tmp_path: Path) -> Callable[..., ModelVersion]:
    """`trained(target="defaulted")`: a version of Credit Risk that was really trained: it reads age, income and grade;
    the data also holds limit and region."""
    import numpy as np
    import polars as pl
    from django.core.files.base import ContentFile

    from datasets.services import create_dataset
    from departments.access import actor_for
    from jobs.testing import run_pending
    from training.configuration import Request
    from training.models import TrainingRun
    from training.services import start_run

    def make(target: str = "limit", rows: int = 1500, **asked: Any) -> ModelVersion:
        random = np.random.default_rng(5)
        age, income = random.integers(20, 70, rows), random.normal(3000.0, 800.0, rows).round(2)
        grade, region = random.choice(["a", "b", "c"], rows), random.choice(["north", "south"], rows, p=[0.7, 0.3])
        score = 0.04 * (age - 45) - (income - 3000) / 800 + (grade == "c") + random.normal(0, 1.0, rows)
        score = score + 0.8 * (region == "south")
        limit = 2.0 * income + 10 * age + random.normal(0, 300, rows) * (1 + (grade == "c"))
        frame = pl.DataFrame(
            {"age": age, "income": income, "grade": grade, "region": region, "defaulted": score > 0.4, "limit": limit}
        )
        own = {"actor": actor_for(people.alice), "department": departments.credit_risk}
        file = ContentFile(frame.write_csv().encode(), name="applicants.csv")
        dataset = create_dataset(**own, name=f"Applicants of {target}", file=file)
        run_pending()
        given = {"family": "linear", "params": {"epochs": 40, "optimiser": "adamw", "learning_rate": 0.05}, **asked}
        request = Request(target=target, features=["age", "income", "grade"], **given)
        run = start_run(**own, version=dataset.versions.get(), request=request)
        run_pending()
        return ModelVersion.objects.get(run=TrainingRun.objects.get(pk=run.pk))

    return make
