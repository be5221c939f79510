"""A model that findings speak against is not deployed, until somebody says why it may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from serving.models import Deployment
from tests.serving.test_deploy import LIST, ONE, body
from training.engine.data import finding, leave_out
from training.models import ModelVersion

Api = Callable[..., APIClient]
REASON = "The column is known when the customer asks: checked with the branch."


def overrides(version: ModelVersion) -> str:
    return f"/api/v1/models/{version.model_id}/versions/{version.number}/overrides/"


@pytest.fixture
def doubtful(version: ModelVersion) -> ModelVersion:
    """A version against which two errors and a warning were found."""
    told = {"test": "AUC of a model of this column alone", "value": 0.99, "threshold": 0.95}
    version.card = {
        "findings": [
            finding("leakage", "error", "“age” gives it away.", ["age"], fix="Leave it out.", action=leave_out("age"), **told),
            finding("leakage", "error", "“city” gives it away.", ["city"], fix="Leave it out.", **told),
            finding("imbalance", "warning", "One class is rare.", ["risk"], **told),
        ]
    }  # fmt: skip
    version.save(update_fields=["card"])
    return version


def test_open_findings_close_the_way(api_of: Api, doubtful: ModelVersion) -> None:
    answer = api_of("emil").post(LIST, body(doubtful))
    assert (answer.status_code, answer.json()["code"]) == (409, "open-findings")
    assert [error["message"] for error in answer.json()["errors"]] == [
        "“age” gives it away. Leave it out.",
        "“city” gives it away. Leave it out.",
    ]
    assert not Deployment.objects.exists()


def test_each_is_overridden_by_its_name(api_of: Api, doubtful: ModelVersion) -> None:
    emil = api_of("emil")
    said = emil.post(overrides(doubtful), {"check": "leakage", "columns": ["age"], "reason": REASON})
    assert said.status_code == 200, said.content
    shown = said.json()["card"]["findings"]
    assert [found["open"] for found in shown] == [False, True, False]
    assert (shown[0]["override"]["by"], shown[0]["override"]["reason"]) == ("emil", REASON)
    assert emil.post(LIST, body(doubtful)).json()["errors"] == [
        {"field": "findings.leakage", "message": "“city” gives it away. Leave it out."}
    ]
    emil.post(overrides(doubtful), {"check": "leakage", "columns": ["city"], "reason": REASON})
    assert emil.post(LIST, body(doubtful)).status_code == 201
    events = AuditEvent.objects.filter(verb="model_version.override")
    assert sorted(event.details["columns"] for event in events) == [["age"], ["city"]]
    assert REASON not in str([event.details for event in events])


def test_a_reason_with_the_request_overrides_all(api_of: Api, doubtful: ModelVersion) -> None:
    assert api_of("emil").post(LIST, body(doubtful, override_reason=REASON)).status_code == 201
    doubtful.refresh_from_db()
    assert len(doubtful.overrides) == 2


def test_pointing_at_it_asks_the_same(api_of: Api, deployment: Deployment, make_version: Any) -> None:
    emil, newer = api_of("emil"), make_version(kind="mlp")
    newer.card = {"findings": [finding("leakage", "error", "Too good.", ["age"], test="AUC", value=1, threshold=0.95)]}
    newer.save()
    assert emil.patch(ONE, {"model_version": str(newer.pk)}).status_code == 409
    assert emil.patch(ONE, {"model_version": str(newer.pk), "override_reason": REASON}).status_code == 200


def test_an_override_is_withdrawn(api_of: Api, doubtful: ModelVersion) -> None:
    emil = api_of("emil")
    named = {"check": "leakage", "columns": ["age"]}
    emil.post(overrides(doubtful), {**named, "reason": REASON})
    shown = emil.post(overrides(doubtful), {**named, "withdraw": True}).json()["card"]["findings"]
    assert [found["open"] for found in shown] == [True, True, False]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"check": "leakage", "columns": ["age"]}, "reason"),
        ({"check": "leakage", "columns": ["age"], "reason": "  "}, "reason"),
        ({"check": "leakage", "columns": ["income"], "reason": REASON}, "check"),
        ({"check": "imbalance", "columns": ["risk"], "reason": REASON}, "check"),
        ({"reason": REASON}, "check"),
        ({"check": "leakage", "columns": ["age"], "withdraw": True}, "check"),
    ],
)
def test_what_cannot_be_overridden_says_so(api_of: Api, doubtful: ModelVersion, said: Any, field: str) -> None:
    answer = api_of("emil").post(overrides(doubtful), said)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_an_analyst_does_not_override(api_of: Api, doubtful: ModelVersion) -> None:
    assert api_of("alice").post(overrides(doubtful), {"check": "leakage", "reason": REASON}).status_code == 403


def test_on_the_pages(browser_of: Callable[[str], Client], doubtful: ModelVersion) -> None:
    emil = browser_of("emil")
    page = f"/models/{doubtful.model_id}/versions/{doubtful.number}/"
    assert emil.get(page).content.decode().count("Override it with a reason") == 2
    asked = emil.get(f"/deployments/new/?model_version={doubtful.pk}").content.decode()
    assert "gives it away" in asked and "Why it may answer nevertheless" in asked
    refused = emil.post("/deployments/new/", {"model_version": str(doubtful.pk), "name": "risk"})
    assert refused.status_code == 422 and "Why it may answer nevertheless" in refused.content.decode()
    emil.post(page + "override/", {"check": "leakage", "columns": "age", "reason": REASON})
    shown = emil.get(page).content.decode()
    assert "Overridden by emil on" in shown and REASON in shown
    made = emil.post(
        "/deployments/new/", {"model_version": str(doubtful.pk), "name": "risk", "override_reason": REASON}
    )
    assert made.status_code == 302 and Deployment.objects.get().name == "risk"
