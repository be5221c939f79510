"""Runs over REST: who may start them, what is refused and where, curves, events, steering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from departments.models import Grant
from departments.services import create_grant
from jobs.testing import run_pending
from training.models import ModelVersion, RunMetric, TrainingRun

Api = Callable[..., APIClient]


@pytest.fixture
def body(version: Any) -> dict[str, Any]:
    quick = {"family": "linear", "params": {"epochs": 5, "optimiser": "adamw"}}
    return {"dataset": str(version.dataset_id), "target": "limit", **quick}


@pytest.fixture
def grant(version: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Grant:
    verbs, expires = ["discover", "train"], timezone.now() + timedelta(days=1)
    return create_grant(
        obj=version.dataset, department=departments.clinic, verbs=verbs, created_by=people.mona, expires_at=expires
    )


def test_it_works(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    answer = alice.post("/api/v1/runs/", body)
    assert answer.status_code == 202, answer.data
    assert answer.data["state"] == "queued" and answer.data["job"]
    run_pending()
    found = alice.get(f"/api/v1/runs/{answer.data['id']}/").json()
    assert (found["state"], found["progress"]) == ("succeeded", 1.0)
    assert found["metrics"]["test"]["rmse"] > 0 and found["baseline"]["test"]["rmse"] > 0
    model = found["model_version"]
    card = alice.get(f"/api/v1/models/{model['model']}/versions/{model['number']}/").json()
    assert card["card"]["dataset"]["version"] == 1
    assert {entry["name"] for entry in card["inputs"]} >= {"age", "income"}
    assert [m["latest_version"] for m in alice.get("/api/v1/models/").json()["results"]] == [1]


def test_the_next_run_makes_the_next_version(api_of: Api, body: dict[str, Any]) -> None:
    alice = api_of("alice")
    alice.post("/api/v1/runs/", body)
    alice.post("/api/v1/runs/", {**body, "seed": 1})
    alice.post("/api/v1/runs/", {**body, "model_name": "limits"})
    run_pending()
    numbers = ModelVersion.objects.order_by("created_at").values_list("model__name", "number")
    assert list(numbers) == [("applicants: limit", 1), ("applicants: limit", 2), ("limits", 1)]


def test_viewer_gets_403_with_the_rule(api_of: Api, body: dict[str, Any]) -> None:
    answer = api_of("bob").post("/api/v1/runs/", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "role-viewer")


@pytest.mark.parametrize("person", ["charlie", "mallory", "dana"])
def test_stranger_gets_404(api_of: Api, body: dict[str, Any], linear_run: Callable[..., Any], person: str) -> None:
    api, run = api_of(person), linear_run()
    missing = api.post("/api/v1/runs/", {**body, "dataset": str(run.pk)})
    hidden = api.post("/api/v1/runs/", body)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json()
    for path in ("", "metrics/", "events/"):
        assert api.get(f"/api/v1/runs/{run.pk}/{path}").status_code == 404
    assert api.post(f"/api/v1/runs/{run.pk}/cancel/").status_code == 404
    assert api.get("/api/v1/runs/").json()["results"] == []


def test_granted_department_trains_until_the_grant_ends(api_of: Api, body: dict[str, Any], grant: Grant) -> None:
    dana = api_of("dana")
    answer = dana.post("/api/v1/runs/", body)
    assert (answer.status_code, answer.json()["department"]) == (202, "clinic")
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert dana.post("/api/v1/runs/", body).status_code == 404
    (job,) = run_pending()
    assert job.state == "failed", "the right is asked for again when the job starts"
    run = TrainingRun.objects.get()
    assert run.state == "failed" and run.error["detail"]


def test_a_grant_without_train_is_403(api_of: Api, body: dict[str, Any], grant: Grant) -> None:
    Grant.objects.filter(pk=grant.pk).update(verbs=["discover"])
    answer = api_of("dana").post("/api/v1/runs/", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "grant-verbs")


def test_nobody_carries_data_into_a_department_without_a_grant(
    api_of: Api, body: dict[str, Any], people: SimpleNamespace, departments: SimpleNamespace
) -> None:
    from departments.services import set_member

    set_member(department=departments.retail, person=people.alice, role="analyst")
    answer = api_of("alice").post("/api/v1/runs/", {**body, "department": "retail"})
    assert answer.status_code == 403
    assert "grant" in answer.json()["detail"]


WRONG = [
    ({"target": "no such"}, "target"),
    ({"target": "limit", "task": "binary"}, "task"),
    ({"target": None}, "target"),
    ({"family": "forest"}, "family"),
    ({"params": {"epochs": 0}}, "params.epochs"),
    ({"params": {"epoch": 5}}, "params.epoch"),
    ({"params": {"loss": "cross_entropy"}}, "params.loss"),
    ({"params": {"learning_rate": {"deep": [1]}}}, "params.learning_rate"),
    ({"features": ["age", "nope"]}, "features[1]"),
    ({"features": ["limit"]}, "features[0]"),
    ({"split": {"test": 0.9}}, "split.test"),
    ({"split": {"tset": 0.1}}, "split.tset"),
    ({"time_limit": 0}, "time_limit"),
    ({"time_limit": "Infinity"}, "time_limit"),
    ({"seed": -1}, "seed"),
    ({"seed": 10**18}, "seed"),
    ({"version": 99}, "version"),
    ({"preset": "fast"}, "preset"),
    ({"family": None}, "family"),
    ({"time_limt": 5}, "time_limt"),
]


@pytest.mark.parametrize(("change", "field"), WRONG, ids=[str(change) for change, _field in WRONG])
def test_a_bad_body_is_refused_by_field(api_of: Api, body: dict[str, Any], change: dict[str, Any], field: str) -> None:
    answer = api_of("alice").post("/api/v1/runs/", {**body, **change})
    assert answer.status_code == 422, answer.content
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not TrainingRun.objects.exists()


def test_every_mistake_is_named_at_once(api_of: Api, body: dict[str, Any]) -> None:
    answer = api_of("alice").post("/api/v1/runs/", {**body, "target": "grade", "task": "regression", "features": ["x"]})
    assert {error["field"] for error in answer.json()["errors"]} == {"task", "features[0]"}


def test_every_demand_that_cannot_be_met_is_named(api_of: Api, body: dict[str, Any]) -> None:
    asked = {
        "weight": "grade", "class_weight": "balanced", "monotone": {"age": 2, "grade": 1, "nothing": 1},
        "latency_ms": 1e6, "split": {"kind": "grouped", "by": "nobody"},
    }  # fmt: skip
    answer = api_of("alice").post("/api/v1/runs/", {**body, **asked})
    assert answer.status_code == 422, answer.content
    fields = [error["field"] for error in answer.json()["errors"]]
    # "monotone" itself, because a linear model keeps to no constraint.
    columns = ["monotone", "monotone.age", "monotone.grade", "monotone.nothing"]
    assert sorted(fields) == sorted(["weight", "split.by", "latency_ms", "class_weight", *columns])
    assert not TrainingRun.objects.exists()


def test_the_plan_says_what_and_how_long(api_of: Api, version: Any) -> None:
    asked = {"dataset": str(version.dataset_id), "target": "defaulted", "preset": "balanced"}
    found = api_of("alice").post("/api/v1/runs/plan/", asked).json()
    assert found["task"] == "binary" and found["estimate_seconds"] <= found["time_limit"] == 40
    assert [c["family"] for c in found["candidates"]] == ["linear", *["trees"] * 4, "tabm"]
    assert not TrainingRun.objects.exists()


def test_curves_keep_their_peaks(api_of: Api, linear_run: Callable[..., Any]) -> None:
    run = linear_run()
    values = [1.0 + (step % 7) / 100 for step in range(5000)]
    values[1234], values[4321] = 99.0, -99.0
    RunMetric.objects.bulk_create(RunMetric(run=run, step=i, values={"loss": v}) for i, v in enumerate(values))
    found = api_of("bob").get(f"/api/v1/runs/{run.pk}/metrics/?points=50").json()["series"]["loss"]
    assert len(found["steps"]) <= 50 and found["steps"] == sorted(found["steps"])
    assert dict(zip(found["steps"], found["values"], strict=True)).items() >= {1234: 99.0, 4321: -99.0}.items()
    assert (found["steps"][0], found["steps"][-1]) == (0, 4999)
    assert api_of("bob").get(f"/api/v1/runs/{run.pk}/metrics/?points=x").status_code == 422


def test_steering_by_rest(api_of: Api, linear_run: Callable[..., Any]) -> None:
    run, alice = linear_run(), api_of("alice")
    assert api_of("bob").post(f"/api/v1/runs/{run.pk}/cancel/").json()["code"] == "role-viewer"
    assert alice.post(f"/api/v1/runs/{run.pk}/pause/").json()["state"] == "paused"
    assert alice.get("/api/v1/runs/?state=paused").json()["results"][0]["id"] == str(run.pk)
    assert alice.post(f"/api/v1/runs/{run.pk}/resume/").json()["state"] == "queued"
    assert alice.post(f"/api/v1/runs/{run.pk}/cancel/").json()["state"] == "cancelled"
    ended = alice.post(f"/api/v1/runs/{run.pk}/stop/")
    assert (ended.status_code, ended.json()["code"]) == (409, "run_ended")


def test_a_clone_differs_where_it_is_told(api_of: Api, linear_run: Callable[..., Any]) -> None:
    run = linear_run(seed=3)
    answer = api_of("alice").post(f"/api/v1/runs/{run.pk}/clone/", {"params": {"epochs": 7}})
    made = TrainingRun.objects.get(pk=answer.json()["id"])
    assert (made.seed, made.params["epochs"], made.target) == (3, 7, "limit")


def test_families_declare_themselves(api_of: Api) -> None:
    found = api_of("bob").get("/api/v1/families/").json()
    linear = next(family for family in found if family["name"] == "linear")
    assert {"learning_rate", "optimiser"} <= {param["name"] for param in linear["params"]}


def test_filters_are_a_fixed_list(api_of: Api, linear_run: Callable[..., Any]) -> None:
    run, alice = linear_run(), api_of("alice")
    for query, count in (("family=linear", 1), ("target=age", 0), (f"dataset={run.dataset_version.dataset_id}", 1)):
        assert len(alice.get(f"/api/v1/runs/?{query}").json()["results"]) == count
    assert alice.get("/api/v1/runs/?state=nonsense").status_code == 422


@pytest.mark.django_db(transaction=True)
def test_events_tell_the_run_and_go_on_where_a_reader_left(api_of: Api, linear_run: Callable[..., Any]) -> None:
    import asyncio

    from training.api.events import stream
    from training.live import Position

    run = linear_run()
    run_pending()

    async def read(since: str) -> list[tuple[str, str, Any]]:
        return parsed(b"".join([part async for part in stream(run.pk, Position.parse(since))]))

    events = asyncio.run(read(""))
    assert {"metrics", "log", "state"} <= {name for _id, name, _data in events}
    points = next(data for _id, name, data in events if name == "metrics")
    assert len(points) == run.points.count() and points[0]["values"]["train_loss"] > 0
    assert events[-1][1] == "end" and events[-1][2]["state"] == "succeeded"
    again = asyncio.run(read(events[-1][0]))
    assert [name for _id, name, _data in again] == ["state", "end"], "nothing is told twice"
    answer = api_of("bob").get(f"/api/v1/runs/{run.pk}/events/", HTTP_ACCEPT="text/event-stream")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")


def parsed(raw: bytes) -> list[tuple[str, str, Any]]:
    found = []
    for block in raw.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((fields["id"], fields["event"], orjson.loads(fields["data"])))
    return found
