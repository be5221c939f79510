"""A study from its request to its best model, over REST and through its jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.testing import run_pending
from training.models import ModelVersion, RunState, Study, Trial

Api = Callable[..., APIClient]


@pytest.fixture
def body(version: Any) -> dict[str, Any]:
    return {
        "dataset": str(version.dataset_id),
        "target": "limit",
        "family": "linear",
        "params": {"epochs": 5, "optimiser": "adamw"},
        "search": {"learning_rate": {"low": 1e-4, "high": 0.5}},
        "trials": 5,
    }


def test_it_works(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    answer = alice.post("/api/v1/studies/", body)
    assert answer.status_code == 202, answer.data
    assert Job.objects.filter(state="queued", kind="training.run").count() == 2, "two trials at a time"
    run_pending()
    study = alice.get(answer.data["url"]).json()
    assert study["state"] == "succeeded" and study["finished_at"]
    trials = alice.get(f"/api/v1/studies/{study['id']}/trials/").json()["results"]
    assert [trial["number"] for trial in trials] == [1, 2, 3, 4, 5]
    assert all(1e-4 <= trial["params"]["learning_rate"] <= 0.5 for trial in trials)
    best = min(trials, key=lambda trial: trial["value"])
    assert [trial["number"] for trial in trials if trial["model_version"]] == [best["number"]]
    assert ModelVersion.objects.get().run.trial.number == best["number"]
    assert len({trial["params"]["learning_rate"] for trial in trials}) == 5


def test_the_same_study_draws_the_same(api_of: Api, body: dict[str, Any]) -> None:
    for _time in range(2):
        api_of("alice").post("/api/v1/studies/", {**body, "warm_start": False})
        run_pending()
    first, second = (list(study.trials.values_list("params", "value")) for study in Study.objects.all())
    assert first == second


def test_a_trial_that_fails_is_one_trial_less(
    api_of: Api, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # From a rate of about one on, plain gradient descent in batches diverges on this table.
    params = {"epochs": 5, "optimiser": "sgd", "batch_size": 16}
    asked = {**body, "params": params, "search": {"learning_rate": [1e-3, 1e-2, 10.0]}, "trials": 6}
    api_of("alice").post("/api/v1/studies/", asked)
    run_pending()
    study = Study.objects.get()
    states = set(study.trials.values_list("run__state", flat=True))
    assert states == {"succeeded", "failed"} and study.state == "succeeded"
    assert not Trial.objects.filter(run__state="failed", value__isnull=False).exists()


def test_a_study_whose_every_trial_fails_says_why(api_of: Api, body: dict[str, Any]) -> None:
    params = {"epochs": 5, "optimiser": "sgd", "batch_size": 16}
    api_of("alice").post(
        "/api/v1/studies/", {**body, "params": params, "search": {"learning_rate": [9.0, 10.0]}, "trials": 2}
    )
    run_pending()
    study = Study.objects.get()
    assert (study.state, study.error["code"]) == ("failed", "diverged")
    assert not ModelVersion.objects.exists()


def test_stop_keeps_the_best_so_far(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    study = alice.post("/api/v1/studies/", body).json()
    run_pending(limit=2)
    assert alice.post(f"/api/v1/studies/{study['id']}/stop/").json()["state"] == "stopped"
    run_pending()
    made = Study.objects.get()
    assert made.state == RunState.STOPPED and made.finished_at
    assert made.trials.filter(run__state="succeeded").count() == 2
    assert made.trials.exclude(run__state__in=("succeeded", "cancelled")).count() == 0
    assert ModelVersion.objects.count() == 1
    assert alice.post(f"/api/v1/studies/{study['id']}/stop/").status_code == 409


def test_cancel_registers_nothing(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    study = alice.post("/api/v1/studies/", body).json()
    run_pending(limit=1)
    alice.post(f"/api/v1/studies/{study['id']}/cancel/")
    run_pending()
    assert Study.objects.get().state == "cancelled" and Study.objects.get().finished_at
    assert not ModelVersion.objects.exists()


WRONG = [
    ({"search": {}}, "search"),
    ({"search": {"learning_rat": {}}}, "search.learning_rat"),
    ({"search": {"learning_rate": {"low": 5, "high": 1}}}, "search.learning_rate"),
    ({"search": {"learning_rate": {"low": 0}}}, "search.learning_rate"),
    ({"search": {"learning_rate": "all"}}, "search.learning_rate"),
    ({"search": {"epochs": {}}}, "search.epochs"),
    ({"search": {"learning_rate": {}}, "pruner": "guess"}, "pruner"),
    ({"pruner": "asha", "split": {"validation": 0}}, "pruner"),
    ({"limits": {"latency": 1}}, "limits.latency"),
    ({"limits": {"latency_ms": -1}}, "limits.latency_ms"),
    ({"parallel": 0}, "parallel"),
    ({"total_time_limit": 0.1}, "total_time_limit"),
    ({"trials": 0}, "trials"),
    ({"trials": 10_000}, "trials"),
    ({"family": None, "params": {}}, "family"),
    ({"target": "nope"}, "target"),
]


@pytest.mark.parametrize(("change", "field"), WRONG, ids=[str(change) for change, _field in WRONG])
def test_a_bad_body_is_refused_by_field(api_of: Api, body: dict[str, Any], change: dict[str, Any], field: str) -> None:
    answer = api_of("alice").post("/api/v1/studies/", {**body, **change})
    assert answer.status_code == 422, answer.content
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not Study.objects.exists()


def test_viewer_and_stranger(api_of: Api, body: dict[str, Any]) -> None:
    assert api_of("bob").post("/api/v1/studies/", body).json()["code"] == "role-viewer"
    assert api_of("charlie").post("/api/v1/studies/", body).status_code == 404
    study = api_of("alice").post("/api/v1/studies/", body).json()
    assert api_of("charlie").get(f"/api/v1/studies/{study['id']}/").status_code == 404
    assert api_of("charlie").get(f"/api/v1/studies/{study['id']}/trials/").status_code == 404
    assert api_of("bob").post(f"/api/v1/studies/{study['id']}/stop/").status_code == 403
