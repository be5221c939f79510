"""An ended study goes on; its best trial, or another, becomes a model version by one act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from audit.models import AuditEvent
from jobs.testing import run_pending
from training.models import ModelVersion, RegisteredModel, Study

Api = Callable[..., APIClient]


@pytest.fixture
def body(version: Any) -> dict[str, Any]:
    return {
        "dataset": str(version.dataset_id),
        "target": "limit",
        "family": "linear",
        "params": {"epochs": 3, "optimiser": "adamw"},
        "search": {"learning_rate": {"low": 1e-4, "high": 0.5}},
        "trials": 3,
        "warm_start": False,
    }


def made(api: APIClient, body: dict[str, Any], **changes: Any) -> str:
    url = api.post("/api/v1/studies/", {**body, **changes}).json()["url"]
    run_pending()
    return str(url)


def test_a_finished_study_goes_on_where_it_was(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    whole, parts = made(alice, body, trials=6), made(alice, body)
    answer = alice.post(f"{parts}resume/", {"trials": 3})
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    run_pending()
    params = [[one["params"] for one in alice.get(f"{url}trials/").json()["results"]] for url in (whole, parts)]
    assert params[0][:5] == params[1][:5] and len(params[1]) == 6, "it learned from the trials before"
    study = alice.get(parts).json()
    assert study["state"] == "succeeded" and study["trials"] == 6 and study["finished_at"]


def test_stopped_and_failed_studies_go_on(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    url = alice.post("/api/v1/studies/", body).json()["url"]
    run_pending(limit=1)
    alice.post(f"{url}stop/")
    run_pending()
    assert alice.post(f"{url}resume/", {"trials": 2}).status_code == 202
    run_pending()
    assert alice.get(url).json()["state"] == "succeeded"
    limited = made(alice, body, limits={"size_mb": 0.001}, trials=1)
    assert alice.get(limited).json()["state"] == "failed"
    alice.post(f"{limited}resume/", {"trials": 1})
    run_pending()
    assert alice.get(limited).json()["state"] == "failed" and alice.get(limited).json()["trials"] == 2


def test_what_cannot_go_on_says_why(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    url = alice.post("/api/v1/studies/", body).json()["url"]
    assert alice.post(f"{url}resume/", {"trials": 1}).json()["code"] == "study_running"
    alice.post(f"{url}cancel/")
    run_pending()
    assert alice.post(f"{url}resume/", {"trials": 1}).json()["code"] == "study_cancelled"
    done = made(alice, body)
    for trials in (0, 198):
        refused = alice.post(f"{done}resume/", {"trials": trials})
        assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "trials"
    assert api_of("bob").post(f"{done}resume/", {"trials": 1}).status_code == 403
    assert api_of("charlie").post(f"{done}resume/", {"trials": 1}).status_code == 404


def test_promotion_is_one_act_and_the_same_when_repeated(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    url = made(alice, body, promote_best=False)
    assert not ModelVersion.objects.exists()
    first = alice.post(f"{url}promote/", {"model_name": "Limits"})
    assert first.status_code == 200, first.data
    again = alice.post(f"{url}promote/", {})
    assert first.json()["id"] == again.json()["id"] and first.json()["name"] == "Limits"
    best = alice.get(url).json()["best_trial"]
    assert ModelVersion.objects.get().run.trial.number == best
    assert AuditEvent.objects.filter(verb="study.promote").count() == 1
    moved = alice.post(f"{url}promote/", {"model_name": "Elsewhere"})
    assert (moved.status_code, moved.json()["code"]) == (409, "already_promoted") and "Limits" in moved.json()["detail"]
    other = next(number for number in (1, 2, 3) if number != best)
    assert alice.post(f"{url}promote/", {"trial": other, "model_name": "Limits"}).json()["number"] == 2
    assert RegisteredModel.objects.count() == 1
    assert alice.post(f"{url}promote/", {"trial": 99}).status_code == 422


def test_the_best_goes_to_the_model_that_was_chosen_at_the_start(api_of: Api, body: dict[str, Any]) -> None:
    made(api_of("alice"), body, model_name="Limits")
    assert ModelVersion.objects.get().model.name == "Limits"


def test_who_may_promote(api_of: Api, body: dict[str, Any]) -> None:
    url = made(api_of("alice"), body, promote_best=False)
    assert api_of("bob").post(f"{url}promote/", {}).status_code == 403
    assert api_of("charlie").post(f"{url}promote/", {}).status_code == 404
    Study.objects.get().trials.update(value=None)
    assert api_of("alice").post(f"{url}promote/", {}).json()["code"] == "no_best_trial"
