"""Beside the try-it form: bars that add up, and changes that can be taken over; who may not ask gets neither."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from serving.explaining.shown import MOST, waterfall
from serving.predictors import predict
from tests.serving.artifacts import ROW
from training.models import ModelVersion

Browser = Callable[[str], Client]
FORM = {"x0": "45", "x1": "2500", "x2": "Lyon"}


def url(version: ModelVersion, page: str) -> str:
    return f"/models/{version.model_id}/versions/{version.number}/{page}/"


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


@pytest.mark.parametrize(("task", "kind"), [("binary", "linear"), ("multiclass", "mlp"), ("regression", "mlp")])
def test_the_reasons_are_shown(browser_of: Browser, make_version: Any, task: str, kind: str) -> None:
    version = make_version(task=task, kind=kind)
    response = browser_of("alice").post(url(version, "why"), {**FORM, "x0": "60"})
    assert response.status_code == 200
    shown = text(response)
    assert all(name in shown for name in ROW)
    assert shown.count("<rect") == 3
    assert ("Then" in shown) == (task == "binary")


def test_the_last_step_is_the_answer(browser_of: Browser, version: ModelVersion) -> None:
    shown = text(browser_of("alice").post(url(version, "why"), {**FORM, "x0": "60"}))
    [answer] = predict(version, [{**ROW, "age": 60}])
    assert f"{100 * answer['probabilities']['good']:.1f} %" in shown


def test_what_cannot_be_read_has_no_reasons(browser_of: Browser, version: ModelVersion) -> None:
    response = browser_of("alice").post(url(version, "why"), {**FORM, "x0": ""})
    assert (response.status_code, response.content) == (200, b"")


def test_a_way_can_be_taken_over(browser_of: Browser, version: ModelVersion) -> None:
    alice = browser_of("alice")
    form = {**FORM, "form": "try-1"}
    shown = text(alice.post(url(version, "change"), form))
    fills = [json.loads(found) for found in re.findall(r'data-fill="(\{.*?\})"', shown)]
    assert fills
    [now] = predict(version, [ROW])
    for fill in fills:
        after = text(alice.post(url(version, "try"), {**FORM, **fill}))
        assert f'<div class="what-if-figure">{now["label"]}</div>' not in after


def test_inputs_that_are_left_as_they_are(browser_of: Browser, version: ModelVersion) -> None:
    every = {**FORM, "lock": ["x0", "x1", "x2"]}
    assert "None was found within what training saw" in text(browser_of("alice").post(url(version, "change"), every))


def test_a_value_needs_a_wish(browser_of: Browser, make_version: Any) -> None:
    version = make_version(task="regression")
    response = browser_of("alice").post(url(version, "change"), FORM)
    assert response.status_code == 422
    assert "say which value is wanted" in text(response)
    [now] = predict(version, [ROW])
    wanted = {"want_way": "at_least", "want_value": str(now["value"] + 0.1)}
    assert "Use these values" in text(browser_of("alice").post(url(version, "change"), {**FORM, **wanted}))


@pytest.mark.parametrize("page", ["why", "change"])
def test_who_may_not_ask_gets_neither(browser_of: Browser, version: ModelVersion, page: str) -> None:
    assert browser_of("bob").post(url(version, page), FORM).status_code == 403
    assert browser_of("charlie").post(url(version, page), FORM).status_code == 404


def test_many_reasons_are_folded_and_still_add_up() -> None:
    reasons = [{"column": f"c{i}", "value": i, "contribution": 1.0 / (i + 1), "error": 0.1} for i in range(20)]
    total = sum(reason["contribution"] for reason in reasons)
    told = {"baseline": -1.0, "answer": total - 1.0, "scale": "value", "method": "sampled", "background": "training"}
    chart = waterfall({**told, "contributions": reasons}, classes=0)
    assert len(chart.steps) == MOST + 1
    assert sum(step.contribution for step in chart.steps) == pytest.approx(total)
    last = chart.steps[-1]
    assert last.start + last.width == pytest.approx(100)
    assert all(step.start >= 0 and step.start + step.width <= 100.7 for step in chart.steps)
