"""The catalogue: what its owner lists can be found and discovered by everyone, and nothing more of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from datasets.models import Dataset
from datasets.services import create_dataset, list_dataset
from departments.access import Verb, actor_for, decide
from departments.services import create_grant
from tests.datasets.uploads import upload

CSV = b"patient_age,Pulse\n41,zqcell\n52,88\n"


@pytest.fixture
def loans(people: SimpleNamespace, departments: SimpleNamespace, run_jobs: Callable[..., Any]) -> Dataset:
    dataset = create_dataset(
        actor=actor_for(people.alice), department=departments.credit_risk, name="loans", file=upload(CSV)
    )
    run_jobs()
    return dataset


@pytest.fixture
def listed(loans: Dataset, people: SimpleNamespace) -> Dataset:
    return list_dataset(actor=actor_for(people.mona), dataset=loans, listed=True)


def found(client: APIClient, **query: str) -> list[str]:
    return [row["name"] for row in client.get("/api/v1/datasets/", query).json()["results"]]


def test_it_is_off_until_a_manager_turns_it_on(loans: Dataset, api_of: Callable[..., APIClient]) -> None:
    assert found(api_of("charlie")) == []
    url = f"/api/v1/datasets/{loans.pk}/"
    assert api_of("alice").patch(url, {"listed": True}).status_code == 403
    assert api_of("mona").patch(url, {"listed": True}).json()["listed"] is True
    assert found(api_of("charlie")) == ["loans"]
    assert api_of("mona").patch(url, {"listed": False}).status_code == 200
    assert api_of("charlie").get(url).status_code == 404


def test_discover_and_nothing_else(listed: Dataset, people: SimpleNamespace) -> None:
    charlie = actor_for(people.charlie)
    assert {verb.value for verb in Verb if decide(charlie, verb, listed).allowed} == {"discover"}
    assert decide(charlie, Verb.DISCOVER, listed).rule == "catalogue"
    assert decide(charlie, Verb.PREVIEW, listed.versions.get()).rule == "catalogue"
    assert not decide(actor_for(people.mallory), Verb.DISCOVER, listed).visible


def test_list_and_decision_agree(listed: Dataset, people: SimpleNamespace) -> None:
    for person in vars(people).values():
        actor = actor_for(person)
        shown = Dataset.objects.visible_to(actor).filter(pk=listed.pk).exists()
        assert shown == decide(actor, Verb.DISCOVER, listed).allowed == decide(actor, Verb.TRAIN, listed).visible


def test_the_page_shows_the_schema_and_asks_no_more(listed: Dataset, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("charlie").get(f"/datasets/{listed.pk}/").content.decode()
    assert "patient_age" in page and "Credit Risk" in page and "Request access" in page
    assert "zqcell" not in page
    rows = browser_of("charlie").get(f"/api/v1/datasets/{listed.pk}/versions/1/rows/")
    assert (rows.status_code, rows.json()["code"]) == (403, "catalogue")


def test_search_by_column_and_freshness(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    charlie = api_of("charlie")
    assert found(charlie, column="PULSE") == ["loans"]
    assert found(charlie, column="salary") == []
    assert found(charlie, fresh_since=(timezone.now() - timedelta(days=7)).isoformat()) == ["loans"]
    listed.versions.update(created_at=timezone.now() - timedelta(days=8))
    assert found(charlie, fresh_since=(timezone.now() - timedelta(days=7)).isoformat()) == []


def test_a_grant_on_one_column_does_not_tell_of_the_others(
    loans: Dataset, departments: SimpleNamespace, api_of: Callable[..., APIClient]
) -> None:
    given = {"department": departments.clinic, "verbs": ["preview"], "created_by": None}
    create_grant(obj=loans, columns=["Pulse"], **given)
    assert found(api_of("dana"), column="pulse") == ["loans"]
    assert found(api_of("dana"), column="patient") == []


@pytest.mark.parametrize("query", ["?fresh=7", "?column=pulse", "?relation=discoverable", "?search=loans"])
def test_filters_of_the_page(query: str, listed: Dataset, browser_of: Callable[[str], Client]) -> None:
    assert "loans" in browser_of("charlie").get(f"/datasets/{query}").content.decode()


@pytest.mark.parametrize("query", ["?column=salary", "?relation=owned", "?search=hearts", "?department=clinic"])
def test_filters_that_leave_it_out(query: str, listed: Dataset, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("charlie").get(f"/datasets/{query}").content.decode()
    assert f"/datasets/{listed.pk}/" not in page and "Nothing fits these filters" in page
