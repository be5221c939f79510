"""A recipe that joins, encodes by the target, pseudonymises and balances goes through a real training and its predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

from jobs.testing import run_pending
from tests.datasets.uploads import post_dataset
from training.models import TrainingRun

Api = Callable[..., APIClient]


def test_it_works(api_of: Api, version: Any) -> None:
    alice = api_of("alice")
    made = post_dataset(alice, b"grade,points,since\na,1,2020-01-01\nb,5,2021-01-01\nc,9,\n", name="Grades").json()
    run_pending()
    steps = [
        {
            "step": "join",
            "params": {"table": f"{made['id']}@1", "keys": {"grade": "grade"}, "columns": ["points", "since"]},
        },
        {"step": "derive", "params": {"name": "load", "expression": "points / (income + 1)"}},
        {"step": "pseudonym", "columns": ["grade"]},
        {"step": "target", "columns": ["grade"]},
        {"step": "oversample", "columns": []},
    ]
    body = {"dataset": str(version.dataset_id), "steps": steps, "name": "Everything"}
    recipe = alice.post("/api/v1/recipes/", body, format="json")
    assert recipe.status_code == 201, recipe.data
    asked = {"dataset": str(version.dataset_id), "recipe": recipe.json()["id"], "target": "defaulted"}
    asked |= {"family": "linear", "params": {"epochs": 5, "optimiser": "adamw"}}
    assert alice.post("/api/v1/runs/check/", asked, format="json").status_code == 200
    answer = alice.post("/api/v1/runs/", asked, format="json")
    assert answer.status_code == 202, answer.data
    run_pending()
    run = TrainingRun.objects.get()
    assert run.state == "succeeded", run.error
    inputs = alice.get(f"/api/v1/models/{run.model_version.model_id}/versions/1/").json()["inputs"]
    assert {entry["name"] for entry in inputs} == {"age", "income", "grade", "limit"}
