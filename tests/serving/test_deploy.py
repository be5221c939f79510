"""A model version gets a name, another version, a pause, an end: over REST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from audit.models import AuditEvent
from departments.services import create_grant
from serving import prediction_log
from serving.models import Deployment, Prediction
from tests.serving.artifacts import ROW
from tests.serving.test_predict import ask
from training.models import ModelVersion

LIST = "/api/v1/deployments/"
ONE = LIST + "credit-scoring/"
Api = Callable[..., APIClient]


def body(version: ModelVersion, **kwargs: Any) -> dict[str, Any]:
    return {"name": "credit-scoring", "department": "credit-risk", "model_version": str(version.pk), **kwargs}


def test_it_works(api_of: Api, version: ModelVersion) -> None:
    emil = api_of("emil")
    made = emil.post(LIST, body(version))
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["name"], shown["department"], shown["state"]) == ("credit-scoring", "credit-risk", "active")
    assert (shown["model_version"], shown["version"], shown["created_by"]) == (str(version.pk), 1, "emil")
    assert shown["inputs"][0] | {"minimum": 20, "maximum": 70} == shown["inputs"][0]
    answer = emil.post(shown["predict_url"], shown["example"])
    assert answer.status_code == 200, answer.content
    assert emil.get(ONE).json() == shown
    assert [one["id"] for one in emil.get(LIST).json()["results"]] == [shown["id"]]
    event = AuditEvent.objects.get(verb="deployment.create")
    assert (event.actor_name, event.rule, event.details["model_version"]) == ("emil", "role-engineer", str(version.pk))


def test_the_department_may_be_left_out(api_of: Api, version: ModelVersion) -> None:
    asked = {"name": "credit-scoring", "model_version": str(version.pk)}
    assert api_of("emil").post(LIST, asked).json()["department"] == "credit-risk"


@pytest.mark.parametrize(
    ("person", "status"),
    {
        "emil": 201,
        "mona": 201,
        "alice": 403,
        "bob": 403,
        "charlie": 404,
        "dana": 404,
        "mallory": 404,
        "erin": 403,
    }.items(),
)
def test_who_may_deploy(api_of: Api, version: ModelVersion, person: str, status: int) -> None:
    assert api_of(person).post(LIST, body(version)).status_code == status


def test_a_grant_to_predict_is_none_to_deploy(api_of: Api, version: ModelVersion, departments: SimpleNamespace) -> None:
    create_grant(obj=version.model, department=departments.clinic, verbs=["predict"], created_by=None)
    assert api_of("dana").post(LIST, body(version, department="clinic")).status_code == 403


@pytest.mark.parametrize("name", ["", "Credit", "a b", "-a", "a-", "new", "x" * 81, "é", "a_b", "../a"])
def test_a_name_is_a_word_for_urls(api_of: Api, version: ModelVersion, name: str) -> None:
    response = api_of("emil").post(LIST, body(version, name=name))
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "name"


def test_a_name_is_given_once(api_of: Api, version: ModelVersion, deployment: Deployment) -> None:
    response = api_of("emil").post(LIST, body(version))
    assert (response.status_code, response.json()["code"]) == (409, "exists")


def test_a_model_stays_in_its_department(api_of: Api, version: ModelVersion) -> None:
    response = api_of("emil").post(LIST, body(version, department="retail"))
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "department")


@pytest.mark.parametrize("change", [{"model_version": "x"}, {"model_version": None}, {"department": "nowhere"}])
def test_a_bad_value_names_its_field(api_of: Api, version: ModelVersion, change: dict[str, Any]) -> None:
    response = api_of("emil").post(LIST, body(version, **change))
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == list(change)


def test_a_version_that_does_not_exist_is_404(api_of: Api, version: ModelVersion) -> None:
    assert api_of("emil").post(LIST, body(version, model_version=str(uuid4()))).status_code == 404


def test_a_damaged_artifact_is_not_deployed(api_of: Api, version: ModelVersion) -> None:
    (Path(settings.HOME) / "files" / version.storage_key / "recipe.json").unlink()
    response = api_of("emil").post(LIST, body(version))
    assert (response.status_code, response.json()["code"]) == (409, "artifact_missing")
    assert not Deployment.objects.exists()


def test_a_repeated_request_with_its_key_deploys_once(api_of: Api, version: ModelVersion) -> None:
    emil = api_of("emil")
    first, second = (emil.post(LIST, body(version), headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]


def test_it_points_at_another_version(api_of: Api, deployment: Deployment, make_version: Any) -> None:
    emil, newer = api_of("emil"), make_version(kind="mlp")
    before = ask(emil, [ROW]).json()
    changed = emil.patch(ONE, {"model_version": str(newer.pk)})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    after = ask(emil, [ROW]).json()
    assert after["model_version"] == str(newer.pk)
    assert after["predictions"] != before["predictions"]
    assert AuditEvent.objects.get(verb="deployment.repoint").version == "2"


def test_it_keeps_answering_the_same_question(api_of: Api, deployment: Deployment, make_version: Any) -> None:
    other = make_version(task="regression", name="Amount")
    response = api_of("emil").patch(ONE, {"model_version": str(other.pk)})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "model_version")


def test_it_pauses_and_resumes(api_of: Api, deployment: Deployment) -> None:
    emil = api_of("emil")
    assert emil.patch(ONE, {"state": "paused"}).json()["state"] == "paused"
    assert ask(emil, [ROW]).status_code == 409
    assert emil.patch(ONE, {"state": "active"}).json()["state"] == "active"
    assert ask(emil, [ROW]).status_code == 200
    assert set(AuditEvent.objects.values_list("verb", flat=True)) >= {"deployment.pause", "deployment.resume"}


@pytest.mark.parametrize("change", [{}, {"state": "asleep"}, {"state": None}, {"name": "other"}])
def test_a_bad_change_is_422(api_of: Api, deployment: Deployment, change: dict[str, Any]) -> None:
    assert api_of("emil").patch(ONE, change).status_code == 422


def test_a_change_over_a_stale_copy_is_412(api_of: Api, deployment: Deployment) -> None:
    emil = api_of("emil")
    etag = emil.get(ONE)["ETag"]
    assert emil.patch(ONE, {"state": "paused"}, headers={"If-Match": etag}).status_code == 200
    assert emil.patch(ONE, {"state": "active"}, headers={"If-Match": etag}).status_code == 412


@pytest.mark.parametrize(
    ("person", "patch", "delete"),
    [
        ("mona", 200, 204), ("emil", 200, 403), ("alice", 403, 403), ("bob", 403, 403),
        ("charlie", 404, 404), ("dana", 404, 404), ("mallory", 404, 404), ("erin", 403, 403),
    ],
)  # fmt: skip
def test_who_may_change_and_delete(api_of: Api, deployment: Deployment, person: str, patch: int, delete: int) -> None:
    client = api_of(person)
    assert client.patch(ONE, {"state": "paused"}).status_code == patch
    assert client.delete(ONE).status_code == delete
    assert Deployment.objects.exists() == (delete != 204)


def test_deleting_forgets_what_was_answered(api_of: Api, deployment: Deployment) -> None:
    mona = api_of("mona")
    ask(mona, [ROW])
    prediction_log.ship()
    assert mona.delete(ONE).status_code == 204
    assert not Prediction.objects.exists()
    assert ask(mona, [ROW]).status_code == 404


def test_what_was_answered_is_read_by_the_owner_only(
    api_of: Api, deployment: Deployment, departments: SimpleNamespace
) -> None:
    model, verbs = deployment.model_version.model, ["preview", "predict"]
    create_grant(obj=model, department=departments.clinic, verbs=verbs, created_by=None)
    asked = ask(api_of("dana"), [ROW]).json()
    prediction_log.ship()
    [shown] = api_of("bob").get(ONE + "predictions/").json()["results"]
    assert (shown["id"], shown["instances"], shown["answers"]) == (asked["request_id"], [ROW], asked["predictions"])
    assert shown["rule"].startswith("grant-")
    refused = api_of("dana").get(ONE + "predictions/")
    assert (refused.status_code, refused.json()["code"]) == (403, "own-department")
    assert api_of("charlie").get(ONE + "predictions/").status_code == 404
    assert AuditEvent.objects.get(verb="deployment.read_predictions").details == {"requests": 1}


def test_who_only_discovers_sees_names_and_no_values(
    api_of: Api, deployment: Deployment, departments: SimpleNamespace
) -> None:
    create_grant(obj=deployment.model_version.model, department=departments.clinic, verbs=["discover"], created_by=None)
    for person in ("dana", "erin"):
        response = api_of(person).get(ONE)
        shown = response.json()
        assert [column["name"] for column in shown["inputs"]] == ["age", "income", "city"]
        assert (shown["example"], shown["classes"]) == (None, None)
        assert b"Lyon" not in response.content
        assert all(set(column) == {"name", "type", "required", "unseen"} for column in shown["inputs"])


def test_the_list_shows_what_is_visible(api_of: Api, deployment: Deployment, departments: SimpleNamespace) -> None:
    def names(person: str) -> list[str]:
        return [one["name"] for one in api_of(person).get(LIST).json()["results"]]

    assert [names(p) for p in ("bob", "erin", "charlie", "mallory")] == [["credit-scoring"], ["credit-scoring"], [], []]
    create_grant(obj=deployment.model_version.model, department=departments.retail, verbs=["predict"], created_by=None)
    assert names("charlie") == ["credit-scoring"]


def test_the_list_is_filtered(api_of: Api, deployment: Deployment) -> None:
    def count(query: str) -> int:
        return len(api_of("alice").get(LIST + query).json()["results"])

    model = deployment.model_version.model_id
    assert [count(q) for q in ("?state=active", "?state=paused", f"?model={model}", f"?model={uuid4()}")] == [
        1,
        0,
        1,
        0,
    ]
    assert count("?department=credit-risk") == 1
    assert api_of("alice").get(LIST + "?department=nowhere").status_code == 422


def test_the_list_costs_the_same_for_one_and_for_many(
    api_of: Api, deployment: Deployment, django_assert_num_queries: Any
) -> None:
    alice = api_of("alice")
    alice.get(LIST)
    with django_assert_num_queries(3) as one:
        alice.get(LIST)
    for i in range(20):
        Deployment.objects.create(
            name=f"d{i}", department=deployment.department, model_version=deployment.model_version
        )
    with django_assert_num_queries(len(one)):
        assert len(alice.get(LIST).json()["results"]) == 21
