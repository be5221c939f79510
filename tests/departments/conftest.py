"""A data set of Credit Risk in the catalogue, and a request of Retail's Charlie for it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import User
from datasets.models import Dataset
from datasets.services import create_dataset, list_dataset
from departments.access import actor_for
from departments.access_requests import request_access
from departments.models import AccessRequest, Membership
from tests.datasets.uploads import PEOPLE_CSV, upload


@pytest.fixture
def olga(people: SimpleNamespace, departments: SimpleNamespace) -> User:
    """Manager of Retail."""
    person = User.objects.create(username="olga", full_name="Olga", email="olga@example.org")
    Membership.objects.create(department=departments.retail, person=person, role="manager")
    people.olga = person
    return person


@pytest.fixture
def listed(people: SimpleNamespace, departments: SimpleNamespace, run_jobs: Callable[..., Any]) -> Dataset:
    file = upload(PEOPLE_CSV)
    made = create_dataset(actor=actor_for(people.alice), department=departments.credit_risk, name="People", file=file)
    run_jobs()
    return list_dataset(actor=actor_for(people.mona), dataset=made, listed=True)


@pytest.fixture
def ask(people: SimpleNamespace, departments: SimpleNamespace, listed: Dataset) -> Callable[..., AccessRequest]:
    """`ask(verbs=["train"])`: Charlie asks for Retail."""

    def make(**terms: Any) -> AccessRequest:
        given = {"verbs": ["preview"], "purpose": "Forecast demand", "days": 30, **terms}
        return request_access(actor=actor_for(people.charlie), target=listed, department=departments.retail, **given)

    return make


@pytest.fixture
def asked(ask: Callable[..., AccessRequest]) -> AccessRequest:
    return ask()
