"""Where a policy decides, a counterfactual flips its decision, and leaves the columns that it locks as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from rest_framework.test import APIClient

from serving.models import Deployment
from tests.people import signed_in
from tests.serving.artifacts import ROW
from tests.serving.policies.test_policies import SETTINGS, save, use
from tests.serving.test_predict import ask

Api = Callable[..., APIClient]
CHANGE = "/api/v1/deployments/credit-scoring/counterfactuals/"


def change(client: Any, instance: Any, **more: Any) -> Any:
    body = {"instance": instance, **more}
    return client.post(CHANGE, orjson.dumps(body), content_type="application/json").json()


@pytest.fixture
def decided(api_of: Api, served: Deployment) -> Deployment:
    """Decided at a threshold that is not a half, with the age locked."""
    assert save(api_of("emil"), served.model_version, {**SETTINGS, "locked": ["age"]}).status_code == 201
    assert use(api_of("emil"), 1).status_code == 200
    return served


@pytest.mark.parametrize("age", [25, 35, 45, 55, 65])
def test_the_decision_flips_and_the_age_stays(api_of: Api, decided: Deployment, age: int) -> None:
    client, instance = api_of("alice"), {**ROW, "age": age}
    [now] = ask(client, [instance]).json()["predictions"]
    told = change(client, instance)
    assert told["locked"] == ["age"]
    assert told["answer"] == now
    for way in told["counterfactuals"]:
        assert "age" not in {each["column"] for each in way["changes"]}
        [then] = ask(client, [way["instance"]]).json()["predictions"]
        assert then == way["answer"]
        assert then["decision"]["decision"] not in {None, now["decision"]["decision"]}


def test_some_are_found(api_of: Api, decided: Deployment) -> None:
    found = [change(api_of("alice"), {**ROW, "age": age})["counterfactuals"] for age in range(20, 71, 5)]
    assert sum(map(bool, found)) >= 3


def test_a_decision_can_be_named(api_of: Api, decided: Deployment) -> None:
    told = change(api_of("alice"), ROW, want={"decision": "purple"})
    assert told["errors"][0]["field"] == "want.decision"


def test_the_form_shows_what_the_policy_locks(people: SimpleNamespace, decided: Deployment) -> None:
    page = signed_in(people.alice).get("/deployments/credit-scoring/").content.decode()
    assert re.findall(r'name="lock" value="(\w+)" checked disabled', page) == ["x0"]
    assert "The policy never changes: age." in page
    version = decided.model_version
    alone = signed_in(people.alice).get(f"/models/{version.model_id}/versions/{version.number}/").content.decode()
    assert "checked disabled" not in alone, "no policy decides on the page of the version"
