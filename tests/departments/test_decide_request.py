"""The owner's answer: approve as asked, with changes, refuse with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from datasets.models import Dataset
from departments.access import Verb, actor_for, decide
from departments.access_requests import approve_request, refuse_request
from departments.models import AccessRequest, Grant
from rest.problems import Refused

URL = "/api/v1/access-requests/"


def test_approved_and_the_requester_reads_rows(
    asked: AccessRequest, listed: Dataset, api_of: Callable[..., APIClient]
) -> None:
    rows = f"/api/v1/datasets/{listed.pk}/versions/1/rows/"
    assert api_of("charlie").get(rows).status_code == 403
    answer = api_of("mona").post(f"{URL}{asked.pk}/approve/", {"answer": "Gladly"})
    assert answer.status_code == 200, answer.json()
    assert api_of("charlie").get(rows).json()["total"] == 3
    seen = api_of("charlie").get(f"{URL}{asked.pk}/").json()
    assert (seen["state"], seen["answer"], seen["decided_by"]) == ("approved", "Gladly", "mona")
    assert seen["expires_at"] > (timezone.now() + timedelta(days=29)).isoformat()
    grant = Grant.objects.get(pk=seen["grant"])
    assert (grant.department, grant.purpose, grant.approver.username) == (asked.department, asked.purpose, "mona")  # type: ignore[union-attr]


def test_only_the_columns_that_were_asked_for(ask: Callable[..., AccessRequest], people: SimpleNamespace) -> None:
    done = approve_request(actor=actor_for(people.mona), request=ask(columns=["age", "name"]))
    assert (done.state, done.grant.columns) == ("approved", ["age", "name"])


CHANGES = [
    {"verbs": ["discover"]},
    {"columns": ["age"]},
    {"expires_at": (timezone.now() + timedelta(days=7)).isoformat()},
]


@pytest.mark.parametrize("change", CHANGES)
def test_with_changes(change: dict[str, object], asked: AccessRequest, api_of: Callable[..., APIClient]) -> None:
    answer = api_of("mona").post(f"{URL}{asked.pk}/approve/", change).json()
    assert answer["state"] == "changed"
    grant = Grant.objects.get(pk=answer["grant"])
    assert change.get("columns", grant.columns) == grant.columns
    assert set(change.get("verbs", grant.verbs)) == set(grant.verbs)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "change", [{"columns": ["salary"]}, {"verbs": ["manage"]}, {"expires_at": "2001-01-01T00:00:00Z"}]
)
def test_terms_that_cannot_be(
    change: dict[str, object], asked: AccessRequest, api_of: Callable[..., APIClient]
) -> None:
    assert api_of("mona").post(f"{URL}{asked.pk}/approve/", change).status_code == 422
    asked.refresh_from_db()
    assert asked.is_open and not Grant.objects.exists()


def test_refused_with_a_reason(asked: AccessRequest, api_of: Callable[..., APIClient]) -> None:
    mona = api_of("mona")
    assert mona.post(f"{URL}{asked.pk}/refuse/", {}).status_code == 422
    assert mona.post(f"{URL}{asked.pk}/refuse/", {"reason": "Ask for fewer columns"}).json()["state"] == "refused"
    assert api_of("charlie").get(f"{URL}{asked.pk}/").json()["answer"] == "Ask for fewer columns"


def test_only_managers_of_the_owner(asked: AccessRequest, olga: object, api_of: Callable[..., APIClient]) -> None:
    statuses = {
        name: api_of(name).post(f"{URL}{asked.pk}/approve/", {}).status_code
        for name in ("alice", "emil", "charlie", "olga", "dana", "erin")
    }
    assert statuses == {"alice": 404, "emil": 404, "charlie": 403, "olga": 403, "dana": 404, "erin": 403}
    assert not Grant.objects.exists()


def test_an_answer_is_given_once(asked: AccessRequest, people: SimpleNamespace) -> None:
    mona = actor_for(people.mona)
    refuse_request(actor=mona, request=asked, reason="no")
    with pytest.raises(Refused) as refused:
        approve_request(actor=mona, request=asked)
    assert refused.value.code == "request_closed"
    assert not Grant.objects.exists()


def test_a_stale_answer_is_refused(asked: AccessRequest, api_of: Callable[..., APIClient]) -> None:
    answer = api_of("mona").post(f"{URL}{asked.pk}/approve/", {}, HTTP_IF_MATCH='"other"')
    assert (answer.status_code, answer.json()["code"]) == (412, "stale")


def test_what_was_deleted_cannot_be_granted(asked: AccessRequest, listed: Dataset, people: SimpleNamespace) -> None:
    listed.delete()
    with pytest.raises(Refused) as refused:
        approve_request(actor=actor_for(people.mona), request=asked)
    assert refused.value.code == "gone"


def test_from_the_page(
    asked: AccessRequest, listed: Dataset, people: SimpleNamespace, browser_of: Callable[[str], Client]
) -> None:
    mona = browser_of("mona")
    assert "Forecast demand" in mona.get("/access-requests/").content.decode()
    url = f"/datasets/{listed.pk}/grants/?request={asked.pk}"
    form = mona.get(url).content.decode()
    assert "Forecast demand" in form and "Note to the requester" in form
    sent = {"verbs": ["discover", "preview"], "column-1": "on", "purpose": "Forecast", "expires_on": "2099-01-01"}
    more = {"rows": "age>=40", "on_end": "keep", "on_end_days": "5", "answer": "Ages only"}
    page = mona.post(url, sent | more, follow=True).content.decode()
    assert "Approved with changes" in page and "Ages only" in page
    assert decide(actor_for(people.charlie), Verb.PREVIEW, listed).allowed
    grant = Grant.objects.get()
    assert (grant.columns, grant.rows, grant.on_end) == (["age"], ["age>=40"], "keep")
    assert mona.get(url).status_code == 404, "it is answered"


def test_only_managers_of_the_owner_open_the_form(
    asked: AccessRequest, listed: Dataset, browser_of: Callable[[str], Client]
) -> None:
    url = f"/datasets/{listed.pk}/grants/?request={asked.pk}"
    assert {name: browser_of(name).get(url).status_code for name in ("alice", "charlie", "dana")} == {
        "alice": 403, "charlie": 403, "dana": 403,
    }  # fmt: skip


def test_a_page_that_refuses_keeps_the_request(asked: AccessRequest, browser_of: Callable[[str], Client]) -> None:
    answer = browser_of("mona").post(f"/access-requests/{asked.pk}/refuse/", {"reason": ""})
    assert answer.status_code == 422
    asked.refresh_from_db()
    assert asked.is_open
