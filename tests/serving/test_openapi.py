"""A deployment describes itself: a document that validates, and says of an instance what the endpoint says."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from serving.models import Deployment
from tests.serving.artifacts import INPUTS

URL = "/api/v1/deployments/credit-scoring/"


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("unseen", ["accept", "refuse"])
def test_it_validates_and_agrees_with_the_endpoint(api_of: Any, make_version: Any, task: str, unseen: str) -> None:
    inputs = [*INPUTS[:2], {**INPUTS[2], "unseen": unseen}]
    version = make_version(task=task, inputs=inputs)
    Deployment.objects.create(name="credit-scoring", department=version.department, model_version=version)
    answer = api_of("alice").get(f"{URL}openapi.json")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/json")
    document = answer.json()
    validate(document)
    example = document["paths"]["/predict/"]["post"]["requestBody"]["content"]["application/json"]["example"]
    answered = api_of("alice").post(f"{URL}predict/", example, format="json")
    assert answered.status_code == 200
    schemas = document["components"]["schemas"]
    Draft202012Validator(schemas["Answer"]).validate(answered.json()["predictions"][0])
    row = example["instances"][0]
    for change in ({}, {"age": None}, {"age": "45"}, {"age": 1.5}, {"income": None}, {"income": -5e9}, {"city": "Oz"},
                   {"city": None}, {"city": 3}, {"unknown": 1}):  # fmt: skip
        asked = {**row, **change}
        said = api_of("alice").post(f"{URL}predict/", {"instances": [asked]}, format="json").status_code == 200
        assert Draft202012Validator(schemas["Instance"]).is_valid(asked) == said, change


def test_what_rows_held_is_for_those_who_may_see_it(api_of: Any, deployment: Deployment) -> None:
    text = api_of("erin").get(f"{URL}openapi.json").content.decode()
    assert "Lyon" not in text and "good" not in text and "age" in text
