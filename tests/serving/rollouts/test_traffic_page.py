"""The tab Traffic, as an engineer works with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from serving.models import Deployment, Rollout
from training.models import ModelVersion

PAGE = "/deployments/credit-scoring/"
FORM = {
    "steps": "shadow → 5 % → 100",
    "minutes": "10",
    "calls": "0",
    "failures": "2",
    "p95_ratio": "",
    "disagreement": "",
}


def text(response: Any) -> str:
    return str(response.content.decode())


def test_from_start_to_back(
    browser_of: Callable[[str], Client], deployment: Deployment, challenger: ModelVersion
) -> None:
    emil = browser_of("emil")
    assert "No rollout yet" in text(emil.get(PAGE + "traffic/"))
    wrong = emil.post(PAGE + "rollouts/", {**FORM, "model_version": str(challenger.pk), "steps": "5, shadow"})
    assert wrong.status_code == 422 and "more than the one before" in text(wrong)
    emil.post(PAGE + "rollouts/", {**FORM, "model_version": str(challenger.pk)})
    rollout = Rollout.objects.get()
    assert [step["share"] for step in rollout.steps] == [0.0, 0.05, 1.0]
    assert rollout.alarms == {
        "errors": 0.02,
        "p95_ratio": None,
        "disagreement": None,
        "drift": False,
        "coverage": False,
    }
    one = f"{PAGE}rollouts/{rollout.pk}/"
    assert 'hx-trigger="every 2s"' in text(emil.get(PAGE + "traffic/live/"))
    emil.post(one + "advance/", {"step": "0"})
    assert "moved on" in text(emil.post(one + "advance/", {"step": "0"}, follow=True))
    assert "15 % of the callers" in text(emil.post(one + "share/", {"share": "15"}, follow=True))
    assert "stays at this step" in text(emil.post(one + "pause/", follow=True))
    assert "goes on" in text(emil.post(one + "resume/", follow=True))
    back = text(emil.post(PAGE + "rollback/", {"reason": "Too strict."}, follow=True))
    assert "Too strict." in back and "Start a rollout" in back


def test_a_viewer_looks_and_does_nothing(
    browser_of: Callable[[str], Client], deployment: Deployment, challenger: ModelVersion
) -> None:
    page = text(browser_of("bob").get(PAGE + "traffic/"))
    assert "answers all callers" in page and "<form" not in page.split('id="traffic"')[1].split("</main>")[0]
