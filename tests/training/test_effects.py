"""How a model uses its columns is worked out by a job on held-out rows, for whoever may preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from datasets.erasure import traces
from jobs.models import JobState
from jobs.testing import run_pending
from training import effects
from training.models import Effects, ModelVersion, ScoredRows

Api = Callable[..., APIClient]
Browser = Callable[[str], Client]


@pytest.fixture
def model(linear_run: Callable[..., Any]) -> ModelVersion:
    linear_run()
    run_pending()
    return ModelVersion.objects.get()


def url(model: ModelVersion) -> str:
    return f"/api/v1/models/{model.model_id}/versions/{model.number}/effects/"


def page(model: ModelVersion) -> str:
    return f"/models/{model.model_id}/versions/{model.number}/"


@pytest.fixture
def figures(model: ModelVersion, api_of: Api) -> dict[str, Any]:
    assert api_of("alice").post(url(model)).status_code == 202
    assert [job.state for job in run_pending()] == [JobState.SUCCEEDED]
    found: dict[str, Any] = api_of("alice").get(url(model)).json()["figures"]
    return found


def test_what_the_target_is_made_of_matters(figures: dict[str, Any]) -> None:
    """limit = 2 · income + 10 · age: income moves it most by far, grade and defaulted hardly."""
    found = {entry["column"]: entry for entry in figures["importance"]}
    assert figures["importance"][0]["column"] == "income"
    assert found["income"]["low"] > 5 * abs(found["grade"]["importance"])
    assert all(entry["low"] <= entry["importance"] <= entry["high"] for entry in found.values())
    assert figures["rows"] == 40


def test_the_curve_of_a_straight_line_is_straight(figures: dict[str, Any]) -> None:
    [curve] = [curve for curve in figures["curves"] if curve["column"] == "income"]
    (low, *_between, high), [mean] = curve["grid"], curve["means"]
    assert curve["ordered"] and curve["grid"] == sorted(curve["grid"])
    slope = (mean[-1] - mean[0]) / (high - low)
    assert slope == pytest.approx(2.0, rel=0.15)
    for place, value in zip(curve["grid"], mean, strict=True):
        assert value == pytest.approx(mean[0] + slope * (place - low), abs=1e-6 * abs(mean[0]) + 1e-6)
    assert all(len(line) == len(curve["grid"]) for line in curve["singles"])
    assert 0 < len(curve["singles"]) <= 30


def test_categories_are_no_axis(figures: dict[str, Any]) -> None:
    [curve] = [curve for curve in figures["curves"] if curve["column"] == "grade"]
    assert (curve["ordered"], curve["grid"]) == (False, ["a", "b", "c"])


def test_the_page_shows_them_with_their_table(model: ModelVersion, figures: Any, browser_of: Browser) -> None:
    shown = browser_of("alice").get(page(model)).content.decode()
    assert "Which columns matter" in shown
    assert shown.count("<polyline") > 4
    assert "95 % interval" in shown


def test_before_the_job_there_is_a_button(model: ModelVersion, browser_of: Browser) -> None:
    alice = browser_of("alice")
    assert "Work it out" in alice.get(page(model)).content.decode()
    answer = alice.post(page(model) + "effects/")
    assert answer.status_code == 200
    assert 'hx-trigger="every 2s"' in answer.content.decode()
    run_pending()
    assert "Which columns matter" in alice.get(page(model) + "effects/").content.decode()


def test_asking_twice_is_one_job(model: ModelVersion, api_of: Api) -> None:
    first, second = (api_of("alice").post(url(model)).json()["job"] for _ in range(2))
    assert first == second


def test_without_held_out_rows_it_says_so(model: ModelVersion, api_of: Api) -> None:
    ScoredRows.objects.all().delete()
    answer = api_of("alice").post(url(model))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_held_out_rows")


def test_a_stranger_gets_404(model: ModelVersion, api_of: Api) -> None:
    assert api_of("charlie").get(url(model)).status_code == 404


def test_curves_of_rows_that_were_forgotten_go(model: ModelVersion, version: Any, figures: Any) -> None:
    assert traces.forget_rows(version.pk, [0])["effects"] == 1
    assert not Effects.objects.exists()
    assert effects.effects_of(model) is None
