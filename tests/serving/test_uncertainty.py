"""Intervals and sets in the answer, learned from a trained model's scored rows; by group on request."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.template.loader import render_to_string
from rest_framework.test import APIClient

from audit.models import AuditEvent
from serving.models import Deployment, ModelUncertainty
from serving.prediction_log import ship
from serving.uncertainty.realised import realised
from serving.what_if import show
from tests.people import signed_in
from tests.serving.scored import keep_scored
from training.models import ModelVersion

Api = Callable[..., APIClient]
ROW = {"age": 45, "income": 2500.0, "city": "Lyon"}


@pytest.fixture
def priced(make_version: Callable[..., ModelVersion]) -> Deployment:
    """A regression whose errors were between −1 and 3."""
    version = make_version(task="regression")
    random = np.random.default_rng(1)
    answer = random.normal(size=3000)
    keep_scored(version, truth=answer + random.uniform(-1, 3, 3000), prediction=answer[:, None])
    return Deployment.objects.create(name="prices", department=version.department, model_version=version)


@pytest.fixture
def graded(make_version: Callable[..., ModelVersion]) -> Deployment:
    """Three classes, of which two often stand close."""
    version = make_version(task="multiclass")
    random = np.random.default_rng(2)
    scores = np.exp(random.normal(size=(3000, 3)))
    shares = scores / scores.sum(axis=1, keepdims=True)
    truth = (shares.cumsum(axis=1) > random.random(3000)[:, None]).argmax(axis=1)
    keep_scored(version, truth=truth, prediction=shares)
    return Deployment.objects.create(name="grades", department=version.department, model_version=version)


def ask(api: APIClient, name: str, **more: Any) -> Any:
    return api.post(f"/api/v1/deployments/{name}/predict/", {"instances": [ROW, {**ROW, "age": 30}], **more})


def test_an_interval_comes_on_request(api_of: Api, priced: Deployment) -> None:
    plain = ask(api_of("alice"), "prices").json()["predictions"]
    assert all("interval" not in one for one in plain)
    answers = ask(api_of("alice"), "prices", interval=0.9).json()["predictions"]
    for one, before in zip(answers, plain, strict=True):
        low, high = one["interval"]
        assert one["value"] == before["value"]
        assert low - one["value"] == pytest.approx(-0.8, abs=0.15)
        assert high - one["value"] == pytest.approx(2.8, abs=0.15)


def test_true_means_ninety_percent(api_of: Api, priced: Deployment) -> None:
    alice = api_of("alice")
    told, asked = ask(alice, "prices", interval=True).json(), ask(alice, "prices", interval=0.9).json()
    assert told["predictions"] == asked["predictions"]
    assert "interval" not in ask(alice, "prices", interval=False).json()["predictions"][0]


def test_a_set_comes_on_request(api_of: Api, graded: Deployment) -> None:
    sizes = []
    for level in (0.5, 0.9, 0.99):
        [one, _other] = ask(api_of("alice"), "grades", interval=level).json()["predictions"]
        assert set(one["set"]) <= {"high", "low", "middle"}
        sizes.append(len(one["set"]))
    assert sizes == sorted(sizes) and sizes[-1] >= 2


@pytest.mark.parametrize("level", [0.3, 0.995])
def test_a_level_out_of_range_is_refused(api_of: Api, priced: Deployment, level: float) -> None:
    answer = ask(api_of("alice"), "prices", interval=level)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "interval" and "0.99" in error["message"]


def test_too_few_rows_are_told_with_how_many_it_takes(api_of: Api, make_version: Callable[..., ModelVersion]) -> None:
    version = make_version(task="regression")
    keep_scored(version, truth=np.zeros(60), prediction=np.zeros((60, 1)))
    Deployment.objects.create(name="prices", department=version.department, model_version=version)
    answer = ask(api_of("alice"), "prices", interval=True)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert "30 rows" in error["message"] and "takes 100" in error["message"]
    assert ask(api_of("alice"), "prices").status_code == 200


def test_a_model_from_before_says_so(api_of: Api, make_version: Callable[..., ModelVersion]) -> None:
    version = make_version(task="regression")
    Deployment.objects.create(name="prices", department=version.department, model_version=version)
    answer = ask(api_of("alice"), "prices", interval=True)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "interval"
    url = f"/api/v1/models/{version.model_id}/versions/1/uncertainty/"
    told = api_of("alice").get(url)
    assert told.status_code == 409 and told.json()["code"] == "no-scored-rows"


def test_nominal_and_held_out_coverage_are_told(api_of: Api, priced: Deployment) -> None:
    version = priced.model_version
    told = api_of("alice").get(f"/api/v1/models/{version.model_id}/versions/1/uncertainty/").json()
    assert (told["kind"], told["by"], told["calibration"], told["needed"]) == ("intervals", "", 1125, 100)
    levels = {one["level"]: one for one in told["levels"]}
    assert list(levels) == [0.5, 0.8, 0.9, 0.95, 0.99]
    for level, one in levels.items():
        assert one["rows"] == 1500 and one["low"] <= one["share"] <= one["high"]
        assert one["share"] == pytest.approx(level, abs=0.03)


def test_the_coverage_that_really_happened(api_of: Api, priced: Deployment) -> None:
    """Truths two above the answer lie within; truths ten above do not. Callers need not have asked for intervals."""
    alice = api_of("alice")
    answer = ask(alice, "prices").json()
    ship()
    values = [one["value"] for one in answer["predictions"]]
    told = [
        {"request_id": answer["request_id"], "instance": 0, "value": values[0] + 2},
        {"request_id": answer["request_id"], "instance": 1, "value": values[1] + 10},
    ]
    url = "/api/v1/deployments/prices/coverage/"
    before = alice.get(url)
    assert before.status_code == 409 and before.json()["code"] == "no-outcomes"
    assert alice.post("/api/v1/deployments/prices/outcomes/", told).status_code == 200
    found = alice.get(url, {"level": 0.9}).json()
    assert (found["level"], found["rows"], found["share"]) == (0.9, 2, 0.5)
    assert found["low"] < 0.5 < found["high"]
    direct = realised(priced, level=0.9)
    assert direct is not None and direct.share == 0.5


def test_sets_are_counted_too(api_of: Api, graded: Deployment) -> None:
    alice = api_of("alice")
    answer = ask(alice, "grades", interval=0.9).json()
    ship()
    inside = answer["predictions"][0]["set"][0]
    outside = [label for label in ("high", "low", "middle") if label not in answer["predictions"][1]["set"]]
    told = [{"request_id": answer["request_id"], "instance": 0, "value": inside}]
    told += [{"request_id": answer["request_id"], "instance": 1, "value": label} for label in outside[:1]]
    alice.post("/api/v1/deployments/grades/outcomes/", told)
    found = realised(graded)
    assert found is not None and found.share == 1 / len(told)


def test_the_try_it_form_says_how_sure(people: SimpleNamespace, priced: Deployment) -> None:
    version = priced.model_version
    url = f"/models/{version.model_id}/versions/1/try/"
    page = signed_in(people.alice).post(url, {"x0": "45", "x1": "2500", "x2": "Lyon"}).content.decode()
    assert "In 9 of 10 such cases between" in page


@pytest.mark.parametrize(("labels", "words"), [([], "no class is likely enough"), (["a", "b"], "one of: a, b")])
def test_an_empty_set_is_said_in_words(labels: list[str], words: str) -> None:
    answer = {"label": "a", "probabilities": {"a": 0.5, "b": 0.5}, "set": labels}
    assert words in render_to_string("serving/_answer.html", {"answer": show(answer, ""), "sure": answer})


class TestByGroup:
    """A real training, whose data has a column of groups."""

    @pytest.fixture
    def model(self, trained: Callable[..., ModelVersion]) -> ModelVersion:
        return trained()

    def test_each_group_gets_its_own(self, api_of: Api, model: ModelVersion) -> None:
        emil = api_of("emil")
        url = f"/api/v1/models/{model.model_id}/versions/{model.number}/uncertainty/"
        answer = emil.post(url, {"by": "grade"})
        assert answer.status_code == 200, answer.data
        told = answer.json()
        assert told["by"] == "grade" and [one["name"] for one in told["groups"]] == ["a", "b", "c"]
        assert all(one["calibration"] > 50 and 0 <= one["low"] <= one["share"] for one in told["groups"])
        assert ModelUncertainty.objects.get().by == "grade"
        assert AuditEvent.objects.filter(verb="model_version.uncertainty").count() == 1
        assert emil.post(url, {"by": ""}).json()["groups"] == []

    def test_a_column_that_the_model_does_not_read_is_refused(self, api_of: Api, model: ModelVersion) -> None:
        url = f"/api/v1/models/{model.model_id}/versions/{model.number}/uncertainty/"
        answer = api_of("emil").post(url, {"by": "limit"})
        assert answer.status_code == 422 and "grade" in answer.json()["errors"][0]["message"]

    def test_analysts_look_and_do_not_change(self, api_of: Api, model: ModelVersion) -> None:
        url = f"/api/v1/models/{model.model_id}/versions/{model.number}/uncertainty/"
        assert api_of("alice").get(url).status_code == 200
        assert api_of("alice").post(url, {"by": "grade"}).status_code == 403
        assert api_of("charlie").get(url).status_code == 404

    def test_names_of_groups_are_values_of_rows(
        self, api_of: Api, model: ModelVersion, departments: SimpleNamespace, people: SimpleNamespace
    ) -> None:
        from departments.services import create_grant

        url = f"/api/v1/models/{model.model_id}/versions/{model.number}/uncertainty/"
        api_of("emil").post(url, {"by": "grade"})
        create_grant(obj=model.model, department=departments.clinic, verbs=["discover"], created_by=people.mona)
        told = api_of("dana").get(url).json()
        assert told["calibration"] > 0 and told["groups"] == []
