"""Every row of a table is answered by a job: what comes of it, who may, and what is said when it cannot be."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets import parts, storage
from datasets.lineage.graph import graph
from datasets.models import Dataset, DatasetVersion
from datasets.reading import read_rejects
from departments.access import actor_for
from departments.models import Grant
from departments.quotas import ledger
from departments.services import create_grant
from jobs.models import Job
from serving import prediction_log, snapshots
from serving.batch.answering import answer_table
from serving.batch.models import BatchPrediction
from serving.models import Deployment, DeploymentState
from tests.datasets.uploads import post_dataset

URL = "/api/v1/deployments/credit-scoring/batch-predictions/"
PEOPLE = b"name,age,income,city,note\nAda,45,2500.0,Lyon,a\nBo,,900.0,Nice,b\nCy,61,,Paris,c\nDi,30,1200.5,Oz,d\n"
Api = Callable[..., APIClient]


@pytest.fixture
def people_table(api_of: Api, run_jobs: Callable[..., Any]) -> Dataset:
    """Alice's table; Bo's age, which the model needs, is missing."""
    answer = post_dataset(api_of("alice"), PEOPLE)
    run_jobs()
    return Dataset.objects.get(pk=answer.json()["id"])


def ask(client: APIClient, dataset: Dataset, **more: Any) -> Any:
    return client.post(URL, {"dataset": str(dataset.pk), **more}, format="json")


def rows_of(version: DatasetVersion) -> pl.DataFrame:
    with storage.local(version.storage_key) as path:
        return parts.scan(path).collect()


def rejected(version: DatasetVersion, person: Any) -> list[dict[str, str]]:
    text = b"".join(read_rejects(actor=actor_for(person), version=version)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def native(client: APIClient, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = client.post("/api/v1/deployments/credit-scoring/predict/", {"instances": instances}, format="json")
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def test_it_works(
    api_of: Api, deployment: Deployment, people_table: Dataset, run_jobs: Any, people: SimpleNamespace
) -> None:
    answer = ask(api_of("alice"), people_table)
    assert answer.status_code == 202, answer.json()
    assert answer.json()["state"] == "queued" and answer.json()["rows"] is None
    run_jobs()
    told = api_of("alice").get(f"{URL}{answer.json()['id']}/").json()
    assert (told["state"], told["rows"], told["rejected_rows"]) == ("succeeded", 3, 1), Job.objects.last().error
    version = DatasetVersion.objects.get(dataset=told["result"]["dataset"], number=told["result"]["version"])
    table = rows_of(version)
    kept = ["name", "age", "income", "city", "note"]
    assert table.columns == [*kept, "prediction", "probability_bad", "probability_good"]
    assert table["name"].to_list() == ["Ada", "Cy", "Di"]
    asked = [{"age": 45, "income": 2500.0, "city": "Lyon"}, {"age": 61, "city": "Paris"},
             {"age": 30, "income": 1200.5, "city": "Oz"}]  # fmt: skip
    expected = native(api_of("alice"), asked)
    assert table["prediction"].to_list() == [each["label"] for each in expected]
    assert table["probability_good"].to_list() == pytest.approx([each["probabilities"]["good"] for each in expected])
    [line] = rejected(version, people.alice)
    assert (line["line"], line["column"]) == ("2", "age") and "needs a value" in line["reason"]
    assert "Nice" in line["text"]


def test_columns_that_are_kept_and_the_name(
    api_of: Api, deployment: Deployment, people_table: Dataset, run_jobs: Any
) -> None:
    answer = ask(api_of("alice"), people_table, keep=["note", "name"], name="Scores")
    run_jobs()
    again = ask(api_of("alice"), people_table, keep=[], name="Scores")
    run_jobs()
    assert (answer.json()["result"]["name"], again.json()["result"]["version"]) == ("Scores", 2)
    first, second = DatasetVersion.objects.filter(dataset__name="Scores").order_by("number")
    assert rows_of(first).columns == ["name", "note", "prediction", "probability_bad", "probability_good"]
    assert rows_of(second).columns == ["prediction", "probability_bad", "probability_good"]


def test_a_name_that_is_taken_by_another_table(api_of: Api, deployment: Deployment, people_table: Dataset) -> None:
    assert ask(api_of("alice"), people_table, name="People").json()["code"] == "name_taken"


def test_where_it_came_from_is_kept(
    api_of: Api, deployment: Deployment, people_table: Dataset, run_jobs: Any, people: SimpleNamespace
) -> None:
    ask(api_of("alice"), people_table)
    run_jobs()
    version = DatasetVersion.objects.exclude(dataset=people_table).get()
    found = graph(actor_for(people.alice), ("version", version.pk))
    assert found is not None
    used = {edge[0] for edge in found.edges if edge[1] == ("version", version.pk)}
    assert used == {("version", people_table.versions.get().pk), ("deployment", deployment.pk)}
    assert version.origin["kind"] == "batch" and version.origin["version"] == 1


def test_it_is_audited_and_counted(api_of: Api, deployment: Deployment, people_table: Dataset, run_jobs: Any) -> None:
    before = ledger.used([deployment.department_id], "predictions")[deployment.department_id]
    ask(api_of("alice"), people_table)
    run_jobs()
    assert ledger.used([deployment.department_id], "predictions")[deployment.department_id] == before + 3
    assert sum(prediction_log.recomputed().values()) == 3
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"deployment.batch", "dataset.predict", "deployment.predict", "dataset.version_ready"} <= verbs


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        (b"name,income\nAda,1\nBo,2\n", "age", "needs this column"),
        (b"age,income\nold,1\nyoung,2\n", "age", "reads integer, and the table holds text"),
    ],
)
def test_a_table_that_does_not_fit(
    api_of: Api, deployment: Deployment, run_jobs: Any, content: bytes, field: str, says: str
) -> None:
    made = post_dataset(api_of("alice"), content)
    run_jobs()
    answer = ask(api_of("alice"), Dataset.objects.get(pk=made.json()["id"]))
    assert (answer.status_code, answer.json()["code"]) == (422, "columns_do_not_fit")
    [error] = answer.json()["errors"]
    assert error["field"] == field and says in error["message"]
    assert not BatchPrediction.objects.exists()


def test_what_cannot_be_asked(api_of: Api, deployment: Deployment, people_table: Dataset) -> None:
    assert ask(api_of("alice"), people_table, version=7).json()["errors"][0]["field"] == "version"
    assert ask(api_of("alice"), people_table, keep=["nme"]).json()["errors"][0]["field"] == "keep"
    Deployment.objects.update(state=DeploymentState.PAUSED)
    assert ask(api_of("alice"), people_table).json()["code"] == "paused"


def test_a_table_of_which_no_row_can_be_read(api_of: Api, deployment: Deployment, run_jobs: Any) -> None:
    made = post_dataset(api_of("alice"), b"name,age\nAda,1.5\nBo,2.5\n")
    run_jobs()
    ask(api_of("alice"), Dataset.objects.get(pk=made.json()["id"]))
    run_jobs()
    batch = BatchPrediction.objects.get()
    assert batch.state == "failed" and batch.job.error["code"] == "nothing_answered"
    assert "age" in batch.job.error["hint"] and "1.5" not in str(batch.job.error)
    assert batch.result.state == "failed"
    assert not ledger.used([deployment.department_id], "predictions")[deployment.department_id]


@pytest.mark.parametrize(
    ("person", "status"), [("bob", 403), ("emil", 202), ("charlie", 404), ("erin", 403), ("mallory", 404)]
)
def test_who_may_ask(api_of: Api, deployment: Deployment, people_table: Dataset, person: str, status: int) -> None:
    assert ask(api_of(person), people_table).status_code == status


@pytest.fixture
def grant_to_clinic(departments: SimpleNamespace, people: SimpleNamespace) -> Callable[..., Grant]:
    def grant(obj: Any, verbs: list[str], **terms: Any) -> Grant:
        return create_grant(obj=obj, department=departments.clinic, verbs=verbs, created_by=people.mona, **terms)

    return grant


def test_another_departments_rows_need_export(
    api_of: Api,
    deployment: Deployment,
    people_table: Dataset,
    run_jobs: Any,
    grant_to_clinic: Any,
    people: SimpleNamespace,
) -> None:
    """And then the grant's columns, masks and rows are all that is read, kept or told."""
    grant_to_clinic(deployment.model_version.model, ["discover", "predict"])
    first = grant_to_clinic(people_table, ["discover", "preview"])
    assert ask(api_of("dana"), people_table).status_code == 403
    first.delete()
    terms = {"columns": ["name", "age", "income"], "rows": ["age >= 40"], "masks": {"name": {"kind": "hide"}}}
    grant_to_clinic(people_table, ["discover", "preview", "export"], **terms)
    answer = ask(api_of("dana"), people_table)
    assert answer.status_code == 202, answer.json()
    run_jobs()
    batch = BatchPrediction.objects.get()
    assert batch.department.slug == "clinic" and batch.state == "succeeded", batch.job.error
    table = rows_of(batch.result)
    assert table.columns == ["age", "income", "prediction", "probability_bad", "probability_good"]
    assert table["age"].to_list() == [45, 61]
    assert api_of("alice").get(URL).json()["results"] == []
    assert len(api_of("dana").get(URL).json()["results"]) == 1


def test_a_right_that_ends_before_the_job_begins(
    api_of: Api, deployment: Deployment, people_table: Dataset, run_jobs: Any, grant_to_clinic: Any
) -> None:
    grant_to_clinic(deployment.model_version.model, ["discover", "predict"])
    grant = grant_to_clinic(people_table, ["discover", "preview", "export"])
    assert ask(api_of("dana"), people_table).status_code == 202
    grant.delete()
    run_jobs()
    batch = BatchPrediction.objects.get()
    assert (batch.state, batch.result.state) == ("failed", "failed")


def test_rows_plus_rejected_are_all_that_were_read(deployment: Deployment, tmp_path: Path) -> None:
    """More faulty rows in a block than one refusal names, blocks that end oddly, and none in the last."""
    count = 4321
    ages = [None if i % 3 == 0 and i < 4000 else 20 + i % 50 for i in range(count)]
    pl.DataFrame({"age": ages, "income": [float(i) for i in range(count)]}).write_parquet(tmp_path / "rows.parquet")
    snapshot = snapshots.build(snapshots.rows().get())
    seen: list[float] = []
    counts = answer_table(
        snapshot, tmp_path / "rows.parquet", tmp_path / "out.parquet", tmp_path / "rejects.csv", keep=["income"],
        step=lambda fraction, _note: seen.append(fraction),
    )  # fmt: skip
    bad = sum(age is None for age in ages)
    assert (counts.answered, counts.rejected, counts.read) == (count - bad, bad, count)
    assert pl.read_parquet(tmp_path / "out.parquet")["income"].to_list() == [
        float(i) for i, age in enumerate(ages) if age is not None
    ]
    lines = list(csv.DictReader((tmp_path / "rejects.csv").open()))
    assert [int(line["line"]) for line in lines] == [i + 1 for i, age in enumerate(ages) if age is None]
    assert seen[-1] == 1.0 and seen == sorted(seen)


def test_names_of_kept_columns_stay_their_own(deployment: Deployment, tmp_path: Path) -> None:
    pl.DataFrame({"age": [30], "prediction": ["old"]}).write_parquet(tmp_path / "rows.parquet")
    snapshot = snapshots.build(snapshots.rows().get())
    answer_table(
        snapshot, tmp_path / "rows.parquet", tmp_path / "out.parquet", tmp_path / "rejects.csv", keep=["prediction"],
        step=lambda _fraction, _note: None,
    )  # fmt: skip
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert table.columns[:2] == ["prediction", "prediction_"] and table["prediction"].to_list() == ["old"]


def test_the_page_checks_the_columns_and_begins(
    browser_of: Any, deployment: Deployment, people_table: Dataset, run_jobs: Any
) -> None:
    alice = browser_of("alice")
    page = alice.get(f"/deployments/credit-scoring/batches/?dataset={people_table.pk}")
    assert page.status_code == 200 and b"Predict 4 rows" in page.content and b"Fits" in page.content
    begun = alice.post("/deployments/credit-scoring/batches/", {"dataset": people_table.pk, "keep": ["name"]})
    assert begun.status_code == 302
    run_jobs()
    listed = alice.get("/deployments/credit-scoring/batches/").content.decode()
    assert "predicted by credit-scoring v1" in listed
    assert alice.post("/deployments/credit-scoring/batches/", {}).status_code == 422
    assert b"Predict a whole table" not in browser_of("bob").get("/deployments/credit-scoring/batches/").content
