"""Refreshing by itself: when, once, for whom, and what happens when it fails."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from datasets.models import Dataset, DatasetVersion, Feed, Source
from datasets.sources import feeds as feed_services
from datasets.sources.feeds import refresh_due
from datasets.sources.schedule import GIVE_UP, after_failure, next_time
from departments.models import Notice
from jobs.models import Job
from tests.connectors.servers import web_server

WEDNESDAY = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"every": "never"}, None),
        ({"every": "interval", "minutes": 90}, "2024-05-01 14:00"),
        ({"every": "day", "at": time(13)}, "2024-05-01 13:00"),
        ({"every": "day", "at": time(12, 30)}, "2024-05-02 12:30"),
        ({"every": "day", "at": time(3)}, "2024-05-02 03:00"),
        ({"every": "week", "at": time(13), "weekday": 2}, "2024-05-01 13:00"),
        ({"every": "week", "at": time(3), "weekday": 2}, "2024-05-08 03:00"),
        ({"every": "week", "at": time(3), "weekday": 0}, "2024-05-06 03:00"),
        ({"every": "week", "at": time(3), "weekday": 6}, "2024-05-05 03:00"),
    ],
)
def test_the_next_time(chosen, expected):
    found = next_time(Feed(**chosen), WEDNESDAY)
    assert (found.strftime("%Y-%m-%d %H:%M") if found else None) == expected


@pytest.mark.parametrize(
    ("chosen", "failures", "minutes"),
    [
        ({"every": "interval", "minutes": 1}, 1, 5), ({"every": "interval", "minutes": 1}, 3, 60),
        ({"every": "interval", "minutes": 600}, 1, 600), ({"every": "day", "at": time(12, 30)}, 1, 5),
        ({"every": "day", "at": time(12, 30)}, 4, 240), ({"every": "day", "at": time(13)}, 7, 30),
    ],
)  # fmt: skip
def test_after_failures_the_next_try_waits_longer(chosen, failures, minutes):
    found = after_failure(Feed(**chosen, failures=failures), WEDNESDAY)
    assert found == WEDNESDAY + timedelta(minutes=minutes)


@pytest.fixture
def feed(people: Any, departments: Any, settings: Any) -> Any:
    """A data set of Alice's that is due, from a file on a web server."""
    settings.CONNECT_ALLOW = ["127.0.0.1"]
    with web_server() as server:
        own = {"department": departments.credit_risk, "created_by": people.alice}
        source = Source.objects.create(
            name="Web", connector="http", params={"url": f"{server.url}/people.csv", "user": None}, **own
        )
        made = Feed.objects.create(
            dataset=Dataset.objects.create(name="Orders", **own), source=source, table="people.csv", every="interval",
            minutes=60, next_at=timezone.now() - timedelta(minutes=1), **own,
        )  # fmt: skip
        yield made


def imports() -> int:
    return Job.objects.filter(kind="datasets.import").count()


def test_what_is_due_is_begun_once_and_has_a_next_time(feed):
    assert refresh_due() == 1
    feed.refresh_from_db()
    assert timedelta(minutes=59) < feed.next_at - timezone.now() <= timedelta(minutes=60)
    assert refresh_due() == 0
    assert imports() == 1


def test_two_beats_at_the_same_moment_begin_it_once(feed, monkeypatch, run_jobs):
    """The other one takes its turn, and its refresh even ends, between this one's look and its update."""
    began = []

    def meanwhile(each: Feed, now: datetime) -> Any:
        monkeypatch.setattr(feed_services, "next_time", next_time)
        began.append(refresh_due())
        run_jobs()
        return next_time(each, now)

    monkeypatch.setattr(feed_services, "next_time", meanwhile)
    began.append(refresh_due())
    assert began == [1, 0]
    assert imports() == 1


def test_what_is_paused_or_not_yet_due_waits(feed):
    Feed.objects.update(is_paused=True)
    assert refresh_due() == 0
    Feed.objects.update(is_paused=False, next_at=timezone.now() + timedelta(minutes=1))
    assert refresh_due() == 0


def test_while_one_is_under_way_the_next_is_left_out(feed):
    refresh_due()
    Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert refresh_due() == 0
    assert imports() == 1
    assert not Feed.objects.get().is_paused


def test_a_person_who_may_no_more_import_ends_it(feed, people):
    people.alice.memberships.all().delete()
    assert refresh_due() == 0
    feed.refresh_from_db()
    assert (feed.is_paused, feed.last_error["code"]) == (True, "requester_gone")
    assert imports() == 0


def test_failures_wait_longer_and_then_pause(feed, run_jobs):
    Source.objects.update(params={"url": "http://127.0.0.1:1/people.csv", "user": None})
    for number in range(1, GIVE_UP + 1):
        Feed.objects.update(next_at=timezone.now() - timedelta(seconds=1))
        assert refresh_due() == 1
        run_jobs()
        feed.refresh_from_db()
        assert (feed.failures, feed.last_error["code"]) == (number, "connection_refused")
        assert feed.is_paused == (number == GIVE_UP)
    assert feed.next_at is None
    told = Notice.objects.filter(person__username="alice").order_by("created_at").values_list("kind", flat=True)
    assert list(told) == ["feed.failed", "feed.paused"]
    # A data set that has nothing else keeps what failed, to say why; not every try of it.
    assert DatasetVersion.objects.filter(state="failed").count() == 1


def test_resuming_counts_failures_anew(feed, api_of):
    Feed.objects.update(is_paused=True, failures=8, next_at=None)
    answer = api_of("alice").patch(f"/api/v1/feeds/{feed.pk}/", {"is_paused": False})
    assert answer.status_code == 200
    assert answer.json()["failures"] == 0
    assert answer.json()["next_at"]
