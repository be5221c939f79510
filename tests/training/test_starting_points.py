"""A use is chosen, its columns are mapped, and a model comes of it: for every starting point, on its own example."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from django.test import Client
from rest_framework.test import APIClient

from datasets.models import Dataset, Recipe
from departments.access import actor_for
from jobs.testing import run_pending
from training import starting
from training.models import ModelVersion, TrainingRun
from training.starting_points import STARTING_POINTS
from training.starting_points._base import FIELDS, StartingPoint, match, over

NAMES = STARTING_POINTS.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_declaration_is_whole(name: str) -> None:
    """Its example holds its columns, its steps and demands name its columns, its explanation says what to beware of."""
    point = STARTING_POINTS[name]
    header = pl.read_csv(io.BytesIO(point.example()), n_rows=5).columns
    assert {column.name for column in point.asked} <= set(header)
    known = {column.name for column in point.columns}
    assert {column for step in point.steps for column in step["columns"]} <= known
    assert set(point.training.get("monotone", {})) <= known
    assert point.field in FIELDS and [part.title for part in point.explanation][-1] == "What to beware of"
    assert point.is_simulated == ("simulated" in point.example_name)


@pytest.fixture
def bring(people: SimpleNamespace, departments: SimpleNamespace) -> Callable[[StartingPoint], Dataset]:
    """The point's example as a data set of Credit Risk, read."""

    def bring(point: StartingPoint) -> Dataset:
        alice = actor_for(people.alice)
        dataset = starting.example_for(actor=alice, department=departments.credit_risk, point=point)
        run_pending()
        return dataset

    return bring


def begin(point: StartingPoint, dataset: Dataset, people: SimpleNamespace, **mapping: str) -> TrainingRun:
    actor, version = actor_for(people.alice), dataset.versions.get()
    table = starting.services.table_for(
        actor, version, starting.services.require_train(actor, dataset, dataset.department)
    )
    whole = {**starting.proposed(point, table), **mapping}
    return starting.begin(actor=actor, department=dataset.department, version=version, point=point, mapping=whole)


@pytest.mark.parametrize("name", NAMES)
def test_each_goes_the_whole_way(bring: Any, people: SimpleNamespace, name: str) -> None:
    point = STARTING_POINTS[name]
    if "preset" in point.training:  # what the preset does is tested elsewhere: here it need not be given its whole time
        point = replace(point, training={**point.training, "preset": "fast"})
    run = begin(point, bring(point), people)
    run_pending()
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    metric = run.report["score"]["metric"]
    assert run.metrics["test"][metric] < run.baseline["test"][metric]
    version = ModelVersion.objects.get(run=run)
    assert version.card["starting_point"]["name"] == name
    # Of these real diagnoses single measurements tell nearly all: the finding that asks about it is right to.
    known = {"leakage"} if name == "disease_prediction" else set()
    assert {found["check"] for found in run.findings if found["severity"] == "error"} <= known


def test_other_names_are_matched_and_mapped() -> None:
    point = STARTING_POINTS["predictive_maintenance"]
    theirs = [
        ("UDI", "integer"), ("Type", "text"), ("Air temperature [K]", "number"), ("Process temperature [K]", "number"),
        ("Rotational speed [rpm]", "integer"), ("Torque [Nm]", "number"), ("Tool wear [min]", "integer"),
        ("Machine failure", "integer"),
    ]  # fmt: skip
    mapping = match(point, theirs)
    assert mapping["tool_wear_min"] == "Tool wear [min]" and mapping["state"] == "Machine failure"
    asked = over(point, mapping)
    assert asked.training["monotone"] == {"Tool wear [min]": 1} and "UDI" not in asked.features


def test_a_type_that_does_not_fit_is_not_matched() -> None:
    assert "age" not in match(STARTING_POINTS["credit_scoring"], [("age", "text")])


def test_a_scorecard_adds_up_to_the_model(bring: Any, people: SimpleNamespace, browser_of: Any) -> None:
    import math

    from serving.predictors import predictor_of
    from training.engine.scorecard import FACTOR, OFFSET
    from training.scorecards import scorecard_of

    run = begin(STARTING_POINTS["credit_scoring"], bring(STARTING_POINTS["credit_scoring"]), people)
    run_pending()
    version = ModelVersion.objects.get(run=run)
    card = scorecard_of(version)
    assert card is not None and card.event == "yes" and set(card.columns) == {
        "age", "income", "history_years", "debt_ratio", "employment"
    }  # fmt: skip
    row = {"age": 35, "income": 30_000.0, "history_years": 4, "debt_ratio": 0.3, "employment": "salaried"}
    predictor = predictor_of(version)
    flags = dict(zip(version.manifest["features"], predictor.prepare([row])[1][0], strict=True))
    points = card.base + sum(
        attribute.points
        for column, attributes in card.columns.items()
        for attribute in attributes
        if flags[f"{column}={attribute.value}"] == 1.0
    )
    chance = predictor.predict([row])[0]["probabilities"]["yes"]
    exact = OFFSET + FACTOR * math.log((1.0 - chance) / chance)
    assert points == pytest.approx(exact, abs=0.5 * (len(card.columns) + 1))
    page = browser_of("alice").get(f"/models/{version.model_id}/versions/{version.number}/").content.decode()
    assert "Scorecard" in page and "What mistakes cost" in page


def test_in_the_browser(browser_of: Callable[[str], Client], people: SimpleNamespace) -> None:
    alice = browser_of("alice")
    assert "Will this applicant fail to repay?" in alice.get("/start/").content.decode()
    asked = alice.post("/start/credit_scoring/example/")
    assert "being read" in alice.get(asked["Location"]).content.decode()
    run_pending()
    form = alice.get(asked["Location"]).content.decode()
    assert '<option value="history_years" selected>' in form
    dataset = Dataset.objects.get()
    columns = {"age": "age", "income": "income", "history_years": "income", "defaulted": "defaulted"}
    refused = alice.post(
        "/start/credit_scoring/", {"dataset": dataset.pk, **{f"mapping.{n}": c for n, c in columns.items()}}
    )
    assert refused.status_code == 422 and "is chosen twice" in refused.content.decode()
    columns["history_years"] = "history_years"
    made = alice.post(
        "/start/credit_scoring/", {"dataset": dataset.pk, **{f"mapping.{n}": c for n, c in columns.items()}}
    )
    run = TrainingRun.objects.get()
    assert made["Location"] == f"/runs/{run.pk}/"
    assert run.features == ["age", "income", "history_years"] and run.family == "linear"
    assert [step["columns"] for step in run.steps] == [["age", "income", "history_years"]] * 2
    again = alice.post("/start/credit_scoring/example/")
    assert Dataset.objects.count() == 1 and str(dataset.pk) in again["Location"]
    alice.post("/start/credit_scoring/", {"dataset": dataset.pk, **{f"mapping.{n}": c for n, c in columns.items()}})
    assert Recipe.objects.count() == 1


def test_over_rest(api_of: Callable[..., APIClient], bring: Any) -> None:
    alice, dataset = api_of("alice"), bring(STARTING_POINTS["insurance_risk"])
    listed = alice.get("/api/v1/starting-points/").json()
    assert {one["name"] for one in listed} == set(NAMES)
    url = "/api/v1/starting-points/insurance_risk/start/"
    refused = alice.post(url, {"dataset": str(dataset.pk), "mapping": {"claims": "", "driver_age": "region"}})
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == {"mapping.claims", "mapping.driver_age"}
    run = alice.post(url, {"dataset": str(dataset.pk)})
    assert run.status_code == 202, run.content
    assert run.json()["params"]["loss"] == "poisson" and run.json()["monotone"] == {"claim_free_years": -1}
    assert alice.post("/api/v1/starting-points/nothing/start/", {"dataset": str(dataset.pk)}).status_code == 404


def test_a_viewer_neither_brings_nor_starts(browser_of: Callable[[str], Client], bring: Any) -> None:
    dataset = bring(STARTING_POINTS["credit_scoring"])
    bob = browser_of("bob")
    assert bob.post("/start/credit_scoring/example/").status_code == 403
    assert bob.post("/start/credit_scoring/", {"dataset": dataset.pk}).status_code == 403
    assert browser_of("charlie").get(f"/start/credit_scoring/?dataset={dataset.pk}").status_code == 404


def test_a_preset_that_keeps_the_linear_model_alone_has_a_page(
    bring: Any, people: SimpleNamespace, browser_of: Any
) -> None:
    """Such a model lies in its graph alone: there are no weights to read a scorecard from."""
    point = STARTING_POINTS["credit_scoring"]
    run = begin(replace(point, training={"preset": "fast"}), bring(point), people)
    run_pending()
    version = ModelVersion.objects.get(run=run)
    version.family = "linear"
    version.save(update_fields=["family"])
    page = browser_of("alice").get(f"/models/{version.model_id}/versions/{version.number}/")
    assert page.status_code == 200 and "Scorecard" not in page.content.decode()
