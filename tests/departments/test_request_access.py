"""Asking for access to what the catalogue shows, and following the request."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from audit.models import AuditEvent
from datasets.models import Dataset
from departments.access import actor_for
from departments.access_requests import withdraw_request
from departments.models import AccessRequest, Membership
from rest.problems import Refused

URL = "/api/v1/access-requests/"


def body(listed: Dataset, **changes: Any) -> dict[str, Any]:
    asked = {"department": "retail", "object_kind": "dataset", "object_id": str(listed.pk), "verbs": ["preview"]}
    return {**asked, "purpose": "Forecast demand", "days": 30, **changes}


def test_it_works(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    charlie = api_of("charlie")
    answer = charlie.post(URL, body(listed, columns=["age"]))
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["state"], made["owner"], made["verbs"]) == ("open", "credit-risk", ["discover", "preview"])
    assert charlie.get(made["url"]).json()["columns"] == ["age"]
    assert answer.headers["ETag"]
    assert AuditEvent.objects.get(verb="access_request.create").department_id == listed.department_id


def test_the_same_key_asks_once(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    charlie = api_of("charlie")
    first, second = (charlie.post(URL, body(listed), HTTP_IDEMPOTENCY_KEY="k1").json() for _ in range(2))
    assert first["id"] == second["id"]
    assert AccessRequest.objects.count() == 1


def test_one_open_request_at_a_time(
    ask: Callable[..., AccessRequest], people: SimpleNamespace, departments: SimpleNamespace
) -> None:
    first = ask()
    with pytest.raises(Refused) as refused:
        ask(verbs=["train"])
    assert refused.value.code == "already_requested"
    withdraw_request(actor=actor_for(people.charlie), request=first)
    assert ask(verbs=["train"]).is_open


WRONG = [
    ({"purpose": " "}, "purpose"),
    ({"purpose": "x" * 301}, "purpose"),
    ({"days": 0}, "days"),
    ({"days": 731}, "days"),
    ({"verbs": []}, "verbs"),
    ({"verbs": ["manage"]}, "verbs"),
    ({"columns": ["salary"]}, "columns"),
    ({"object_kind": "job"}, "object_kind"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
def test_what_cannot_be_asked(
    change: dict[str, Any], field: str, listed: Dataset, api_of: Callable[..., APIClient]
) -> None:
    answer = api_of("charlie").post(URL, body(listed, **change))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].split("[")[0] == field
    assert not AccessRequest.objects.exists()


def test_the_owner_asks_for_nothing(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    answer = api_of("alice").post(URL, body(listed, department="credit-risk"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "department")


def test_only_for_an_own_department(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    assert api_of("charlie").post(URL, body(listed, department="clinic")).status_code == 404


def test_what_is_hidden_is_404(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    Dataset.objects.update(listed=False)
    hidden, missing = (api_of("charlie").post(URL, body(listed, object_id=id)) for id in (str(listed.pk), "0" * 32))
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json()


def test_a_reading_token_asks_for_nothing(listed: Dataset, api_of: Callable[..., APIClient]) -> None:
    assert api_of("charlie", scopes=["read"]).post(URL, body(listed)).status_code == 403


def test_who_sees_it(
    asked: AccessRequest, people: SimpleNamespace, departments: SimpleNamespace, api_of: Callable[..., APIClient]
) -> None:
    Membership.objects.create(department=departments.retail, person=people.mallory, role="viewer")
    seen = {name for name in vars(people) if api_of(name).get(f"{URL}{asked.pk}/").status_code == 200}
    assert seen == {"charlie", "mallory", "mona", "erin"}
    assert {name for name in vars(people) if api_of(name).get(URL).json()["results"]} == seen


def test_the_form_asks_and_the_page_follows(listed: Dataset, browser_of: Callable[[str], Client]) -> None:
    charlie = browser_of("charlie")
    form = charlie.get(f"/access-requests/new/dataset/{listed.pk}/").content.decode()
    assert "Forecast" not in form and "income" in form
    sent = {
        "department": "retail",
        "verbs": ["preview"],
        "columns": ["age"],
        "purpose": "Forecast demand",
        "days": "30",
    }
    answer = charlie.post(f"/access-requests/new/dataset/{listed.pk}/", sent, follow=True)
    page = answer.content.decode()
    assert "Waits for a manager of Credit Risk" in page and "Forecast demand" in page
    assert "Forecast demand" in charlie.get("/access-requests/?box=ours").content.decode()
    assert "waits for an answer" in charlie.get(f"/datasets/{listed.pk}/").content.decode()


def test_a_form_that_is_not_filled_in_says_what_is_missing(
    listed: Dataset, browser_of: Callable[[str], Client]
) -> None:
    answer = browser_of("charlie").post(f"/access-requests/new/dataset/{listed.pk}/", {"department": "retail"})
    assert answer.status_code == 422
    assert not AccessRequest.objects.exists()


def test_withdrawing(asked: AccessRequest, olga: Any, api_of: Callable[..., APIClient]) -> None:
    url = f"{URL}{asked.pk}/withdraw/"
    assert api_of("mona").post(url).status_code == 403
    assert api_of("olga").post(url).json()["state"] == "withdrawn"
    again = api_of("charlie").post(url)
    assert (again.status_code, again.json()["code"]) == (409, "request_closed")
