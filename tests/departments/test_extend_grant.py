"""The grantee prolongs a grant as its owner allowed, or asks for more time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset
from departments.models import AccessRequest, Grant, Notice
from departments.services import create_grant


@pytest.fixture
def grant(listed: Dataset, olga: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Grant:
    end = timezone.now() + timedelta(days=5)
    given = {"verbs": ["preview"], "created_by": people.mona, "expires_at": end, "may_extend": True, "purpose": "Study"}
    return create_grant(obj=listed, department=departments.retail, **given)


def days_left(grant: Grant) -> float:
    grant.refresh_from_db()
    assert grant.expires_at is not None
    return (grant.expires_at - timezone.now()) / timedelta(days=1)


def test_it_works_and_the_owner_is_told(grant: Grant, api_of: Callable[..., APIClient]) -> None:
    answer = api_of("olga").post(f"/api/v1/grants/{grant.pk}/extend/", {"days": 30})
    assert answer.status_code == 200, answer.json()
    assert days_left(grant) == pytest.approx(30, abs=0.01)
    told = Notice.objects.filter(kind="grant.extended").values_list("person__username", flat=True)
    assert sorted(told) == ["mona", "olga"]
    assert AuditEvent.objects.get(verb="grant.extend").actor_name == "olga"


@pytest.mark.parametrize("days", [0, 91, "many", None])
def test_within_bounds(days: Any, grant: Grant, api_of: Callable[..., APIClient]) -> None:
    assert api_of("olga").post(f"/api/v1/grants/{grant.pk}/extend/", {"days": days}).status_code == 422
    assert days_left(grant) < 6


def test_never_shorter(grant: Grant, api_of: Callable[..., APIClient]) -> None:
    assert api_of("olga").post(f"/api/v1/grants/{grant.pk}/extend/", {"days": 2}).status_code == 422


def test_only_the_grantees_managers(grant: Grant, api_of: Callable[..., APIClient]) -> None:
    statuses = {
        name: api_of(name).post(f"/api/v1/grants/{grant.pk}/extend/", {"days": 30}).status_code
        for name in ("charlie", "mona", "erin", "dana")
    }
    assert statuses == {"charlie": 403, "mona": 403, "erin": 403, "dana": 404}


@pytest.mark.parametrize("change", [{"may_extend": False}, {"revoked_at": timezone.now()}, {"expires_at": None}])
def test_only_while_it_runs_and_if_allowed(
    change: dict[str, Any], grant: Grant, api_of: Callable[..., APIClient]
) -> None:
    Grant.objects.update(**change)
    assert api_of("olga").post(f"/api/v1/grants/{grant.pk}/extend/", {"days": 30}).status_code == 403


def test_from_the_page(grant: Grant, browser_of: Callable[[str], Client]) -> None:
    olga = browser_of("olga")
    assert "Extend" in olga.get(f"/grants/{grant.pk}/").content.decode()
    assert olga.post(f"/grants/{grant.pk}/extend/", {"days": "30"}).status_code == 302
    assert days_left(grant) == pytest.approx(30, abs=0.01)


def test_asking_for_more_time_moves_the_end_of_the_same_grant(
    grant: Grant, listed: Dataset, browser_of: Callable[[str], Client], api_of: Callable[..., APIClient]
) -> None:
    Grant.objects.update(may_extend=False)
    olga = browser_of("olga")
    link = f"/access-requests/new/dataset/{listed.pk}/?extends={grant.pk}"
    assert link in olga.get(f"/grants/{grant.pk}/").content.decode()
    assert "Study" in olga.get(link).content.decode()
    sent = {"department": "retail", "verbs": ["preview"], "purpose": "Study, second part", "days": "60"}
    assert olga.post(link, sent).status_code == 302
    asked = AccessRequest.objects.get()
    assert api_of("mona").post(f"/api/v1/access-requests/{asked.pk}/approve/", {}).json()["grant"] == str(grant.pk)
    assert Grant.objects.count() == 1
    assert days_left(grant) == pytest.approx(60, abs=0.01)


def test_only_an_own_grant_on_the_same_thing(grant: Grant, listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    body = {"department": "clinic", "object_kind": "dataset", "object_id": str(listed.pk), "verbs": ["preview"]}
    asked = {**body, "purpose": "p", "extends": str(grant.pk)}
    assert api_of("dana").post("/api/v1/access-requests/", asked).status_code == 422
