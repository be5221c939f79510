"""The platform admin's pages."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from audit.services import record
from departments.models import Department


def test_nobody_else_learns_that_they_exist(browser_of: Callable[[str], Client]) -> None:
    for path in ("/admin/", "/admin/departments/", "/admin/people/", "/admin/audit/"):
        assert browser_of("mona").get(path).status_code == 404
        assert browser_of("erin").get(path).status_code == 200


def test_a_department_is_made(browser_of: Callable[[str], Client]) -> None:
    erin = browser_of("erin")
    assert (
        erin.post("/admin/departments/", {"name": "Legal Affairs"}).headers["Location"] == "/departments/legal-affairs/"
    )
    again = erin.post("/admin/departments/", {"name": "Legal Affairs"})
    assert again.status_code == 422 and Department.objects.filter(name="Legal Affairs").count() == 1


def test_a_person_is_made_and_comes_in_by_the_link(browser_of: Callable[[str], Client]) -> None:
    page = browser_of("erin").post("/admin/people/", {"username": "frank", "full_name": "Frank"})
    assert not User.objects.get(username="frank").has_usable_password()
    client = Client()
    assert client.post(page.context["link"]).status_code == 302
    assert client.get("/").status_code == 200
    taken = browser_of("erin").post("/admin/people/", {"username": "frank"})
    assert taken.status_code == 422 and "username" in taken.context["form"].errors


def test_an_account_is_closed_and_opened(people: SimpleNamespace, browser_of: Callable[[str], Client]) -> None:
    erin, alice = browser_of("erin"), browser_of("alice")
    erin.post(f"/admin/people/{people.alice.pk}/active/", {"active": "0"})
    assert alice.get("/").status_code == 302
    assert erin.post(f"/admin/people/{people.alice.pk}/link/").status_code == 404
    erin.post(f"/admin/people/{people.alice.pk}/active/", {"active": "1"})
    assert erin.post(f"/admin/people/{people.alice.pk}/link/").context["link"]


def test_the_trail_is_searched_and_paged(people: SimpleNamespace, browser_of: Callable[[str], Client]) -> None:
    for i in range(60):
        record("dataset.create" if i % 2 else "run.create", details={"i": i})
    erin = browser_of("erin")
    first = erin.get("/admin/audit/", {"search": "dataset"})
    assert len(first.context["events"]) == 30 and not first.context["older"]
    pages = erin.get("/admin/audit/")
    rest = erin.get("/admin/audit/" + pages.context["older"])
    seen = [event.pk for page in (pages, rest) for event, _department in page.context["events"]]
    assert len(seen) == len(set(seen)) == AuditEvent.objects.count()


def test_odd_searches_are_answered(browser_of: Callable[[str], Client]) -> None:
    erin = browser_of("erin")
    for asked in ({"before": "yesterday"}, {"before": "2025-13-45T99:99"}, {"q": "\x00"}, {"department": "none"}):
        assert erin.get("/admin/audit/", asked).status_code == 200


def test_health_counts_jobs(browser_of: Callable[[str], Client]) -> None:
    assert "Nothing waits and nothing runs" in browser_of("erin").get("/admin/").content.decode()
