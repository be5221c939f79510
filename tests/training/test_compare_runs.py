"""Runs beside each other: curves that keep their extremes in few bytes, a table, and both as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from jobs.testing import run_pending
from training.curves import KEPT, Curve, downsample, rounded
from training.models import RunCurve, RunMetric, TrainingRun

Api = Callable[..., APIClient]


@pytest.fixture
def make_runs(people: SimpleNamespace, version: Any) -> Callable[..., list[TrainingRun]]:
    """`make_runs(3, steps=500)`: ended runs with a train_loss and a validation_loss, and another learning rate each."""

    def make(count: int, steps: int = 50, state: str = "succeeded", names: int = 2) -> list[TrainingRun]:
        made = TrainingRun.objects.bulk_create(
            TrainingRun(
                name=f"run {i}", department=version.department, created_by=people.alice, dataset_version=version,
                target="limit", task="regression", family="linear", state=state, seed=i % 2,
                params={"learning_rate": 0.1 / (i + 1), "optimiser": "adamw"}, metrics={"test": {"rmse": 1.0 + i, "r2": 0.5}},
                report={"seconds": 3.0},
            )
            for i in range(count)
        )  # fmt: skip
        random = np.random.default_rng(3)
        titles = ["validation_loss", "train_loss", *(f"metric_{i}" for i in range(names - 2))]
        for run in made:
            values = random.normal(1, 0.1, (steps, names))
            values[steps // 3, 0], values[steps // 2, 0] = 99.0, -99.0
            RunMetric.objects.bulk_create(
                RunMetric(run=run, step=step, values=dict(zip(titles, row, strict=True)))
                for step, row in enumerate(values.tolist())
            )
        return made

    return make


def ids(runs: list[TrainingRun]) -> str:
    return ",".join(str(run.pk) for run in runs)


@pytest.mark.parametrize("count", [1, 3, 9, 10, 11, 999, 5000, 12_345])
@pytest.mark.parametrize("points", [4, 50, 1000])
def test_no_peak_and_no_dip_is_lost(count: int, points: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    found = downsample(Curve(np.arange(count) * 3.0, values), points)
    assert len(found.steps) <= points and (np.diff(found.steps) > 0).all()
    assert (found.values.min(), found.values.max()) == (values.min(), values.max())
    assert (found.steps[0], found.steps[-1]) == (0, 3 * (count - 1))
    assert (found.values == values[(found.steps / 3).astype(int)]).all()


def test_rounding_keeps_four_digits_at_any_size() -> None:
    given = np.array([0.3, 1 / 3, 123_456.0, -2.54321e-7, 0.0, 99_999.0])
    assert rounded(given) == [0.3, 0.3333, 123_500.0, -2.543e-7, 0.0, 100_000.0]


def test_a_hundred_runs_fit_into_few_bytes(api_of: Api, make_runs: Callable[..., list[TrainingRun]]) -> None:
    runs = make_runs(100, steps=300, names=3)
    bob, path = api_of("bob"), f"/api/v1/runs/compare/?ids={ids(runs)}"
    while (answer := bob.get(path)).json()["pending"]:
        pass
    found = answer.json()
    assert (found["metric"], len(found["runs"])) == ("validation_loss", 100)
    assert found["metrics"] == ["metric_0", "train_loss", "validation_loss"]
    assert len(answer.content) < 300_000
    for run in found["runs"]:
        assert {99.0, -99.0} <= set(run["values"]) and len(run["values"]) <= 250
        assert np.cumsum(run["steps"])[-1] == 299


def test_an_ended_runs_curves_are_kept_and_read_from_there(
    api_of: Api, linear_run: Callable[..., Any], django_capture_on_commit_callbacks: Any
) -> None:
    run = linear_run()
    with django_capture_on_commit_callbacks(execute=True):
        run_pending()
    kept = RunCurve.objects.filter(run=run)
    assert {curve.name for curve in kept} >= {"train_loss", "validation_loss"}
    points = api_of("bob").get(f"/api/v1/runs/{run.pk}/metrics/").json()["series"]["validation_loss"]
    run.points.all().delete()
    found = api_of("bob").get(f"/api/v1/runs/compare/?ids={run.pk}").json()["runs"][0]
    assert np.cumsum(found["steps"]).tolist() == points["steps"]
    assert found["values"] == pytest.approx(points["values"], rel=1e-3)


def test_a_live_run_is_read_anew(api_of: Api, make_runs: Callable[..., list[TrainingRun]]) -> None:
    (run,) = make_runs(1, state="running")
    path = f"/api/v1/runs/compare/?ids={run.pk}&metric=train_loss"
    before = api_of("bob").get(path).json()["runs"][0]
    RunMetric.objects.create(run=run, step=77, values={"train_loss": 0.25})
    after = api_of("bob").get(path).json()["runs"][0]
    assert len(after["steps"]) == len(before["steps"]) + 1 and after["values"][-1] == 0.25
    assert not RunCurve.objects.exists()


def test_what_cannot_be_compared_is_refused(api_of: Api, make_runs: Callable[..., list[TrainingRun]]) -> None:
    (run,) = make_runs(1)
    assert api_of("bob").get("/api/v1/runs/compare/").status_code == 422
    many = ",".join([str(run.pk)] * 101)
    assert api_of("bob").get(f"/api/v1/runs/compare/?ids={many}").json()["errors"][0]["field"] == "ids"
    assert api_of("charlie").get(f"/api/v1/runs/compare/?ids={run.pk}").status_code == 404


def lines(answer: Any) -> list[list[str]]:
    raw = b"".join(answer.streaming_content).decode()
    return list(csv.reader(io.StringIO(raw)))


def test_every_point_as_csv(api_of: Api, make_runs: Callable[..., list[TrainingRun]]) -> None:
    runs = make_runs(2, steps=KEPT + 500)
    TrainingRun.objects.filter(pk=runs[0].pk).update(name="=cmd()")
    answer = api_of("bob").get(f"/api/v1/runs/compare/?ids={ids(runs)}&metric=train_loss&as=csv")
    found = lines(answer)
    assert found[0] == ["run", "id", "metric", "step", "value"] and len(found) == 1 + 2 * (KEPT + 500)
    assert found[1][0] == "'=cmd()", "a spreadsheet would run it"


def test_the_page_shows_what_differs(
    browser_of: Callable[[str], Client], make_runs: Callable[..., list[TrainingRun]]
) -> None:
    runs = make_runs(3)
    page = browser_of("bob").get(f"/runs/compare/?ids={ids(runs)}")
    text = page.content.decode()
    assert "Where the configurations differ" in text and "Learning rate" in text and "Optimiser" not in text
    assert [column.label for column in page.context["differences"]] == ["Seed", "Learning rate"]
    assert page.context["chart"]["axes"][-1]["name"] == "rmse" and 'id="compare-chart"' in text
    found = lines(browser_of("bob").get(f"/runs/compare/?ids={ids(runs)}&as=csv"))
    assert found[0][:4] == ["Run", "State", "id", "Root mean squared error"] and len(found) == 4


def test_ticked_runs_get_an_address(
    browser_of: Callable[[str], Client], make_runs: Callable[..., list[TrainingRun]]
) -> None:
    runs = make_runs(2)
    answer = browser_of("bob").get("/runs/compare/", {"id": [str(run.pk) for run in runs]})
    assert answer["Location"] == f"/runs/compare/?ids={ids(runs)}"


def test_the_page_costs_the_same_for_more_runs(
    browser_of: Callable[[str], Client], make_runs: Callable[..., list[TrainingRun]]
) -> None:
    bob, costs = browser_of("bob"), []
    for count in (3, 40):
        path = f"/runs/compare/?ids={ids(make_runs(count, steps=4))}"
        with CaptureQueriesContext(connection) as queries:
            assert bob.get(path).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 8, costs


def test_the_list_sorts_and_narrows_by_its_address(
    browser_of: Callable[[str], Client], make_runs: Callable[..., list[TrainingRun]]
) -> None:
    make_runs(3, steps=1)
    bob = browser_of("bob")

    def names(query: str) -> list[str]:
        return [run.name for run in bob.get(f"/runs/?{query}").context["page"].rows]

    assert names("sort=error") == ["run 0", "run 1", "run 2"] and names("sort=-error") == ["run 2", "run 1", "run 0"]
    assert names("sort=-name&q=run") == ["run 2", "run 1", "run 0"]
    assert len(names("sort=nonsense&page=x")) == 3 and names("sort=name&page=2") == []
    assert names("family=trees") == names("target=age") == names("by=me") == []
    assert len(names("family=linear&target=limit")) == 3


def test_a_view_is_a_persons_own_name_for_an_address(
    browser_of: Callable[[str], Client], people: SimpleNamespace
) -> None:
    bob, body = browser_of("bob"), {"page": "runs", "name": "Failed", "query": "state=failed&before=x"}
    answer = bob.post("/runs/views/", body)
    assert answer["Location"] == "/runs/?state=failed"
    bob.post("/runs/views/", {**body, "query": "state=failed&sort=time"})
    assert "?state=failed&amp;sort=time" in bob.get("/runs/").content.decode()
    assert "Failed</a>" not in browser_of("alice").get("/runs/").content.decode()
    view = people.bob.run_views.get()
    assert browser_of("alice").post(f"/runs/views/{view.pk}/remove/").status_code == 404
    bob.post(f"/runs/views/{view.pk}/remove/")
    assert not people.bob.run_views.exists()
    bob.post("/runs/views/", {**body, "name": " "})
    assert not people.bob.run_views.exists()
