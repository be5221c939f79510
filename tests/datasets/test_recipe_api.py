"""Recipes over REST: kept, changed, previewed; the right statuses for those who may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset, Recipe
from tests.datasets.uploads import PEOPLE_CSV, post_dataset

STEPS = [
    {"step": "missing", "columns": ["age"], "params": {"method": "mean"}},
    {"step": "normalise", "columns": ["age", "income"]},
]
FULL = [
    {
        "step": "missing",
        "columns": ["age"],
        "params": {"method": "mean", "value": None, "indicator": False},
        "enabled": True,
    },
    {"step": "normalise", "columns": ["age", "income"], "params": {"method": "zscore"}, "enabled": True},
]


@pytest.fixture
def dataset(api_of: Callable[..., APIClient], run_jobs: Callable[..., Any]) -> Dataset:
    """Alice's data set: name, age, income, member; one age and one income are missing."""
    answer = post_dataset(api_of("alice"), PEOPLE_CSV)
    run_jobs()
    return Dataset.objects.get(pk=answer.json()["id"])


@pytest.fixture
def recipe(api_of: Callable[..., APIClient], dataset: Dataset) -> dict[str, Any]:
    return make(api_of("alice"), dataset).json()


def make(client: APIClient, dataset: Dataset, **body: Any) -> Any:
    return client.post("/api/v1/recipes/", {"dataset": str(dataset.pk), "steps": STEPS, **body}, format="json")


def test_it_works(api_of: Callable[..., APIClient], dataset: Dataset) -> None:
    answer = make(api_of("alice"), dataset, name="For scoring")
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["name"], made["department"], made["steps"]) == ("For scoring", "credit-risk", FULL)
    assert api_of("alice").get(made["url"]).json() == made
    assert AuditEvent.objects.get(verb="recipe.create").details == {"steps": ["missing", "normalise"]}


def test_change_keeps_the_steps_before(api_of: Callable[..., APIClient], recipe: dict[str, Any]) -> None:
    client = api_of("alice")
    etag = client.get(recipe["url"])["ETag"]
    changed = client.patch(recipe["url"], {"steps": FULL[:1], "name": "Short"}, format="json", HTTP_IF_MATCH=etag)
    assert changed.status_code == 200 and changed.json()["steps"] == FULL[:1] and changed.json()["name"] == "Short"
    assert Recipe.objects.get().history == [FULL]
    stale = client.patch(recipe["url"], {"steps": []}, format="json", HTTP_IF_MATCH=etag)
    assert stale.status_code == 412
    assert Recipe.objects.get().steps == FULL[:1]


def test_delete(api_of: Callable[..., APIClient], recipe: dict[str, Any]) -> None:
    assert api_of("alice").delete(recipe["url"]).status_code == 204
    assert not Recipe.objects.exists()


def test_preview_of_a_kept_recipe(api_of: Callable[..., APIClient], recipe: dict[str, Any]) -> None:
    report = api_of("bob").post(f"{recipe['url']}preview/", {"limit": 2}, format="json").json()
    filled, scaled = report["steps"]
    assert (filled["rows_before"], filled["rows_after"], filled["cells_changed"]) == (3, 3, 1)
    assert scaled["columns"][0]["after"]["mean"] == pytest.approx(0, abs=1e-12)
    assert [row["age"] for row in report["before"]] == [36, None]
    assert report["version"] == 1 and report["rows_measured"] == 3
    assert AuditEvent.objects.filter(verb="dataset.recipe_preview", actor_name="bob").count() == 1


def test_preview_without_keeping(api_of: Callable[..., APIClient], dataset: Dataset) -> None:
    body = {"dataset": str(dataset.pk), "steps": [*STEPS, {"step": "log", "columns": ["agee"]}], "focus": 0}
    report = api_of("alice").post("/api/v1/recipes/preview/", body, format="json").json()
    assert report["steps"][2]["errors"] == [
        {"field": "steps[2].columns[0]", "message": "there is no column 'agee'; did you mean 'age'?"}
    ]
    assert [row["age"] for row in report["after"]] == [36, 43.5, 51]
    assert not Recipe.objects.exists()


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"step": "missing", "columns": ["agee"]}], "steps[0].columns[0]"),
        ([{"step": "outliers", "params": {"threshold": "far"}}], "steps[0].params.threshold"),
        ([{"step": "bake"}], "steps[0].step"),
        ({"step": "missing"}, "steps"),
        ([None], "steps[0]"),
        ("missing", "steps"),
        ([{"step": ["missing"]}], "steps[0].step"),
        ([{"step": "missing", "params": {"method": {"a": 1}}}], "steps[0].params.method"),
    ],
)
def test_mistakes_are_422_with_their_path(
    api_of: Callable[..., APIClient], dataset: Dataset, steps: Any, field: str
) -> None:
    answer = make(api_of("alice"), dataset, steps=steps)
    assert answer.status_code == 422 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert not Recipe.objects.exists()


def test_no_ready_version_says_so(api_of: Callable[..., APIClient]) -> None:
    client = api_of("alice")
    waiting = Dataset.objects.get(pk=post_dataset(client).json()["id"])
    answer = make(client, waiting)
    assert (answer.status_code, answer.json()["code"]) == (409, "no-ready-version")


def test_readers_and_strangers(api_of: Callable[..., APIClient], dataset: Dataset, recipe: dict[str, Any]) -> None:
    viewer = api_of("bob")
    assert viewer.get(recipe["url"]).status_code == 200
    assert make(viewer, dataset).status_code == 403
    assert viewer.patch(recipe["url"], {"steps": []}, format="json").status_code == 403
    assert viewer.delete(recipe["url"]).status_code == 403
    admin = api_of("erin")
    assert admin.post(f"{recipe['url']}preview/", {}, format="json").status_code == 403
    for stranger in ("charlie", "mallory", "dana"):
        client = api_of(stranger)
        assert make(client, dataset).status_code == 404
        assert client.get(recipe["url"]).status_code == 404
        assert client.get("/api/v1/recipes/").json()["results"] == []
        assert client.post(f"{recipe['url']}preview/", {}, format="json").status_code == 404


def test_granted_department_prepares_for_itself(
    api_of: Callable[..., APIClient], people: SimpleNamespace, departments: SimpleNamespace, dataset: Dataset
) -> None:
    from departments.services import create_grant

    grant = {"verbs": ["discover", "preview"], "purpose": "study", "expires_at": timezone.now() + timedelta(days=1)}
    create_grant(obj=dataset, department=departments.clinic, created_by=people.mona, **grant)
    made = make(api_of("dana"), dataset)
    assert made.status_code == 201 and made.json()["department"] == "clinic"
    assert api_of("alice").get(made.json()["url"]).status_code == 404


def test_a_grant_that_ended_ends_the_work(
    api_of: Callable[..., APIClient], people: SimpleNamespace, departments: SimpleNamespace, dataset: Dataset
) -> None:
    from departments.ending import revoke_grant
    from departments.services import create_grant

    grant = create_grant(
        obj=dataset, department=departments.clinic, verbs=["discover", "preview"], created_by=people.mona
    )
    dana = api_of("dana")
    url = make(dana, dataset).json()["url"]
    revoke_grant(grant=grant)
    assert dana.post(f"{url}preview/", {}, format="json").status_code == 404
    assert dana.patch(url, {"steps": []}, format="json").status_code == 404


def test_one_departments_right_makes_no_recipe_in_another(
    api_of: Callable[..., APIClient], people: SimpleNamespace, departments: SimpleNamespace, dataset: Dataset
) -> None:
    from departments.models import Membership

    Membership.objects.create(department=departments.retail, person=people.alice, role="analyst")
    assert make(api_of("alice"), dataset, department="retail").status_code == 404
    assert make(api_of("alice"), dataset, department="credit-risk").status_code == 201


def test_steps_declare_themselves(api_of: Callable[..., APIClient]) -> None:
    declared = {step["name"]: step for step in api_of("alice").get("/api/v1/steps/").json()["results"]}
    assert {"duplicates", "missing", "outliers", "normalise", "encode", "dates", "drop", "log"} <= set(declared)
    keep, by = declared["duplicates"]["params"]
    assert by["kind"] == "column" and "text" not in by["types"] and declared["duplicates"]["group"] == "Clean"
    assert keep["choices"][:2] == ["first", "last"] and keep["default"] == "first"


def test_the_next_version_takes_the_same_recipe(
    api_of: Callable[..., APIClient], dataset: Dataset, recipe: dict[str, Any], run_jobs: Callable[..., Any]
) -> None:
    from tests.datasets.uploads import upload

    client = api_of("alice")
    more = upload(PEOPLE_CSV + b"Di,70,1,false\n")
    assert (
        client.post(f"/api/v1/datasets/{dataset.pk}/versions/", {"file": more}, format="multipart").status_code == 201
    )
    run_jobs()
    latest = client.post(f"{recipe['url']}preview/", {}, format="json").json()
    first = client.post(f"{recipe['url']}preview/", {"version": 1}, format="json").json()
    assert (latest["version"], latest["rows"], first["version"], first["rows"]) == (2, 4, 1, 3)
