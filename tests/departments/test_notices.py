"""Who is told what, once, in the app and by mail; and that nothing of rows is in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from datasets.models import Dataset
from departments import mails
from departments.access import actor_for
from departments.access_requests import approve_request, refuse_request, withdraw_request
from departments.clock import lapse_requests
from departments.ending import revoke_grant
from departments.models import AccessRequest, Notice
from departments.notices import KINDS, notify, text_of
from departments.services import create_grant, update_grant


def told(kind: str = "") -> set[tuple[str, str]]:
    found = Notice.objects.filter(kind=kind) if kind else Notice.objects.all()
    return {(notice.kind, notice.person.username) for notice in found.select_related("person")}


def test_a_request_tells_the_owners_managers(asked: AccessRequest) -> None:
    assert told() == {("request.made", "mona")}
    assert text_of(Notice.objects.get()) == "Retail asks for access to “People”."


def test_the_answer_tells_the_requester_and_their_managers(
    asked: AccessRequest, olga: User, people: SimpleNamespace
) -> None:
    refuse_request(actor=actor_for(people.mona), request=asked, reason="no")
    assert told("request.refused") == {("request.refused", "charlie"), ("request.refused", "olga")}


def test_an_approval_is_told_once(asked: AccessRequest, olga: User, people: SimpleNamespace) -> None:
    approve_request(actor=actor_for(people.mona), request=asked)
    assert told() == {("request.made", "mona"), ("request.approved", "charlie"), ("request.approved", "olga")}


def test_a_withdrawal_tells_the_owner(asked: AccessRequest, people: SimpleNamespace) -> None:
    withdraw_request(actor=actor_for(people.charlie), request=asked)
    assert told("request.withdrawn") == {("request.withdrawn", "mona")}


def test_a_grant_made_changed_and_revoked(
    listed: Dataset, olga: User, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    grant = create_grant(obj=listed, department=departments.retail, verbs=["preview"], created_by=people.mona)
    update_grant(grant=grant, verbs=["preview", "train"])
    revoke_grant(grant=grant)
    assert told() == {(kind, "olga") for kind in ("grant.made", "grant.changed", "grant.revoked")}


def test_who_read_the_data_is_told_of_its_end(
    listed: Dataset, departments: SimpleNamespace, people: SimpleNamespace, api_of: Callable[..., APIClient]
) -> None:
    grant = create_grant(obj=listed, department=departments.retail, verbs=["preview"], created_by=people.mona)
    assert api_of("charlie").get(f"/api/v1/datasets/{listed.pk}/versions/1/rows/").status_code == 200
    revoke_grant(grant=grant)
    assert told("grant.revoked") == {("grant.revoked", "charlie")}


def test_what_is_rolled_back_is_not_told(ask: Callable[..., AccessRequest]) -> None:
    with transaction.atomic():
        ask()
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def test_a_second_notice_with_the_same_key_changes_nothing(people: SimpleNamespace) -> None:
    for _ in range(2):
        notify("grant.made", [people.mona], key="k", path="/", owner="A", department="B", name="C")
    assert Notice.objects.count() == 1


def test_an_unanswered_request_lapses_and_both_sides_know(asked: AccessRequest, olga: User) -> None:
    assert lapse_requests() == 0
    AccessRequest.objects.update(created_at=timezone.now() - timedelta(days=61))
    assert (lapse_requests(), lapse_requests()) == (1, 0)
    asked.refresh_from_db()
    assert asked.state == "lapsed"
    assert {name for _kind, name in told("request.lapsed")} == {"mona", "olga", "charlie"}


def test_every_kind_reads_well(people: SimpleNamespace) -> None:
    details = {"owner": "A", "department": "B", "name": "C", "day": "D", "source": "E", "reason": "F", "message": "G"}
    details |= {"used": "H", "limit": "I", "version": "J", "model": "K"}
    for kind in KINDS:
        if kind.startswith("alert."):
            continue  # tests/serving/test_alerts.py
        assert "%" not in text_of(Notice(kind=kind, details=details))


@pytest.fixture
def mona(people: SimpleNamespace) -> User:
    people.mona.email = "mona@example.org"
    people.mona.save()
    return people.mona  # type: ignore[no-any-return]


def test_mail(mona: User, asked: AccessRequest, settings: Any) -> None:
    settings.PUBLIC_URL = "https://atrium.example.org"
    assert (mails.send_due(), mails.send_due()) == (1, 0)
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["mona@example.org"], "Atrium: Retail asks for access to “People”.")
    assert f"https://atrium.example.org/access-requests/{asked.pk}/" in sent.body
    assert Notice.objects.get().mailed_at is not None


@pytest.mark.parametrize("change", [{"wants_mail": False}, {"email": ""}])
def test_no_mail_to_who_wants_none(change: dict[str, Any], mona: User, ask: Callable[..., AccessRequest]) -> None:
    User.objects.filter(pk=mona.pk).update(**change)
    ask()
    assert mails.send_due() == 0 and Notice.objects.count() == 1


def test_a_mail_server_that_is_down_costs_nothing_and_is_tried_again(
    mona: User, asked: AccessRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.message.EmailMessage.send", refuse)
        assert mails.send_due() == 0
    assert mails.send_due() == 0, "not again at once"
    Notice.objects.update(mail_due_at=timezone.now())
    assert mails.send_due() == 1


def test_it_gives_up_after_some_attempts(mona: User, asked: AccessRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "_mail", lambda notice: 1 / 0)
    for _ in range(mails.MOST_ATTEMPTS + 2):
        mails.send_due()
        Notice.objects.filter(mail_due_at__isnull=False).update(mail_due_at=timezone.now())
    notice = Notice.objects.get()
    assert (notice.mail_attempts, notice.mail_due_at) == (mails.MOST_ATTEMPTS, None)


def test_the_bell_counts_and_following_reads(asked: AccessRequest, browser_of: Callable[[str], Client]) -> None:
    mona = browser_of("mona")
    assert "1 unread notice" in mona.get("/").content.decode()
    notice = Notice.objects.get()
    page = mona.get("/notices/").content.decode()
    assert "Retail asks for access to “People”." in page and "New" in page
    assert mona.get(f"/notices/{notice.pk}/").headers["Location"] == f"/access-requests/{asked.pk}/"
    assert "unread notice" not in mona.get("/").content.decode()
    assert browser_of("alice").get(f"/notices/{notice.pk}/").status_code == 404


def test_over_the_api(asked: AccessRequest, api_of: Callable[..., APIClient]) -> None:
    mona = api_of("mona")
    [row] = mona.get("/api/v1/notices/", {"unread": "true"}).json()["results"]
    assert row["text"].startswith("Retail asks")
    assert mona.post(f"/api/v1/notices/{row['id']}/read/").json()["read_at"]
    assert mona.get("/api/v1/notices/", {"unread": "true"}).json()["results"] == []
    assert api_of("erin").get(f"/api/v1/notices/{row['id']}/").status_code == 404
    Notice.objects.update(read_at=None)
    assert mona.post("/api/v1/notices/read/").status_code == 204
    assert not Notice.objects.filter(read_at=None).exists()


def test_choosing_mail_on_the_page(people: SimpleNamespace, browser_of: Callable[[str], Client]) -> None:
    alice = browser_of("alice")
    assert alice.post("/settings/notices/", {"wants_mail": "on", "email": ""}).status_code == 422
    assert alice.post("/settings/notices/", {"email": "alice@example.org"}).status_code == 302
    people.alice.refresh_from_db()
    assert (people.alice.email, people.alice.wants_mail) == ("alice@example.org", False)
