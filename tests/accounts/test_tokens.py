"""API tokens: shown once, hashed, scoped, expiring, revoked at once (D7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken
from accounts.services import create_token
from rest.problems import Refused

ME = "/api/v1/me/"


def bearer(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_it_works(browser_of: Callable[[str], Client]) -> None:
    made = browser_of("alice").post(
        "/api/v1/tokens/", {"name": "nightly upload", "scopes": ["read"]}, content_type="application/json"
    )
    assert made.status_code == 201
    secret = made.json()["token"]
    assert secret.startswith("atr_")
    assert bearer(secret).get(ME).json()["username"] == "alice"
    days = (ApiToken.objects.get().expires_at - timezone.now()) / timedelta(days=1)
    assert 89.9 < days <= 90


def test_secret_is_nowhere_but_in_the_first_answer(browser_of: Callable[[str], Client]) -> None:
    alice = browser_of("alice")
    made = alice.post("/api/v1/tokens/", {"name": "t", "scopes": ["read"]}, content_type="application/json").json()
    row = ApiToken.objects.values().get()
    assert made["token"] not in str(row)
    assert made["token"] not in alice.get("/api/v1/tokens/").content.decode()
    assert made["token"] not in alice.get("/settings/tokens/").content.decode()


def test_revoked_token_is_refused_from_the_next_request_on(people: SimpleNamespace) -> None:
    token, secret = create_token(person=people.alice, name="t", scopes=["read", "write"])
    client = bearer(secret)
    assert client.get(ME).status_code == 200
    assert client.delete(f"/api/v1/tokens/{token.pk}/").status_code == 204
    refused = client.get(ME)
    assert refused.status_code == 401
    assert refused["Content-Type"] == "application/problem+json"
    assert refused["WWW-Authenticate"].startswith("Bearer")


def test_expired_token_is_refused(people: SimpleNamespace) -> None:
    token, secret = create_token(person=people.alice, name="t", scopes=["read"])
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert bearer(secret).get(ME).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer a b", "Bearer atr_é", "bearer atr_nothing"])
def test_malformed_token_is_401(db: None, header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert client.get(ME).status_code == 401


def test_read_token_does_not_write(api_of: Callable[..., APIClient]) -> None:
    refused = api_of("mona", scopes=["read"]).post("/api/v1/departments/credit-risk/members/", {"person": "mallory"})
    assert refused.status_code == 403
    assert refused.json()["code"] == "token-scope"


def test_predict_token_reads_nothing(api_of: Callable[..., APIClient]) -> None:
    assert api_of("alice", scopes=["predict"]).get("/api/v1/departments/").status_code == 403


def test_token_of_one_department_knows_no_other(
    people: SimpleNamespace, departments: SimpleNamespace, api_of: Callable[..., APIClient]
) -> None:
    from departments.models import Membership

    Membership.objects.create(department=departments.retail, person=people.alice, role="analyst")
    client = api_of("alice", department_id=departments.retail.pk)
    assert [m["department"] for m in client.get(ME).json()["memberships"]] == ["retail"]
    assert client.get("/api/v1/departments/credit-risk/members/").status_code == 404


def test_token_cannot_make_a_stronger_one(api_of: Callable[..., APIClient]) -> None:
    client = api_of("alice", scopes=["write"], days=1)
    refused = client.post("/api/v1/tokens/", {"name": "t", "scopes": ["read", "write"]})
    assert refused.status_code == 422
    weaker = client.post("/api/v1/tokens/", {"name": "t", "scopes": ["write"], "days": 30}).json()
    assert ApiToken.objects.get(pk=weaker["id"]).expires_at < timezone.now() + timedelta(days=1.01)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["read"]}, "name"),
        ({"name": "t"}, "scopes"),
        ({"name": "t", "scopes": ["everything"]}, "scopes[0]"),
        ({"name": "t", "scopes": ["read"], "days": 0}, "days"),
        ({"name": "t", "scopes": ["read"], "days": 10000}, "days"),
        ({"name": "t", "scopes": ["read"], "department": "retail"}, "department"),
    ],
)
def test_bad_request_names_the_field(api_of: Callable[..., APIClient], body: dict[str, object], field: str) -> None:
    refused = api_of("alice").post("/api/v1/tokens/", body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_last_use_is_remembered(people: SimpleNamespace) -> None:
    token, secret = create_token(person=people.alice, name="t", scopes=["read"])
    assert token.last_used_at is None
    bearer(secret).get(ME)
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_inactive_person_has_no_live_token(people: SimpleNamespace) -> None:
    from accounts.people import deactivate_person

    _token, secret = create_token(person=people.alice, name="t", scopes=["read"])
    deactivate_person(person=people.alice)
    assert bearer(secret).get(ME).status_code == 401


def test_last_admin_stays(people: SimpleNamespace) -> None:
    from accounts.people import deactivate_person

    with pytest.raises(Refused, match="at least one admin"):
        deactivate_person(person=people.erin)


def test_command_prints_a_token(people: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import CommandError, call_command

    call_command("token", "--person", "alice", "--scopes", "read,write", "--days", "1")
    assert bearer(capsys.readouterr().out.strip()).get(ME).json()["scopes"] == ["read", "write"]
    with pytest.raises(CommandError, match="no person 'nobody'"):
        call_command("token", "--person", "nobody")
    with pytest.raises(CommandError, match="scopes"):
        call_command("token", "--person", "alice", "--scopes", "all")
