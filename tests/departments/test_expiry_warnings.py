"""Both sides are warned 7 days and 1 day before a grant ends, exactly once each, whatever beat missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone

from datasets.models import Dataset
from departments.clock import warn_of_endings
from departments.models import Grant, GrantWarning, Notice
from departments.services import create_grant


class Clock:
    """`clock.at(days=23)` is that long after the test began."""

    def __init__(self) -> None:
        self.start = self.now = datetime.fromisoformat("2030-03-01T08:00:00+00:00")

    def at(self, **since: Any) -> None:
        self.now = self.start + timedelta(**since)


@pytest.fixture
def clock() -> Iterator[Clock]:
    moved = Clock()
    with mock.patch.object(timezone, "now", lambda: moved.now):
        yield moved


@pytest.fixture
def grant(clock: Clock, listed: Dataset, olga: Any, departments: SimpleNamespace, people: SimpleNamespace) -> Grant:
    """Of Credit Risk to Retail, for 30 days."""
    end = clock.now + timedelta(days=30)
    given = {"verbs": ["preview"], "created_by": people.mona, "expires_at": end, "starts_at": clock.now}
    return create_grant(obj=listed, department=departments.retail, **given)


def told() -> list[str]:
    return sorted(Notice.objects.filter(kind="grant.ending").values_list("person__username", flat=True))


def test_seven_days_and_one_day_before(grant: Grant, clock: Clock) -> None:
    clock.at(days=22, hours=23)
    assert warn_of_endings() == 0
    clock.at(days=23, minutes=1)
    assert (warn_of_endings(), warn_of_endings()) == (1, 0)
    assert told() == ["mona", "olga"]
    clock.at(days=28)
    assert warn_of_endings() == 0
    clock.at(days=29, minutes=1)
    assert (warn_of_endings(), warn_of_endings()) == (1, 0)
    assert told() == ["mona", "mona", "olga", "olga"]
    clock.at(days=31)
    assert warn_of_endings() == 0


def test_the_day_stands_in_the_notice(grant: Grant, clock: Clock) -> None:
    clock.at(days=23, minutes=1)
    warn_of_endings()
    assert {notice.details["day"] for notice in Notice.objects.filter(kind="grant.ending")} == {"2030-03-31 08:00 UTC"}


def test_beat_that_slept_gives_the_nearest_warning_alone(grant: Grant, clock: Clock) -> None:
    clock.at(days=29, hours=12)
    assert (warn_of_endings(), warn_of_endings()) == (1, 0)
    assert told() == ["mona", "olga"]
    assert GrantWarning.objects.count() == 2


def test_a_new_end_is_warned_of_anew(grant: Grant, clock: Clock) -> None:
    clock.at(days=23, minutes=1)
    warn_of_endings()
    Grant.objects.update(expires_at=clock.start + timedelta(days=60))
    assert warn_of_endings() == 0
    clock.at(days=53, minutes=1)
    assert warn_of_endings() == 1


def test_a_grant_for_less_than_the_time_of_warning_is_no_news(
    clock: Clock, listed: Dataset, olga: Any, departments: SimpleNamespace, people: SimpleNamespace
) -> None:
    end = clock.now + timedelta(days=5)
    given = {"verbs": ["preview"], "created_by": people.mona, "expires_at": end, "starts_at": clock.now}
    create_grant(obj=listed, department=departments.retail, **given)
    assert warn_of_endings() == 0
    clock.at(days=4, minutes=1)
    assert warn_of_endings() == 1


def test_revoked_ones_are_not_warned_of(grant: Grant, clock: Clock) -> None:
    Grant.objects.update(revoked_at=clock.now)
    clock.at(days=29, minutes=1)
    assert warn_of_endings() == 0


def test_two_workers_at_once_warn_once(grant: Grant, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other worker has warned between this one's look and its own warning."""
    from departments import clock as watch

    clock.at(days=23, minutes=1)
    look = watch._warn

    def late(stale: Grant, now: datetime) -> bool:
        GrantWarning.objects.create(grant=stale, days=7, expires_at=stale.expires_at)
        return look(stale, now)

    monkeypatch.setattr(watch, "_warn", late)
    with transaction.atomic():
        assert warn_of_endings() == 0
    assert told() == []
