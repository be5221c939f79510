"""A finished run is done again, and the outcome says whether it is the same."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs.testing import run_pending
from training.models import ModelVersion, TrainingRun

Api = Callable[..., APIClient]


@pytest.mark.parametrize("asked", [{"preset": "fast"}, {"family": "linear", "params": {"epochs": 30}}])
def test_it_is_equal_byte_for_byte(api_of: Api, version: Any, asked: dict[str, Any]) -> None:
    alice = api_of("alice")
    body = {"dataset": str(version.dataset_id), "target": "defaulted", "time_limit": 3, **asked}
    # A process's first fit rounds otherwise than its later ones, as PyTorch is loaded within it; a job has its own process.
    alice.post("/api/v1/runs/", {**body, "seed": 1})
    run_pending()
    run = alice.post("/api/v1/runs/", body).json()["id"]
    run_pending()
    answer = alice.post(f"/api/v1/runs/{run}/reproduce/")
    assert answer.status_code == 202, answer.data
    run_pending()
    again = alice.get(f"/api/v1/runs/{answer.json()['id']}/").json()
    assert again["state"] == "succeeded"
    assert again["report"]["reproduction"] == {"equal": True, "of": run, "differs": []}
    assert ModelVersion.objects.count() == 2  # the same model is no new version


def test_what_differs_is_named(api_of: Api, version: Any) -> None:
    alice = api_of("alice")
    body = {"dataset": str(version.dataset_id), "target": "defaulted", "family": "linear", "params": {"epochs": 30}}
    run = alice.post("/api/v1/runs/", body).json()["id"]
    run_pending()
    changed = ModelVersion.objects.get(run=run)
    changed.manifest["versions"]["numpy"] = "0.1"
    changed.sha256 = "1" * 64
    changed.save()
    again = alice.post(f"/api/v1/runs/{run}/reproduce/").json()["id"]
    run_pending()
    told = TrainingRun.objects.get(pk=again).report["reproduction"]
    assert not told["equal"]
    assert [one["what"] for one in told["differs"]] == ["versions.numpy"] and told["differs"][0]["was"] == "0.1"


def test_a_run_without_a_model_is_refused(api_of: Api, linear_run: Callable[..., Any], people: SimpleNamespace) -> None:
    answer = api_of("alice").post(f"/api/v1/runs/{linear_run().pk}/reproduce/")
    assert answer.status_code == 409 and answer.json()["code"] == "nothing_to_reproduce"
