"""The Monitoring tab and its API say what is so, and what is missing where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client
from rest_framework.test import APIClient

from datasets.services import add_version
from departments.access import actor_for
from serving.alerts import watch
from serving.models import Alert, Deployment
from serving.outcomes.services import Told, take
from tests.serving.monitoring.conftest import rows, table
from training.services import request_of, start_run

Ask = Callable[..., list[str]]
PAGE, API = "/deployments/loans/monitoring/", "/api/v1/deployments/loans/monitoring/"


def test_an_empty_page_says_what_is_missing(trained: Deployment, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("bob").get(PAGE).content.decode()
    for words in ("Too few rows to judge", "No truth arrived", "Nobody called"):
        assert words in page
    assert "Train again" not in page and "When to alert" in page


def test_a_model_from_elsewhere_says_so(
    trained: Deployment, browser_of: Callable[[str], Client], api_of: Callable[..., APIClient]
) -> None:
    manifest = {name: each for name, each in trained.model_version.manifest.items() if name != "reference"}
    type(trained.model_version).objects.filter(pk=trained.model_version_id).update(manifest=manifest)
    assert "There is nothing to compare with" in browser_of("bob").get(PAGE).content.decode()
    assert api_of("bob").get(API).json()["not_compared"] == "no_reference"


def test_figures(trained: Deployment, ask: Ask, people: SimpleNamespace, api_of: Callable[..., APIClient]) -> None:
    [request] = ask(rows(300, 8, shift=900), batch=300)
    told = [Told(request, "paid", place) for place in range(40)]
    take(actor=actor_for(people.alice), deployment=trained, told=told)
    body = api_of("bob").get(f"{API}?window=1h").json()
    assert (body["window"], body["calls"], body["rows"], body["error_share"]) == ("1h", 1, 300, 0.0)
    assert body["latency"]["p95"] > 0 and sum(each["calls"] for each in body["latency"]["histogram"]) == 1
    first, *others = body["drift"]
    assert first["column"] == "income" and first["drifted"] and first["psi"] > 1 and first["p"] < 1e-6
    assert not any(each["drifted"] for each in others)
    assert {each["test"] for each in first["tests"]} == {"ks"}
    assert body["answers"]["drifted"]
    performance = body["performance"]
    assert (performance["metric"], performance["truths"]) == ("accuracy", 40) and performance["tested"] > 0.7
    assert performance["low"] < performance["value"] <= performance["high"]
    [caller] = body["callers"]
    assert (caller["person"], caller["department"], caller["rows"], caller["share"]) == (
        "alice",
        "Credit Risk",
        300,
        1.0,
    )
    assert api_of("bob").get(f"{API}?window=2h").status_code == 422


def test_page_with_everything(
    trained: Deployment, ask: Ask, browser_of: Callable[[str], Client], people: SimpleNamespace
) -> None:
    ask(rows(300, 8, shift=900))
    watch.watch()
    page = browser_of("emil").get(f"{PAGE}?window=1h").content.decode()
    for words in ("two-histograms", "Changed", "I look after it", "Train again…", "alice"):
        assert words in page, words
    alert = Alert.objects.get(kind="drift")
    emil = browser_of("emil")
    assert emil.post(f"{PAGE}alerts/{alert.pk}/", {"do": "acknowledge"}).status_code == 302
    alert.refresh_from_db()
    assert alert.acknowledged_by == people.emil
    assert emil.post(f"{PAGE}alerts/{alert.pk}/", {"do": "close"}).status_code == 302
    assert "Earlier alerts" in emil.get(PAGE).content.decode()


def test_rules(trained: Deployment, browser_of: Callable[[str], Client], api_of: Callable[..., APIClient]) -> None:
    emil = browser_of("emil")
    asked = {"kind": "errors", "threshold": "2,5", "unit": "share", "is_on": "on"}
    assert emil.post(f"{PAGE}rules/", asked).status_code == 302
    url = "/api/v1/deployments/loans/alert-rules/"
    rules = {rule["kind"]: rule for rule in api_of("bob").get(url).json()}
    assert rules["errors"]["threshold"] == 0.025 and rules["drift"]["is_on"]
    shown = emil.post(f"{PAGE}rules/", {**asked, "threshold": "x"}, follow=True).content.decode()
    assert "a number above 0" in shown
    changed = api_of("emil").put(url, {"kind": "drift", "threshold": 0.4, "hours": 168, "is_on": False})
    assert {rule["kind"]: rule for rule in changed.json()}["drift"]["hours"] == 168
    assert api_of("emil").put(url, {"kind": "rollback", "threshold": 1}).status_code == 422


def test_alerts_over_rest(trained: Deployment, ask: Ask, api_of: Callable[..., APIClient]) -> None:
    ask(rows(300, 8, shift=900))
    watch.watch()
    found = api_of("bob").get("/api/v1/alerts/?deployment=loans&open=true&kind=drift").json()["results"]
    assert len(found) == 1 and found[0]["state"] == "raised" and "income" in found[0]["text"]
    assert api_of("charlie").get("/api/v1/alerts/").json()["results"] == []
    closed = api_of("emil").post(f"/api/v1/alerts/{found[0]['id']}/close/").json()
    assert (closed["state"], closed["closed_by"]) == ("closed", "emil")


def test_newer_data_and_a_new_version_are_proposed(
    trained: Deployment, browser_of: Callable[[str], Client], people: SimpleNamespace, run_jobs: Callable[..., Any]
) -> None:
    emil = browser_of("emil")
    dataset = trained.model_version.run.dataset_version.dataset
    add_version(actor=actor_for(people.emil), dataset=dataset, file=ContentFile(table(1500, 5), name="loans.csv"))
    run_jobs()
    page = emil.get(PAGE).content.decode()
    assert "There is a newer version of the data" in page
    url = emil.get(PAGE).context["proposal"].url
    filled = emil.get(url)
    assert filled.status_code == 200 and filled.context["version"].number == 2
    form = filled.context["form"]
    assert form.initial["target"] == "outcome" and form.initial["like"] == trained.model_version.run_id
    run = trained.model_version.run
    start_run(
        actor=actor_for(people.emil), department=trained.department, version=dataset.versions.get(number=2),
        request=request_of(run), like=run,
    )  # fmt: skip
    run_jobs()
    page = emil.get(PAGE)
    assert page.context["proposal"].trained.number == 2
    assert "Look at the new version" in page.content.decode()
