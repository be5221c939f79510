"""The tokens page: shown once, listed with its last use, revoked at once."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken

GIVEN = {"name": "nightly scoring", "scopes": ["read", "predict"], "days": "30", "department": "credit-risk"}


def test_the_secret_is_shown_once_and_works(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("emil")
    page = client.post("/settings/tokens/", GIVEN)
    token = ApiToken.objects.get(name="nightly scoring")
    secret = page.context["secret"]
    assert secret in page.content.decode() and token.department.slug == "credit-risk"
    again = client.get("/settings/tokens/").content.decode()
    assert "nightly scoring" in again and secret not in again
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert api.get("/api/v1/me/").status_code == 200
    client.post(f"/settings/tokens/{token.pk}/revoke/")
    assert api.get("/api/v1/me/").status_code == 401


def test_what_is_missing_is_said_beside_the_field(browser_of: Callable[[str], Client]) -> None:
    page = browser_of("emil").post("/settings/tokens/", {"name": " ", "days": "30"})
    assert page.status_code == 422
    assert set(page.context["form"].errors) == {"name", "scopes"}
    assert not ApiToken.objects.exists()


def test_a_department_that_is_not_ones_own_is_no_choice(browser_of: Callable[[str], Client]) -> None:
    page = browser_of("emil").post("/settings/tokens/", {**GIVEN, "department": "retail"})
    assert page.status_code == 422 and "department" in page.context["form"].errors


def test_nobody_revokes_anothers(browser_of: Callable[[str], Client]) -> None:
    browser_of("emil").post("/settings/tokens/", GIVEN)
    token = ApiToken.objects.get()
    assert browser_of("mona").post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.get().revoked_at is None
