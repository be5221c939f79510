"""The members of a request beside its instances, and of an answer beside its predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from rest_framework.test import APIClient

from serving import snapshots
from serving.models import Deployment
from serving.runtime.answering import Answered, Asked, answer, answer_all
from serving.runtime.faults import InstanceErrors
from tests.serving.artifacts import ROW
from tests.serving.test_predict import URL

Api = Callable[..., APIClient]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("explain", "yes"), ("explain", 1), ("interval", 0), ("interval", 1), ("interval", "0.9"),
        ("key", ""), ("key", 7), ("key", "k" * 201), ("colour", "red"),
    ],
)  # fmt: skip
def test_a_member_that_cannot_be_used_is_named(api_of: Api, deployment: Deployment, member: str, value: Any) -> None:
    body = orjson.dumps({"instances": [ROW], member: value})
    response = api_of("alice").post(URL, body, content_type="application/json")
    assert response.status_code == 422, response.content
    assert [error["field"] for error in response.json()["errors"]] == [member]


def test_a_member_that_the_model_cannot_answer_is_refused(api_of: Api, deployment: Deployment) -> None:
    body = orjson.dumps({"instances": [ROW], "explain": True, "interval": 0.9, "key": "customer-7"})
    snapshot = snapshots.build(snapshots.rows().get())
    response = api_of("alice").post(URL, body, content_type="application/json")
    missing = [
        name
        for name, part in (("explain", snapshot.champion.explanation), ("interval", snapshot.champion.uncertainty))
        if part is None
    ]
    if missing:
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == missing
    else:
        assert response.status_code == 200


def test_the_fault_of_one_request_touches_no_other(deployment: Deployment) -> None:
    """What is computed together is answered apart."""
    snapshot = snapshots.build(snapshots.rows().get())
    asked = [Asked([ROW]), Asked([{"age": "x"}]), Asked([ROW, {"age": 1e300}]), Asked([{**ROW, "age": 20}])]
    found = answer_all(snapshot, [(each, str(index)) for index, each in enumerate(asked)])
    alone = [answer(snapshot, asked[0], "a"), answer(snapshot, asked[3], "b")]
    assert [isinstance(each, InstanceErrors) for each in found] == [False, True, True, False]
    for together, single in zip([found[0], found[3]], alone, strict=True):
        assert isinstance(together, Answered)
        [[mine], [other]] = together.predictions, single.predictions
        assert mine["probabilities"] == pytest.approx(other["probabilities"], rel=1e-12)
