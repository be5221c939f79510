"""Coming in: by a one-time link that only its button uses, or by a password of one's own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from django.test import Client

from accounts.services import create_sign_in_link
from audit.models import AuditEvent


def test_the_link_asks_before_it_is_used(people: SimpleNamespace) -> None:
    url = f"/sign-in/link/{create_sign_in_link(person=people.alice)}/"
    for _ in range(3):  # a mail scanner, a prefetcher, the person
        assert "Sign in as alice" in Client().get(url).content.decode()
    client = Client()
    assert client.post(url).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert AuditEvent.objects.get(verb="person.sign_in_link").actor_name == "alice"


def test_the_link_works_once(people: SimpleNamespace) -> None:
    url = f"/sign-in/link/{create_sign_in_link(person=people.alice)}/"
    Client().post(url)
    second = Client().post(url)
    assert second.status_code == 410 and "Ask your administrator" in second.content.decode()
    assert Client().get(url).status_code == 410


def test_an_expired_link_is_refused(people: SimpleNamespace) -> None:
    url = f"/sign-in/link/{create_sign_in_link(person=people.alice, hours=-1)}/"
    assert Client().post(url).status_code == 410


def test_the_page_is_not_kept_by_caches(people: SimpleNamespace) -> None:
    response = Client().get(f"/sign-in/link/{create_sign_in_link(person=people.alice)}/")
    assert "no-store" in response.headers["Cache-Control"]


def test_nobody_signs_in_without_having_set_a_password(people: SimpleNamespace) -> None:
    for password in ("", "alice", "password", "admin"):
        response = Client().post("/sign-in/", {"username": "alice", "password": password})
        assert response.status_code == 200 and "_auth_user_id" not in response.client.session


def test_a_password_of_ones_own(people: SimpleNamespace, browser_of: Callable[[str], Client]) -> None:
    weak = browser_of("alice").post("/settings/password/", {"new_password1": "short", "new_password2": "short"})
    assert weak.status_code == 422 and "too short" in weak.content.decode()
    good = {"new_password1": "petrol-arch-41", "new_password2": "petrol-arch-41"}
    assert browser_of("alice").post("/settings/password/", good).status_code == 302
    client = Client()
    answer = client.post("/sign-in/", {"username": "alice", "password": "petrol-arch-41", "next": "/settings/tokens/"})
    assert answer.headers["Location"] == "/settings/tokens/"
    assert AuditEvent.objects.get(verb="person.sign_in").actor_name == "alice"
    elsewhere = Client().post(
        "/sign-in/", {"username": "alice", "password": "petrol-arch-41", "next": "https://elsewhere.example/"}
    )
    assert elsewhere.headers["Location"] == "/"


def test_signing_out_needs_a_post(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("alice")
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/").status_code == 302
