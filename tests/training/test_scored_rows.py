"""A run's scored rows are stored with its model, stay out of what is exported, and forget who is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from datasets import storage
from datasets.erasure import traces
from departments.services import create_grant
from jobs.testing import run_pending
from training import execution
from training.holdings import size_of
from training.models import ModelVersion, ScoredRows, TrainingRun
from training.scored import CALIBRATION, TEST, scored_rows

Api = Callable[..., APIClient]


def limits_of(version: Any) -> list[float]:
    with storage.local(version.storage_key) as path:
        return pl.read_parquet(path)["limit"].to_list()


@pytest.fixture
def model(linear_run: Callable[..., Any]) -> ModelVersion:
    linear_run()
    run_pending()
    return ModelVersion.objects.get()


def test_they_name_the_versions_rows(model: ModelVersion, version: Any) -> None:
    found = scored_rows(model)
    assert found is not None
    assert (len(found.of(CALIBRATION)), len(found.of(TEST))) == (40, 40)
    assert found.truth.tolist() == [limits_of(version)[row] for row in found.row]


def test_they_are_no_part_of_the_artifact(model: ModelVersion, api_of: Api, departments: SimpleNamespace) -> None:
    kept = ScoredRows.objects.get()
    assert kept.storage_key.startswith("scored/") and not kept.storage_key.startswith(model.storage_key)
    assert not [name for name in model.manifest["files"] if "scored" in name]
    assert size_of(departments.credit_risk.pk) == model.size_bytes + kept.size_bytes


@pytest.mark.django_db(transaction=True)  # files are dropped when the transaction commits
def test_the_file_goes_with_its_run(model: ModelVersion) -> None:
    key = ScoredRows.objects.get().storage_key
    run = model.run
    model.delete()
    run.delete()
    assert not ScoredRows.objects.exists() and not default_storage.exists(key)


def test_a_model_from_elsewhere_has_none(model: ModelVersion) -> None:
    assert scored_rows(ModelVersion(run=None)) is None
    ScoredRows.objects.all().delete()
    assert scored_rows(model) is None


def test_a_trial_has_them_before_it_is_promoted(version: Any, api_of: Api) -> None:
    body = {"dataset": str(version.dataset_id), "target": "limit", "family": "linear", "trials": 2,
            "params": {"epochs": 3, "optimiser": "adamw"}, "search": {"learning_rate": [0.01, 0.1]}}  # fmt: skip
    assert api_of("alice").post("/api/v1/studies/", body).status_code == 202
    run_pending()
    assert ScoredRows.objects.count() == TrainingRun.objects.count() == 2
    assert scored_rows(ModelVersion.objects.get()) is not None


@pytest.mark.django_db(transaction=True)
def test_erased_rows_leave_and_the_others_close_up(model: ModelVersion, version: Any) -> None:
    before, values, old = scored_rows(model), limits_of(version), ScoredRows.objects.get().storage_key
    assert before is not None
    gone = [int(before.of(TEST).row[0]), int(before.of(CALIBRATION).row[3]), 0]
    assert traces.forget_rows(version.pk, gone)["scored_rows"] == 1
    after = scored_rows(model)
    assert after is not None and len(after) == len(before) - len(set(gone) & set(before.row.tolist()))
    left = [value for place, value in enumerate(values) if place not in gone]
    assert after.truth.tolist() == [left[row] for row in after.row]
    assert not {values[row] for row in gone} & set(after.truth)
    assert not default_storage.exists(old)


def test_what_a_grant_gave_is_numbered_by_what_was_given(
    version: Any, api_of: Api, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    create_grant(
        obj=version.dataset, department=departments.clinic, verbs=["preview", "train"], created_by=people.mona,
        rows=["age>=40"],
    )  # fmt: skip
    body = {"dataset": str(version.dataset_id), "target": "limit", "family": "linear", "params": {"epochs": 3}}
    assert api_of("dana").post("/api/v1/runs/", body).status_code == 202
    run_pending()
    model = ModelVersion.objects.get()
    with storage.local(version.storage_key) as path:
        given = pl.read_parquet(path).filter(pl.col("age") >= 40)["limit"].to_list()
    found = scored_rows(model)
    assert found is not None and found.truth.tolist() == [given[row] for row in found.row]
    # A forgotten person's number in the whole table says nothing about the part that was given.
    traces.forget_rows(version.pk, [5])
    assert scored_rows(model) is None


def test_rows_of_a_table_that_was_erased_meanwhile_are_not_kept(
    linear_run: Callable[..., Any], version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear_run()
    trained = execution.train

    def train_while_someone_is_forgotten(*given: Any, **named: Any) -> Any:
        report = trained(*given, **named)
        type(version).objects.filter(pk=version.pk).update(storage_key="tables/other.json")
        return report

    monkeypatch.setattr(execution, "train", train_while_someone_is_forgotten)
    run_pending()
    assert TrainingRun.objects.get().state == "succeeded"
    assert not ScoredRows.objects.exists()
