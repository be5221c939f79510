"""The department page and the switcher."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.test import Client

from departments.models import Membership
from departments.services import set_member

PAGE = "/departments/credit-risk/"


def test_members_with_their_roles(browser_of: Callable[[str], Client]) -> None:
    page = browser_of("bob").get(PAGE).content.decode()
    assert all(name in page for name in ("Alice", "Bob", "Emil", "Mona")) and "Charlie" not in page
    assert "Add a member" not in page


def test_a_manager_adds_changes_and_removes(people: SimpleNamespace, browser_of: Callable[[str], Client]) -> None:
    mona = browser_of("mona")
    mona.post(f"{PAGE}members/", {"username": "mallory", "role": "viewer"})
    mona.post(f"{PAGE}members/", {"username": "mallory", "role": "analyst"})
    membership = Membership.objects.get(person=people.mallory)
    assert membership.role == "analyst"
    mona.post(f"{PAGE}members/{membership.pk}/remove/")
    assert not Membership.objects.filter(person=people.mallory).exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [({"username": "nobody-here", "role": "viewer"}, "username"), ({"username": "bob", "role": "king"}, "role")],
)
def test_a_refused_member_keeps_the_page(
    browser_of: Callable[[str], Client], given: dict[str, str], field: str
) -> None:
    page = browser_of("mona").post(f"{PAGE}members/", given)
    assert page.status_code == 422 and field in page.context["form"].errors


def test_the_last_manager_stays(people: SimpleNamespace, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("mona").post(f"{PAGE}members/", {"username": "mona", "role": "viewer"})
    assert page.status_code == 422 and "at least one manager" in page.content.decode()
    membership = Membership.objects.get(person=people.mona)
    assert browser_of("mona").post(f"{PAGE}members/{membership.pk}/remove/").status_code == 409


def test_the_switcher_offers_ones_own_only(
    people: SimpleNamespace, departments: SimpleNamespace, browser_of: Callable[[str], Client]
) -> None:
    set_member(department=departments.clinic, person=people.alice, role="viewer")
    alice = browser_of("alice")
    shown = lambda: alice.get("/").wsgi_request.department.slug  # noqa: E731
    assert (
        alice.post("/department/switch/", {"department": "credit-risk", "next": "/runs/"}).headers["Location"]
        == "/runs/"
    )
    assert shown() == "credit-risk"
    alice.post("/department/switch/", {"department": "clinic"})
    assert shown() == "clinic"
    alice.post("/department/switch/", {"department": "retail"})
    assert shown() == "clinic"
    away = alice.post("/department/switch/", {"department": "clinic", "next": "//elsewhere.example/"})
    assert away.headers["Location"] == "/"
