"""A model that was really trained on 1,200 rows, a name that answers with it, and traffic of either kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from rest_framework.test import APIClient

from datasets.services import create_dataset
from departments.access import actor_for
from serving import prediction_log, predictors
from serving.models import Deployment
from serving.monitoring.references import reference_of
from serving.services import deploy
from tests.webhooks.conftest import endpoint, receiver  # noqa: F401
from training.configuration import Request
from training.services import start_run

ROWS = 1200


def rows(count: int, seed: int, shift: float = 0.0, city: str = "") -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "age": int(rng.integers(20, 70)),
            "income": float(round(rng.normal(3000 + shift, 400), 2)),
            "city": city or str(rng.choice(["Lyon", "Nice", "Paris"])),
        }
        for _ in range(count)
    ]


def truth(row: dict[str, Any], rng: np.random.Generator) -> str:
    return "late" if row["income"] + rng.normal(0, 400) < 2900 else "paid"


def table(count: int, seed: int, **kinds: Any) -> bytes:
    rng = np.random.default_rng(seed + 1)
    lines = [f"{row['age']},{row['income']},{row['city']},{truth(row, rng)}" for row in rows(count, seed, **kinds)]
    return ("age,income,city,outcome\n" + "\n".join(lines) + "\n").encode()


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    predictors._cache.clear()
    reference_of.cache_clear()
    yield
    for spool in prediction_log._spools.values():
        spool.rotate()
    prediction_log._spools.clear()


@pytest.fixture
def trained(people: SimpleNamespace, departments: SimpleNamespace, run_jobs: Callable[..., Any]) -> Deployment:
    """loans, of Credit Risk."""
    emil = actor_for(people.emil)
    dataset = create_dataset(
        actor=emil, department=departments.credit_risk, name="Loans",
        file=ContentFile(table(ROWS, 1), name="loans.csv"),
    )  # fmt: skip
    run_jobs()
    run = start_run(
        actor=emil, department=departments.credit_risk, version=dataset.versions.get(),
        request=Request(target="outcome", family="linear", params={"epochs": 30}),
    )  # fmt: skip
    run_jobs()
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    return deploy(
        actor=emil, name="loans", department=None, model_version=run.model_version, created_by_id=people.emil.pk
    )


@pytest.fixture
def ask(api_of: Callable[..., APIClient]) -> Callable[..., list[str]]:
    """`ask(rows, batch=50)`: real calls, logged and shipped; the ids of the requests."""
    alice = api_of("alice")

    def call(instances: list[dict[str, Any]], batch: int = 50) -> list[str]:
        ids = []
        for start in range(0, len(instances), batch):
            body = {"instances": instances[start : start + batch]}
            answer = alice.post("/api/v1/deployments/loans/predict/", body, format="json")
            assert answer.status_code == 200, answer.content
            ids.append(answer.json()["request_id"])
        prediction_log.ship()
        return ids

    return call
