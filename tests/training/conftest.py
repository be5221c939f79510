"""A data set that is ready to train on, and runs over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files import File


@pytest.fixture
def make_version(departments: SimpleNamespace, people: SimpleNamespace, tmp_path: Path) -> Callable[..., Any]:
    """`make_version(rows=200)`: a ready version of a data set of Credit Risk: age, income, grade, defaulted, limit."""
    import numpy as np
    import polars as pl

    from datasets import storage
    from datasets.models import Dataset, DatasetVersion
    from datasets.profile import profile
    from datasets.schema import Schema

    types = {"age": "integer", "income": "number", "grade": "text", "defaulted": "boolean", "limit": "number"}

    def make(rows: int = 200, name: str = "applicants", department: Any = None) -> Any:
        random = np.random.default_rng(7)
        age, income = random.integers(20, 70, rows), random.normal(3000.0, 800.0, rows).round(2)
        grade = random.choice(["a", "b", "c"], rows)
        score = 0.04 * (age - 45) - income / 2000 + (grade == "c") + random.normal(0, 0.3, rows)
        frame = pl.DataFrame(
            {
                "age": age,
                "income": income,
                "grade": grade,
                "defaulted": score > np.median(score),
                "limit": 2.0 * income + 10 * age,
            }
        )
        path = tmp_path / f"{name}-{rows}.parquet"
        frame.write_parquet(path)
        owner = department or departments.credit_risk
        dataset, _made = Dataset.objects.get_or_create(department=owner, name=name, created_by=people.alice)
        number = dataset.versions.count() + 1
        key = f"datasets/{dataset.pk}/{number}.parquet"
        with path.open("rb") as content:
            storage.place(File(content), key)
        schema = [{"name": column, "type": kind} for column, kind in types.items()]
        return DatasetVersion.objects.create(
            dataset=dataset, department=owner, number=number, state="ready", storage_key=key, sha256="0" * 64,
            source_name=f"{name}.csv", source_key="sources/x", rows=rows, columns=len(types), schema=schema,
            profile=profile(path, Schema.from_json(schema)), created_by=people.alice,
        )  # fmt: skip

    return make


@pytest.fixture
def version(make_version: Callable[..., Any]) -> Any:
    return make_version()


QUICK = {"epochs": 30, "optimiser": "adamw", "learning_rate": 0.05}


@pytest.fixture
def linear_run(people: SimpleNamespace, departments: SimpleNamespace, version: Any) -> Callable[..., Any]:
    """`linear_run(seed=1)`: a queued run of Alice's, of a linear model over the target `limit`."""
    from departments.access import actor_for
    from training import services
    from training.configuration import Request

    def start(params: dict[str, Any] | None = None, **changes: Any) -> Any:
        asked = {"target": "limit", "family": "linear", "params": QUICK if params is None else params, **changes}
        return services.start_run(
            actor=actor_for(people.alice), department=departments.credit_risk, version=version, request=Request(**asked)
        )

    return start
