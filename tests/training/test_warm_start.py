"""What did best on similar tables is tried first, across departments; nothing else crosses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from departments.access import actor_for
from jobs.models import JobLog
from jobs.testing import run_pending
from training.configuration import Request
from training.models import Study
from training.studies import start_study

Api = Callable[..., APIClient]
CANARY = "zqhidden"


@pytest.fixture
def body(version: Any) -> dict[str, Any]:
    return {
        "dataset": str(version.dataset_id),
        "target": "limit",
        "family": "linear",
        "params": {"epochs": 3, "optimiser": "adamw", "learning_rate": 0.01},
        "search": {"learning_rate": {"low": 1e-4, "high": 0.5}},
        "trials": 8,
    }


@pytest.fixture
def hidden(version: Any, people: SimpleNamespace, departments: SimpleNamespace) -> Study:
    """Retail's study of a like table, whose every name holds the canary; Alice sees nothing of it."""
    from datasets.models import Dataset, DatasetVersion

    own = {"department": departments.retail, "created_by": people.charlie}
    dataset = Dataset.objects.create(name=f"{CANARY} sales", **own)
    schema = [{**one, "name": f"{CANARY} {one['name']}"} for one in version.schema]
    by_column = {f"{CANARY} {name}": figures for name, figures in version.profile["by_column"].items()}
    theirs = DatasetVersion.objects.create(
        dataset=dataset, number=1, state="ready", rows=version.rows, columns=version.columns, schema=schema,
        storage_key=version.storage_key, sha256=version.sha256, source_name=f"{CANARY}.csv", source_key=f"{CANARY}",
        profile={**version.profile, "by_column": by_column}, **own,
    )  # fmt: skip
    study = start_study(
        actor=actor_for(people.charlie),
        department=departments.retail,
        version=theirs,
        request=Request(target=f"{CANARY} limit", family="linear", params={"epochs": 3, "optimiser": "adamw"}),
        search={"learning_rate": [0.2, 0.1, 0.0003]},
        trials=3,
        name=f"{CANARY} study",
    )
    for number, (params, value) in enumerate([(0.2, 31.4159), (0.1, 27.1828), (0.0003, 99.0)]):
        trial = study.trials.filter(number=number + 1).first() or study.trials.create(
            number=number + 1, run=_twin(study.trials.first())
        )
        trial.params, trial.value = {"learning_rate": params}, value
        trial.save()
    study.trials.all()
    from training.models import TrainingRun

    TrainingRun.objects.filter(trial__study=study).update(state="succeeded")
    from jobs.models import Job

    Job.objects.filter(run__trial__study=study).update(state="succeeded")
    Study.objects.filter(pk=study.pk).update(state="succeeded", finished_at=study.created_at)
    return study


def _twin(trial: Any) -> Any:
    run = trial.run
    run.pk, run.job, run._state.adding = None, None, True
    from uuid import uuid4

    run.pk = uuid4()
    run.save()
    return run


def test_the_best_of_similar_tables_are_tried_after_what_was_asked_for(
    api_of: Api, body: dict[str, Any], hidden: Study
) -> None:
    url = api_of("alice").post("/api/v1/studies/", body).json()["url"]
    run_pending()
    trials = api_of("alice").get(f"{url}trials/").json()["results"]
    found = [(trial["origin"], trial["params"]["learning_rate"]) for trial in trials]
    assert found[:3] == [("default", 0.01), ("similar", 0.1), ("similar", 0.2)]
    assert {origin for origin, _rate in found[3:]} == {"search"}


def test_it_can_be_left_out(api_of: Api, body: dict[str, Any], hidden: Study) -> None:
    api_of("alice").post("/api/v1/studies/", {**body, "warm_start": False})
    assert Study.objects.exclude(pk=hidden.pk).get().borrowed == []


def test_a_department_that_does_not_share_is_not_listened_to(
    api_of: Api, body: dict[str, Any], hidden: Study, departments: SimpleNamespace
) -> None:
    departments.retail.shares_tuning = False
    departments.retail.save()
    api_of("alice").post("/api/v1/studies/", body)
    assert Study.objects.exclude(pk=hidden.pk).get().borrowed == []


@pytest.mark.parametrize(
    "change",
    [{"search": {"learning_rate": {"low": 0.3, "high": 0.5}}}, {"target": "defaulted"}, {"family": "mlp"}],
    ids=["other ranges", "other task", "other family"],
)
def test_what_does_not_fit_is_not_tried(
    api_of: Api, body: dict[str, Any], hidden: Study, change: dict[str, Any]
) -> None:
    api_of("alice").post("/api/v1/studies/", {**body, **change})
    assert Study.objects.exclude(pk=hidden.pk).get().borrowed == []


def test_nothing_else_of_a_hidden_study_crosses(
    api_of: Api,
    body: dict[str, Any],
    hidden: Study,
    browser_of: Callable[[str], Client],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No name, id or score of it in any answer, page, line of a log, record or row that the other study has."""
    caplog.set_level(logging.DEBUG)
    alice, browser = api_of("alice"), browser_of("alice")
    started = alice.post("/api/v1/studies/", body)
    study = started.json()
    run_pending()
    ours = Study.objects.get(pk=study["id"])
    pages = [f"/studies/{ours.pk}/", "/studies/", f"/runs/{ours.trials.all()[1].run_id}/"]
    routes = [
        study["url"],
        f"{study['url']}trials/",
        "/api/v1/studies/",
        f"/api/v1/runs/{ours.trials.all()[1].run_id}/",
    ]
    said = [started.content, *(alice.get(route).content for route in routes)]
    said += [browser.get(page).content for page in pages]
    lines = JobLog.objects.filter(job__run__trial__study=ours).values_list("message", flat=True)
    records = AuditEvent.objects.filter(department_id=ours.department_id).values_list("details", "object_name")
    rows = [ours.meta, ours.borrowed, ours.configuration, *ours.trials.values_list("params", "run__name", "pruned")]
    everything = " ".join([*(text.decode() for text in said), *lines, str(list(records)), str(rows), caplog.text])
    secrets = [CANARY, str(hidden.pk), str(hidden.dataset_version_id), str(hidden.department_id), "31.4159", "27.1828"]
    secrets += [str(pk) for pk in hidden.trials.values_list("pk", flat=True)]
    secrets += [str(pk) for pk in hidden.trials.values_list("run", flat=True)]
    assert ours.borrowed == [{"learning_rate": 0.1}, {"learning_rate": 0.2}]
    assert not [secret for secret in secrets if secret in everything]


def test_what_is_kept_of_a_table_names_nothing(api_of: Api, body: dict[str, Any]) -> None:
    api_of("alice").post("/api/v1/studies/", {**body, "target": "defaulted"})
    meta = Study.objects.get().meta
    assert meta["task"] == "binary" and meta["rows"] == pytest.approx(2.3, abs=0.4)
    assert all(isinstance(value, int | float) for name, value in meta.items() if name != "task")
    assert meta["classes"] == 1.0 and 0.0 < meta["numeric"] < 1.0 and meta["imbalance"] == pytest.approx(0.0, abs=0.05)
