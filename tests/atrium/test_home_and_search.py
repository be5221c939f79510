"""Home and the search palette show what the person may see, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from datasets.models import Dataset, DatasetVersion
from departments.services import create_grant


@pytest.fixture
def loans(people: SimpleNamespace, departments: SimpleNamespace) -> Dataset:
    dataset = Dataset.objects.create(department=departments.credit_risk, name="Loans 2025", created_by=people.alice)
    DatasetVersion.objects.create(
        dataset=dataset, department=departments.credit_risk, number=1, state="ready", rows=1000, columns=21
    )
    return dataset


def test_an_empty_department_gets_three_steps(browser_of: Callable[[str], Client]) -> None:
    page = browser_of("charlie").get("/").content.decode()
    assert "in three steps" in page and 'href="/datasets/new/"' in page


def test_the_steps_lead_to_the_data_that_is_there(loans: Dataset, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("alice").get("/").content.decode()
    assert "Loans 2025" in page and f"/runs/new/?dataset={loans.pk}" in page and "1,000 rows × 21 columns" in page


def test_granted_data_is_there_and_its_end_is_announced(
    loans: Dataset, people: SimpleNamespace, departments: SimpleNamespace, browser_of: Callable[[str], Client]
) -> None:
    from datetime import timedelta

    from django.utils import timezone

    soon = timezone.now() + timedelta(days=6)
    create_grant(obj=loans, department=departments.clinic, verbs=["discover"], created_by=people.mona, expires_at=soon)
    page = browser_of("dana").get("/").content.decode()
    assert "Loans 2025" in page and "in 6 days" in page
    assert "Loans 2025" not in browser_of("charlie").get("/").content.decode()


@pytest.mark.parametrize(("name", "words"), [("mallory", "You belong to no department yet"), ("erin", "Open Admin")])
def test_who_belongs_nowhere_is_told_what_to_do(browser_of: Callable[[str], Client], name: str, words: str) -> None:
    assert words in browser_of(name).get("/").content.decode()


@pytest.mark.parametrize(("name", "finds"), [("alice", True), ("erin", True), ("charlie", False), ("mallory", False)])
def test_search_finds_what_is_visible(
    loans: Dataset, browser_of: Callable[[str], Client], name: str, finds: bool
) -> None:
    assert ("Loans 2025" in browser_of(name).get("/search/", {"q": "oans"}).content.decode()) is finds


def test_search_with_odd_words(browser_of: Callable[[str], Client]) -> None:
    alice = browser_of("alice")
    for query in ("", "%", "_", "\x00", "<script>", "a" * 5000, "'; --"):
        answer = alice.get("/search/", {"q": query})
        assert answer.status_code == 200 and "<script>" not in answer.content.decode()


def test_home_asks_the_database_equally_often(
    loans: Dataset, people: SimpleNamespace, browser_of: Callable[[str], Client], django_assert_max_num_queries: Any
) -> None:
    for i in range(30):
        Dataset.objects.create(department=loans.department, name=f"more {i}", created_by=people.alice)
    alice = browser_of("alice")
    with django_assert_max_num_queries(14):
        alice.get("/")
