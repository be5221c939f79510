"""A recipe's outcome as a data set of its own: what is written, who may, and under whose conditions."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets import parts, storage
from datasets.lineage.graph import graph
from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.used_by import uses_of
from departments.access import actor_for
from departments.consequences import consequences_of
from departments.models import Grant
from departments.services import create_grant
from tests.datasets.uploads import PEOPLE_CSV, post_dataset

STEPS = [
    {"step": "missing", "columns": ["age"], "params": {"method": "constant", "value": "40"}},
    {"step": "derive", "params": {"name": "monthly", "expression": "income / 12"}},
    {"step": "filter", "params": {"condition": "age >= 36"}},
]


@pytest.fixture
def dataset(api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> Dataset:
    """Alice's data set: name, age, income, member; one age and one income are missing."""
    answer = post_dataset(api_of("alice"), PEOPLE_CSV)
    run_jobs()
    return Dataset.objects.get(pk=answer.json()["id"])


@pytest.fixture
def grant_to(departments: SimpleNamespace, people: SimpleNamespace) -> Callable[..., Grant]:
    """`grant_to("clinic", dataset, verbs=[…])`."""

    def grant(slug: str, obj: Dataset, verbs: list[str]) -> Grant:
        department = getattr(departments, slug)
        return create_grant(obj=obj, department=department, verbs=verbs, created_by=people.mona)

    return grant


def keep(client: APIClient, dataset: Dataset, steps: Any = STEPS, **body: Any) -> Any:
    made = client.post("/api/v1/recipes/", {"dataset": str(dataset.pk), "steps": steps, **body}, format="json")
    assert made.status_code == 201, made.json()
    return made.json()["url"]


def rows_of(version: DatasetVersion) -> pl.DataFrame:
    with storage.local(version.storage_key) as path:
        return parts.scan(path).collect()


def test_it_works(api_of: Callable[..., APIClient], dataset: Dataset, run_jobs: Callable[..., Any]) -> None:
    client = api_of("alice")
    source = rows_of(dataset.versions.get())
    answer = client.post(f"{keep(client, dataset)}prepare/", {"name": "People prepared"}, format="json")
    assert answer.status_code == 202, answer.json()
    run_jobs()
    made = DatasetVersion.objects.get(dataset_id=answer.json()["dataset"])
    assert made.state == "ready" and made.derived_from == dataset.versions.get()
    assert made.derived_by == Recipe.objects.get() and made.origin["steps"] == Recipe.objects.get().steps
    table = rows_of(made)
    expected = source.with_columns(pl.col("age").fill_null(40), (pl.col("income") / 12).alias("monthly"))
    assert table.columns == expected.columns
    assert table.to_dicts() == expected.filter(pl.col("age") >= 36).to_dicts()
    assert rows_of(dataset.versions.get()).equals(source)
    assert {"recipe.prepare", "dataset.prepare"} <= set(AuditEvent.objects.values_list("verb", flat=True))


def test_it_becomes_the_next_version(
    api_of: Callable[..., APIClient], dataset: Dataset, run_jobs: Callable[..., Any]
) -> None:
    client = api_of("alice")
    url = keep(client, dataset)
    first = client.post(f"{url}prepare/", {"name": "Prepared"}, format="json").json()["dataset"]
    run_jobs()
    again = client.post(f"{url}prepare/", {"into": first}, format="json")
    assert again.json()["number"] == 2
    run_jobs()
    one, two = DatasetVersion.objects.filter(dataset_id=first).order_by("number")
    assert one.sha256 == two.sha256


@pytest.mark.parametrize("step", ["target", "oversample", "noise"])
def test_what_belongs_to_a_training_is_refused(api_of: Callable[..., APIClient], dataset: Dataset, step: str) -> None:
    columns = {"target": ["name"], "oversample": [], "noise": ["income"]}[step]
    client = api_of("alice")
    url = keep(client, dataset, [{"step": step, "columns": columns}])
    answer = client.post(f"{url}prepare/", {"name": "No"}, format="json")
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "steps[0]"
    assert Dataset.objects.count() == 1


def test_a_copy_of_what_was_granted_needs_export(
    api_of: Callable[..., APIClient], dataset: Dataset, grant_to: Callable[..., Any], run_jobs: Callable[..., Any]
) -> None:
    dana = api_of("dana")
    grant = grant_to("clinic", dataset, verbs=["discover", "preview", "train"])
    url = keep(dana, dataset)
    answer = dana.post(f"{url}prepare/", {"name": "Copy"}, format="json")
    assert answer.status_code == 403 and "export" in answer.json()["detail"]
    assert Dataset.objects.count() == 1
    grant.verbs = [*grant.verbs, "export"]
    grant.save()
    answer = dana.post(f"{url}prepare/", {"name": "Copy"}, format="json")
    assert answer.status_code == 202
    run_jobs()
    assert Dataset.objects.get(pk=answer.json()["dataset"]).department.slug == "clinic"


def test_a_grant_that_ends_before_the_job_runs_stops_it(
    api_of: Callable[..., APIClient], dataset: Dataset, grant_to: Callable[..., Any], run_jobs: Callable[..., Any]
) -> None:
    dana = api_of("dana")
    grant = grant_to("clinic", dataset, verbs=["discover", "preview", "export"])
    made = dana.post(f"{keep(dana, dataset)}prepare/", {"name": "Copy"}, format="json").json()
    grant.verbs = ["discover", "preview"]
    grant.save()
    run_jobs()
    assert DatasetVersion.objects.get(dataset_id=made["dataset"]).state == "failed"


def test_readers_and_strangers_may_not(api_of: Callable[..., APIClient], dataset: Dataset) -> None:
    url = keep(api_of("alice"), dataset)
    for person, status in {"bob": 403, "charlie": 404, "mallory": 404}.items():
        assert api_of(person).post(f"{url}prepare/", {"name": "N"}, format="json").status_code == status, person


def test_what_was_prepared_hangs_on_its_source(
    api_of: Callable[..., APIClient], dataset: Dataset, people: SimpleNamespace, run_jobs: Callable[..., Any],
    grant_to: Callable[..., Grant],
) -> None:  # fmt: skip
    """In lineage, in “Used by”, and, kept by another department, among the consequences of the grant's end."""
    grant = grant_to("clinic", dataset, ["preview", "train", "export"])
    dana = api_of("dana")
    answer = dana.post(f"{keep(dana, dataset)}prepare/", {"name": "Borrowed"}, format="json")
    assert answer.status_code == 202, answer.json()
    run_jobs()
    made, source = DatasetVersion.objects.get(derived_from__dataset=dataset), dataset.versions.get()
    found = graph(actor_for(people.dana), ("version", made.pk))
    assert found is not None and (("version", source.pk), ("version", made.pk)) in found.edges
    groups = {each["kind"]: each for each in uses_of(dataset, actor_for(people.dana))}
    assert [use.name for use in groups["prepared"]["uses"]] == ["Borrowed v1"]
    groups = {each["kind"]: each for each in uses_of(dataset, actor_for(people.alice))}
    assert groups["prepared"]["uses"] == [], "the owner learns of it from the grant, not by its page"
    told = {group.kind: [item.name for item in group.items] for group in consequences_of(grant)}
    assert told["copies"] == ["Borrowed v1"]
