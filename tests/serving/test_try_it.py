"""Trying a model in the browser: the answer, its change, and what may not be asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from audit.models import AuditEvent
from departments.services import create_grant
from serving import prediction_log
from serving.predictors import predict
from serving.what_if import controls_of
from tests.serving.artifacts import INPUTS, ROW
from training.models import ModelVersion

Browser = Callable[[str], Client]
FORM = {"x0": "45", "x1": "2500", "x2": "Lyon"}


def url(version: ModelVersion) -> str:
    return f"/models/{version.model_id}/versions/{version.number}/try/"


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def memory(response: Any) -> str:
    found = re.search(r'name="before" value="([^"]*)"', response.content.decode())
    assert found
    return found[1].replace("&quot;", '"')


def test_it_works_without_a_deployment(browser_of: Browser, version: ModelVersion) -> None:
    response = browser_of("alice").post(url(version), FORM)
    assert response.status_code == 200
    [answer] = predict(version, [ROW])
    shown = text(response)
    assert f'<div class="what-if-figure">{answer["label"]}</div>' in shown
    for share in answer["probabilities"].values():
        assert f"{share * 100:.1f} %" in shown
    assert "against the previous answer" not in shown


def test_the_change_against_the_answer_before(browser_of: Browser, make_version: Any) -> None:
    version, alice = make_version(task="regression"), browser_of("alice")
    first = alice.post(url(version), FORM)
    second = alice.post(url(version), {**FORM, "x0": "60", "before": memory(first)})
    one, two = (answer["value"] for answer in predict(version, [ROW, {**ROW, "age": 60}]))
    assert ("ti-arrow-up" if two > one else "ti-arrow-down") in text(second)
    assert "±0" in text(alice.post(url(version), {**FORM, "before": memory(first)}))


@pytest.mark.parametrize("before", ["", "x", "[1]", '{"bad": "x"}', '{"bad": null}', '{"": 1e308}', "[" * 5000])
def test_a_memory_that_makes_no_sense_is_forgotten(browser_of: Browser, version: ModelVersion, before: str) -> None:
    assert browser_of("alice").post(url(version), {**FORM, "before": before}).status_code == 200


@pytest.mark.parametrize(
    ("change", "column"),
    [({"x0": ""}, "age"), ({"x0": "many"}, "age"), ({"x1": "nan"}, "income"), ({"x0": "1.5"}, "age")],
)
def test_a_bad_value_is_said_beside_its_column(
    browser_of: Browser, version: ModelVersion, change: dict[str, str], column: str
) -> None:
    response = browser_of("alice").post(url(version), {**FORM, **change})
    assert response.status_code == 422
    assert f"<strong>{column}</strong>" in text(response)


def test_an_empty_optional_control_is_a_missing_value(browser_of: Browser, version: ModelVersion) -> None:
    [answer] = predict(version, [{"age": 45}])
    response = browser_of("alice").post(url(version), {"x0": "45", "x1": "", "x2": ""})
    assert f"{answer['probabilities']['good'] * 100:.1f} %" in text(response)


def test_values_that_training_never_saw_are_marked(browser_of: Browser, version: ModelVersion) -> None:
    shown = text(browser_of("alice").post(url(version), {"x0": "99", "x1": "2500", "x2": "Atlantis"}))
    assert "“age” lies outside what training saw (20 to 70)" in shown
    assert "Training never saw “Atlantis”" in shown


@pytest.mark.parametrize(
    ("person", "status"),
    {
        "alice": 200,
        "emil": 200,
        "mona": 200,
        "bob": 403,
        "charlie": 404,
        "dana": 404,
        "mallory": 404,
        "erin": 403,
    }.items(),
)
def test_who_may_try(browser_of: Browser, version: ModelVersion, person: str, status: int) -> None:
    assert browser_of(person).post(url(version), FORM).status_code == status


def test_a_grantee_tries(browser_of: Browser, version: ModelVersion, departments: SimpleNamespace) -> None:
    create_grant(obj=version.model, department=departments.clinic, verbs=["predict"], created_by=None)
    assert browser_of("dana").post(url(version), FORM).status_code == 200


def test_trying_is_audited_once_a_minute_and_not_logged(browser_of: Browser, version: ModelVersion) -> None:
    alice = browser_of("alice")
    for age in range(30, 40):
        alice.post(url(version), {**FORM, "x0": str(age)})
    event = AuditEvent.objects.get(verb="model_version.try")
    assert (event.actor_name, event.rule) == ("alice", "role-analyst")
    assert prediction_log.ship() == 0


def test_a_version_that_does_not_exist_is_404(browser_of: Browser, version: ModelVersion) -> None:
    assert browser_of("alice").post(url(version).replace("/1/", "/2/"), FORM).status_code == 404


def test_the_partial_stands_on_any_page(people: Any, version: ModelVersion) -> None:
    from departments.access import actor_for

    request = RequestFactory().get("/")
    request.actor = actor_for(people.alice)  # type: ignore[attr-defined]
    form = render_to_string("serving/_try_it.html", {"model_version": version}, request)
    assert f'hx-post="{url(version)}"' in form
    assert '<option value="Lyon" selected>' in form
    request.actor = actor_for(people.bob)  # type: ignore[attr-defined]
    assert "hx-post" not in render_to_string("serving/_try_it.html", {"model_version": version}, request)


@pytest.mark.parametrize(
    ("type_", "low", "high", "slider"),
    [
        ("integer", 20, 70, (20, 70, 1)), ("number", 0.013, 0.987, (0.02, 0.98, 0.01)), ("number", 1000, 4000, (1000, 4000, 10)),
        ("number", 5, 5, (None, None, None)), ("integer", 0, 1, (0, 1, 1)), ("number", None, None, (None, None, None)),
        ("number", -1e-9, 1e9, (0, 1e9, 1e7)), ("date", "2020-01-01", "2021-01-01", (None, None, None)),
    ],
)  # fmt: skip
def test_a_slider_spans_what_training_saw(type_: str, low: Any, high: Any, slider: Any) -> None:
    column = {"name": "x", "type": type_, "minimum": low, "maximum": high}
    [control] = controls_of(ModelVersion(manifest={"inputs": [column]}))
    assert (control.low, control.high, control.step) == pytest.approx(slider)


def test_every_type_has_its_control(people: Any, make_version: Any) -> None:
    from departments.access import actor_for

    more = [
        {"name": "member", "type": "boolean", "required": True, "example": True},
        {"name": "born", "type": "date", "required": True, "example": "1980-02-03"},
        {"name": "seen", "type": "datetime", "required": True, "example": "2024-05-31T14:30:00"},
        {"name": "note", "type": "text", "required": False, "example": "hello"},
        {"name": "code", "type": "text", "categories": [f"c{i}" for i in range(100)], "example": "c7"},
        *({"name": f"n{i}", "type": "number", "example": None} for i in range(9)),
    ]
    request = RequestFactory().get("/")
    request.actor = actor_for(people.alice)  # type: ignore[attr-defined]
    form = render_to_string("serving/_try_it.html", {"model_version": make_version(inputs=[*INPUTS, *more])}, request)
    drawn = ('value="true" selected', 'type="date"', 'value="1980-02-03"', 'type="datetime-local"', "<datalist")
    for part in (*drawn, 'value="hello"', "5 more inputs"):
        assert part in form
