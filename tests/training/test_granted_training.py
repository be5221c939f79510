"""Training on what a grant gives: the run, its page and its model know that part alone, and end with the grant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from departments.ending import revoke_grant
from departments.models import Grant
from departments.projection import WHOLE
from departments.services import create_grant, update_grant
from jobs.testing import run_pending
from training import execution
from training.models import ModelVersion, TrainingRun

Api = Callable[..., APIClient]
MASKS = {"grade": {"kind": "hash"}, "income": {"kind": "hide"}, "age": {"kind": "bucket", "params": {"width": 10}}}


@pytest.fixture
def give(version: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Callable[..., Grant]:
    def grant(**terms: Any) -> Grant:
        given = {"verbs": ["preview", "train"], "created_by": people.mona, "masks": MASKS, **terms}
        return create_grant(obj=version.dataset, department=departments.clinic, **given)

    return grant


@pytest.fixture
def body(version: Any) -> dict[str, Any]:
    quick = {"family": "linear", "params": {"epochs": 5, "optimiser": "adamw"}}
    return {"dataset": str(version.dataset_id), "target": "limit", **quick}


def test_the_model_learns_from_the_projection(api_of: Api, body: dict[str, Any], give: Callable[..., Grant]) -> None:
    give(rows=["age>=40"])
    dana = api_of("dana")
    answer = dana.post("/api/v1/runs/", body)
    assert answer.status_code == 202, answer.data
    run_pending()
    run = TrainingRun.objects.get()
    assert run.state == "succeeded", run.error
    card = dana.get(f"/api/v1/models/{run.model_version.model_id}/versions/1/").json()
    inputs = {entry["name"]: entry for entry in card["inputs"]}
    assert set(inputs) == {"age", "grade", "defaulted"}
    assert all(len(value) == 32 for value in inputs["grade"]["categories"])
    assert inputs["age"]["minimum"] == 40 and inputs["age"]["maximum"] == 60
    assert card["card"]["dataset"]["sha256"] == ""
    assert card["card"]["dataset"]["rows"] < run.dataset_version.rows
    assert run.projection not in ("", WHOLE)


def test_a_hidden_column_cannot_be_named(api_of: Api, body: dict[str, Any], give: Callable[..., Grant]) -> None:
    give()
    for name in ("income", "nothing"):
        errors = api_of("dana").post("/api/v1/runs/", {**body, "target": name}).json()["errors"]
        assert [e["message"].replace(name, "…") for e in errors] == [
            "there is no column “…”; known are age, grade, defaulted, limit"
        ]
    errors = api_of("dana").post("/api/v1/runs/", {**body, "features": ["income"]}).json()["errors"]
    assert errors == [{"field": "features[0]", "message": "there is no column “income”"}]


def test_the_train_page_offers_granted_columns(
    browser_of: Callable[[str], Client], version: Any, give: Callable[..., Grant]
) -> None:
    give(rows=["age>=40"])
    page = browser_of("dana").get(f"/runs/new/?dataset={version.dataset_id}")
    assert page.status_code == 200
    assert b"income" not in page.content and b"grade" in page.content
    assert f"{version.rows} rows" not in page.content.decode()


@pytest.mark.parametrize("ended", ["expired", "revoked", "narrowed", "without train"])
def test_a_queued_run_does_not_start(
    ended: str, api_of: Api, body: dict[str, Any], give: Callable[..., Grant], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = give(expires_at=timezone.now() + timedelta(hours=1))
    assert api_of("dana").post("/api/v1/runs/", body).status_code == 202
    end(ended, grant, monkeypatch)
    run_pending()
    run = TrainingRun.objects.get()
    if ended == "revoked":
        assert run.state == "cancelled"  # with what the owner chose for the grant's end
        return
    assert run.state == "failed"
    assert run.error["code"] == {"narrowed": "grant_changed", "without train": "grant-verbs"}.get(ended, "access_ended")


@pytest.mark.parametrize("ended", ["expired", "revoked", "narrowed", "without train"])
def test_a_run_that_ends_after_its_grant_leaves_no_model(
    ended: str, api_of: Api, body: dict[str, Any], give: Callable[..., Grant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs is asked every second (tests/jobs/test_worker.py); this is the last moment, in which the model is kept."""
    grant = give(expires_at=timezone.now() + timedelta(hours=1))
    assert api_of("dana").post("/api/v1/runs/", body).status_code == 202
    original = execution.train

    def then_end(*args: Any, **kwargs: Any) -> Any:
        report = original(*args, **kwargs)
        end(ended, grant, monkeypatch)
        return report

    monkeypatch.setattr(execution, "train", then_end)
    run_pending()
    run = TrainingRun.objects.get()
    assert run.state in ("failed", "cancelled")  # revoking also carries out what the owner chose
    assert not ModelVersion.objects.exists()


def end(how: str, grant: Grant, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "expired":
        moment = grant.expires_at + timedelta(seconds=1)
        monkeypatch.setattr(timezone, "now", lambda: moment)
    elif how == "revoked":
        revoke_grant(grant=grant)
    elif how == "narrowed":
        update_grant(grant=grant, masks={**MASKS, "grade": {"kind": "hide"}})
    else:
        grant.verbs = ["discover", "preview"]
        grant.save()
