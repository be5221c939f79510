"""The pages of deployments, as each person meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from departments.services import create_grant
from serving import prediction_log
from serving.models import Deployment, DeploymentState, Prediction
from tests.serving.artifacts import ROW
from tests.serving.test_predict import ask
from training.models import ModelVersion

Browser = Callable[[str], Client]
PAGE = "/deployments/credit-scoring/"


def text(response: Any) -> str:
    return str(response.content.decode())


def predicted(deployment: Deployment, hours_ago: float, microseconds: int = 1500) -> Prediction:
    return Prediction.objects.create(
        request_id=uuid4(),
        deployment=deployment,
        model_version=deployment.model_version,
        rows=1,
        instances=[ROW],
        answers=[{"label": "good", "probabilities": {"bad": 0.1, "good": 0.9}}],
        microseconds=microseconds,
        created_at=timezone.now() - timedelta(hours=hours_ago),
    )


def test_an_empty_list_says_how_to_begin(browser_of: Browser) -> None:
    assert "Deploy a model" in text(browser_of("emil").get("/deployments/"))
    assert 'href="/deployments/new/"' not in text(browser_of("alice").get("/deployments/"))


def test_the_list_shows_the_last_day(browser_of: Browser, deployment: Deployment) -> None:
    for hours, microseconds in ((0, 1000), (2, 2000), (2, 9000), (30, 7)):
        predicted(deployment, hours, microseconds)
    page = text(browser_of("alice").get("/deployments/"))
    assert "credit-scoring" in page
    assert re.findall(r'<td class="num">([^<]*)</td>', page) == ["3", "2 ms", "9 ms"]
    assert page.count("<polyline") == 1


def test_the_list_costs_the_same_for_one_and_for_many(
    browser_of: Browser, deployment: Deployment, django_assert_num_queries: Any
) -> None:
    alice = browser_of("alice")
    predicted(deployment, 1)
    alice.get("/deployments/")
    with django_assert_num_queries(9) as one:
        alice.get("/deployments/")
    for i in range(20):
        other = Deployment.objects.create(
            name=f"d{i}", department=deployment.department, model_version=deployment.model_version
        )
        predicted(other, 1)
    with django_assert_num_queries(len(one)):
        assert text(alice.get("/deployments/")).count("<polyline") == 21


def test_the_list_is_filtered_by_state(browser_of: Browser, deployment: Deployment) -> None:
    alice = browser_of("alice")
    assert "credit-scoring" in text(alice.get("/deployments/?state=active"))
    paused = text(alice.get("/deployments/?state=paused"))
    assert "credit-scoring" not in paused
    assert "Show all" in paused


def test_a_grantee_sees_the_name_and_not_how_much_it_is_used(
    browser_of: Browser, deployment: Deployment, departments: SimpleNamespace
) -> None:
    create_grant(obj=deployment.model_version.model, department=departments.clinic, verbs=["predict"], created_by=None)
    predicted(deployment, 1)
    dana = browser_of("dana")
    assert "<polyline" not in text(dana.get("/deployments/"))
    page = text(dana.get(PAGE))
    assert "Recent calls" not in page
    assert "hx-post" in page


def test_an_engineer_deploys(browser_of: Browser, version: ModelVersion) -> None:
    emil = browser_of("emil")
    form = text(emil.get(f"/deployments/new/?model_version={version.pk}"))
    assert 'value="risk"' in form
    assert f'<option value="{version.pk}" selected>' in form
    made = emil.post("/deployments/new/", {"model_version": str(version.pk), "name": "risk"}, follow=True)
    assert made.redirect_chain[-1][0] == "/deployments/risk/"
    assert "answers now" in text(made)


@pytest.mark.parametrize(
    ("name", "says"), [("Not a slug", "lower-case"), ("credit-scoring", "in use"), ("", "required")]
)
def test_a_form_says_what_is_wrong(browser_of: Browser, deployment: Deployment, name: str, says: str) -> None:
    form = {"model_version": str(deployment.model_version_id), "name": name}
    response = browser_of("emil").post("/deployments/new/", form)
    assert response.status_code == 422
    assert says in text(response)


def test_without_a_model_there_is_nothing_to_deploy(browser_of: Browser) -> None:
    assert "There is no model to deploy yet" in text(browser_of("emil").get("/deployments/new/?model_version=x"))


def test_who_may_not_deploy_is_told_so(browser_of: Browser, version: ModelVersion) -> None:
    response = browser_of("alice").get("/deployments/new/")
    assert response.status_code == 403
    assert "engineer" in text(response)


def test_a_deployment_has_its_page(browser_of: Browser, deployment: Deployment, api_of: Any) -> None:
    ask(api_of("alice"), [ROW])
    prediction_log.ship()
    page = text(browser_of("mona").get(PAGE))
    for part in ("credit-scoring", "Call it", "$ATRIUM_TOKEN", "/settings/tokens/", "Recent calls", "Alice", "Delete…"):
        assert part in page
    assert f"/models/{deployment.model_version.model_id}/versions/1/try/" in page
    assert 'min="20" max="70" step="1" value="45"' in page
    assert AuditEvent.objects.filter(verb="deployment.read_predictions", actor_name="mona").exists()


def test_the_page_obeys_the_content_security_policy(browser_of: Browser, deployment: Deployment) -> None:
    predicted(deployment, 1)
    for url in (PAGE, "/deployments/", "/deployments/new/"):
        page = text(browser_of("mona").get(url))
        assert not re.search(r"\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|<style", page), url


def test_a_viewer_looks_and_a_stranger_does_not(browser_of: Browser, deployment: Deployment) -> None:
    bob = text(browser_of("bob").get(PAGE))
    assert "hx-post" not in bob
    assert "does not include “predict”" in bob
    assert [browser_of(name).get(PAGE).status_code for name in ("charlie", "mallory")] == [404, 404]


def test_an_admin_sees_no_value_of_a_row(browser_of: Browser, deployment: Deployment) -> None:
    predicted(deployment, 1)
    page = text(browser_of("erin").get(PAGE))
    assert "credit-scoring" in page
    assert "Lyon" not in page
    assert not AuditEvent.objects.filter(verb="deployment.read_predictions").exists()


def test_it_is_paused_and_resumed(browser_of: Browser, deployment: Deployment) -> None:
    emil = browser_of("emil")
    assert "is paused" in text(emil.post(PAGE + "pause/", follow=True))
    assert Deployment.objects.get().state == DeploymentState.PAUSED
    assert "answers again" in text(emil.post(PAGE + "resume/", follow=True))
    assert browser_of("alice").post(PAGE + "pause/").status_code == 403


def test_it_answers_with_another_version(browser_of: Browser, deployment: Deployment, make_version: Any) -> None:
    newer = make_version(kind="mlp")
    emil = browser_of("emil")
    assert str(newer.pk) in text(emil.get(PAGE))
    done = emil.post(PAGE + "repoint/", {"model_version": str(newer.pk)}, follow=True)
    assert "Risk v2 now" in text(done)
    wrong = emil.post(PAGE + "repoint/", {"model_version": str(uuid4())})
    assert wrong.status_code == 422


def test_deleting_asks_for_the_name(browser_of: Browser, deployment: Deployment) -> None:
    mona = browser_of("mona")
    assert "type the name" in text(mona.post(PAGE + "delete/", {"confirm": "credit"}, follow=True))
    assert Deployment.objects.exists()
    assert browser_of("emil").post(PAGE + "delete/", {"confirm": "credit-scoring"}).status_code == 403
    assert "is deleted" in text(mona.post(PAGE + "delete/", {"confirm": "credit-scoring"}, follow=True))
    assert not Deployment.objects.exists()


def test_get_does_nothing(browser_of: Browser, deployment: Deployment) -> None:
    statuses = [browser_of("mona").get(PAGE + act).status_code for act in ("pause/", "resume/", "delete/", "repoint/")]
    assert statuses == [405] * 4
