"""Reasons come with the answer on request, and counterfactuals really get the other answer from the endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from audit.models import AuditEvent
from serving.explaining.explainers import explainer_of
from serving.models import Deployment, DeploymentState
from tests.serving.artifacts import ROW
from training.models import ModelVersion

PREDICT = "/api/v1/deployments/credit-scoring/predict/"
CHANGE = "/api/v1/deployments/credit-scoring/counterfactuals/"
Api = Callable[..., APIClient]
INSTANCES = st.fixed_dictionaries({
    "age": st.integers(20, 70),
    "income": st.one_of(st.none(), st.floats(1000, 4000)),
    "city": st.sampled_from(["Lyon", "Nice", "Paris"]),
})  # fmt: skip
some = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def post(client: Any, url: str, body: Any) -> Any:
    return client.post(url, orjson.dumps(body), content_type="application/json")


def test_it_works(api_of: Api, deployment: Deployment) -> None:
    response = post(api_of("alice"), PREDICT, {"instances": [ROW], "explain": True})
    assert response.status_code == 200, response.content
    [answer] = response.json()["predictions"]
    told = answer["explanation"]
    assert (told["method"], told["scale"], told["label"]) == ("linear", "log-odds", "good")
    assert told["background"] == "example"  # this version was not trained here
    assert {reason["column"] for reason in told["contributions"]} == set(ROW)
    total = told["baseline"] + sum(reason["contribution"] for reason in told["contributions"])
    assert total == pytest.approx(told["answer"], abs=1e-6)


def test_without_asking_there_are_no_reasons(api_of: Api, deployment: Deployment) -> None:
    for body in ({"instances": [ROW]}, {"instances": [ROW], "explain": False}):
        [answer] = post(api_of("alice"), PREDICT, body).json()["predictions"]
        assert "explanation" not in answer


def test_a_model_that_is_asked_thousands_of_times_explains_fewer(
    api_of: Api, make_version: Callable[..., ModelVersion]
) -> None:
    version = make_version(kind="mlp")
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    assert explainer_of(version).most == 20
    body = {"instances": [ROW] * 21, "explain": True}
    response = post(api_of("alice"), PREDICT, body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "instances"
    assert "at most 20" in response.json()["errors"][0]["message"]
    assert post(api_of("alice"), PREDICT, {**body, "instances": [ROW] * 20}).status_code == 200


def test_a_value_that_cannot_be_read_is_named_as_ever(api_of: Api, deployment: Deployment) -> None:
    response = post(api_of("alice"), PREDICT, {"instances": [{**ROW, "age": "old"}], "explain": True})
    assert response.json()["errors"][0]["field"] == "instances[0].age"


@pytest.mark.parametrize("kind", ["linear", "mlp"])
@some
@given(instance=INSTANCES, locked=st.sets(st.sampled_from(["age", "income", "city"]), max_size=2))
def test_sent_to_the_endpoint_it_flips_the_decision(
    api_of: Api, make_version: Callable[..., ModelVersion], kind: str, instance: dict[str, Any], locked: set[str]
) -> None:
    deployment = Deployment.objects.filter(name="credit-scoring", model_version__family=kind).first()
    if deployment is None:
        version = make_version(kind=kind)
        Deployment.objects.update_or_create(
            name="credit-scoring", defaults={"department": version.department, "model_version": version}
        )
    client = api_of("alice")
    told = post(client, CHANGE, {"instance": instance, "locked": sorted(locked)}).json()
    [now] = post(client, PREDICT, {"instances": [instance]}).json()["predictions"]
    assert told["answer"] == now
    for way in told["counterfactuals"]:
        changed = {change["column"] for change in way["changes"]}
        assert changed and not changed & locked
        assert {n: v for n, v in way["instance"].items() if n not in changed} == {
            n: v for n, v in instance.items() if n not in changed and v is not None
        }
        [then] = post(client, PREDICT, {"instances": [way["instance"]]}).json()["predictions"]
        assert then == way["answer"]
        assert then["label"] != now["label"]


def test_ways_are_found(api_of: Api, deployment: Deployment) -> None:
    """The property above would hold of a search that never found anything."""
    ages = range(20, 71, 10)
    found = [post(api_of("alice"), CHANGE, {"instance": {**ROW, "age": age}}).json() for age in ages]
    assert sum(bool(told["counterfactuals"]) for told in found) >= 4
    assert all(way["answer"]["label"] != told["answer"]["label"] for told in found for way in told["counterfactuals"])


def test_none_found_is_said(api_of: Api, deployment: Deployment) -> None:
    told = post(api_of("alice"), CHANGE, {"instance": ROW, "locked": ["age", "income", "city"]}).json()
    assert told["counterfactuals"] == []
    assert told["locked"] == ["age", "city", "income"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"instances": [ROW]}, "instance"),
        ({"instance": ROW, "count": 0}, "count"),
        ({"instance": ROW, "locked": "age"}, "locked"),
        ({"instance": ROW, "locked": ["agee"]}, "locked.agee"),
        ({"instance": ROW, "directions": {"age": "sideways"}}, "directions"),
        ({"instance": ROW, "want": {"label": "purple"}}, "want.label"),
        ({"instance": {**ROW, "age": "old"}}, "instances[0].age"),
        ({"instance": ROW, "speed": 1}, "speed"),
    ],
)
def test_what_cannot_be_read_is_named(api_of: Api, deployment: Deployment, body: Any, field: str) -> None:
    response = post(api_of("alice"), CHANGE, body)
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["field"] == field


def test_a_paused_name_does_not_answer(api_of: Api, deployment: Deployment) -> None:
    Deployment.objects.update(state=DeploymentState.PAUSED)
    assert post(api_of("alice"), CHANGE, {"instance": ROW}).status_code == 409


def test_the_search_is_audited_without_values(api_of: Api, deployment: Deployment) -> None:
    post(api_of("alice"), CHANGE, {"instance": ROW})
    event = AuditEvent.objects.get(verb="deployment.counterfactuals")
    assert "Lyon" not in orjson.dumps(event.details).decode()
