"""Joining another data set: what the department may read and no more, kept with the recipe for one row."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset
from departments.ending import revoke_grant
from departments.models import Grant
from departments.services import create_grant
from tests.datasets.uploads import PEOPLE_CSV, post_dataset

CITIES = b"person,city,rent\nAda,Lyon,900\nBo,Lille,700\nZoe,Nice,1200\n"


@pytest.fixture
def people_table(api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> Dataset:
    answer = post_dataset(api_of("dana"), PEOPLE_CSV, department="clinic")
    run_jobs()
    return Dataset.objects.get(pk=answer.json()["id"])


@pytest.fixture
def cities(api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> Dataset:
    """Credit Risk's, on which Dana's clinic holds no grant yet."""
    answer = post_dataset(api_of("alice"), CITIES, name="Cities")
    run_jobs()
    return Dataset.objects.get(pk=answer.json()["id"])


def steps(cities: Dataset, **params: Any) -> list[dict[str, Any]]:
    asked = {"table": f"{cities.pk}@1", "keys": {"name": "person"}, "columns": ["city", "rent"], **params}
    return [{"step": "join", "params": asked}]


def tried(client: APIClient, dataset: Dataset, steps: Any) -> Any:
    return client.post("/api/v1/recipes/preview/", {"dataset": str(dataset.pk), "steps": steps}, format="json")


def grant(cities: Dataset, departments: SimpleNamespace, people: SimpleNamespace, **terms: Any) -> Grant:
    given = {"verbs": ["discover", "preview"], **terms}
    return create_grant(obj=cities, department=departments.clinic, created_by=people.mona, **given)


def test_it_works_while_the_grant_lives(
    api_of: Callable[..., APIClient],
    people_table: Dataset,
    cities: Dataset,
    departments: SimpleNamespace,
    people: SimpleNamespace,
) -> None:
    dana = api_of("dana")
    given = grant(cities, departments, people)
    report = tried(dana, people_table, steps(cities)).json()
    assert report["steps"][0]["columns_added"] == ["city", "rent"]
    found = {row["name"]: (row["city"], row["rent"]) for row in report["after"]}
    assert found["Ada"] == ("Lyon", 900) and (None, None) in found.values()
    assert AuditEvent.objects.filter(verb="dataset.join", object_id=cities.pk).exists()
    revoke_grant(grant=given)
    report = tried(dana, people_table, steps(cities)).json()
    assert "cannot be read" in report["steps"][0]["error"]


def test_what_the_grant_hides_cannot_be_joined(
    api_of: Callable[..., APIClient],
    people_table: Dataset,
    cities: Dataset,
    departments: SimpleNamespace,
    people: SimpleNamespace,
) -> None:
    grant(cities, departments, people, columns=["person", "city"])
    answer = tried(api_of("dana"), people_table, steps(cities))
    error = answer.json()["steps"][0]["errors"][0]
    assert error["field"] == "steps[0].params.columns" and "no column 'rent'" in error["message"]
    report = tried(api_of("dana"), people_table, steps(cities, columns=["city"])).json()
    assert "rent" not in str(report["after"])


@pytest.mark.parametrize("reference", ["", "x", "00000000-0000-0000-0000-000000000000@1"])
def test_what_is_no_table_is_refused(
    api_of: Callable[..., APIClient], people_table: Dataset, cities: Dataset, reference: str
) -> None:
    body = {"dataset": str(people_table.pk), "steps": steps(cities, table=reference)}
    answer = api_of("dana").post("/api/v1/recipes/", body, format="json")
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "steps[0].params.table"


def test_the_form_offers_what_may_be_read(
    browser_of: Callable[..., Any],
    people_table: Dataset,
    cities: Dataset,
    departments: SimpleNamespace,
    people: SimpleNamespace,
) -> None:
    url = f"/datasets/{people_table.pk}/recipe/"
    dana = browser_of("dana")
    dana.post(url, {"act": "add", "step": "join"})
    assert "Cities" not in dana.get(f"{url}?step=0").content.decode()
    grant(cities, departments, people)
    assert "Cities · Credit Risk · v1" in dana.get(f"{url}?step=0").content.decode()
