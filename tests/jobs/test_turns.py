"""Whose turn it is, and what a waiting job says of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from departments.access import actor_for
from departments.models import Quota
from jobs import accounts, fairness, lifecycle, waiting
from jobs.models import Job, Share, Worker
from jobs.services import enqueue
from jobs.workers import slots

QUEUES = ["default"]


@pytest.fixture
def ask(kind, people, departments):
    """`ask("alice", "quick")`: queue a job in that person's department."""
    kind("quick", priority=0)(lambda ctx: None)
    kind("usual")(lambda ctx: None)
    kind("long", priority=2, yields=True)(lambda ctx: None)
    kind("owed", counts=False)(lambda ctx: None)
    homes = {"alice": departments.credit_risk, "charlie": departments.retail, "dana": departments.clinic}

    def queue(person, name="usual", **values):
        job = enqueue(name, actor=actor_for(getattr(people, person)), department=homes[person], payload={})
        Job.objects.filter(pk=job.pk).update(**values)
        return Job.objects.get(pk=job.pk)

    return queue


def taken(count):
    return [fairness.take(QUEUES, worker="w") for _each in range(count)]


def worker_here(count):
    Worker.objects.create(name="elsewhere:1", queues=QUEUES, slots=count)


def test_departments_take_turns(ask):
    mine = [ask("alice") for _each in range(4)]
    theirs = ask("charlie")
    assert [job.pk for job in taken(3)] == [mine[0].pk, theirs.pk, mine[1].pk]


def test_of_equals_the_one_that_computed_least_lately_goes_first(ask, departments):
    mine, theirs = ask("alice"), ask("charlie")
    Share.objects.create(department=departments.credit_risk, cpu_ms=9000)
    assert [job.pk for job in taken(2)] == [theirs.pk, mine.pk]


def test_use_counts_half_after_an_hour():
    now = timezone.now()
    assert accounts.decay(now, now - timedelta(hours=1)) == pytest.approx(0.5)


def test_within_a_department_what_people_wait_for_goes_first(ask):
    made = {name: ask("alice", name).pk for name in ("long", "usual", "quick")}
    assert [job.pk for job in taken(3)] == [made["quick"], made["usual"], made["long"]]


def test_nobody_starves(ask, departments):
    """Neither a long job behind quick ones, nor a department that computed much behind ones that compute little."""
    long_ago = timezone.now() - timedelta(minutes=11)
    old = ask("alice", "long", queued_at=long_ago, created_at=long_ago)
    ask("alice", "quick")
    ask("charlie")
    Share.objects.create(department=departments.credit_risk, cpu_ms=10**9)
    assert taken(1)[0].pk == old.pk


def test_a_used_up_quota_makes_jobs_wait_and_lets_the_others_and_what_is_owed_start(ask, departments):
    mine, owed, theirs = ask("alice"), ask("alice", "owed"), ask("charlie")
    quota = Quota.objects.create(department=departments.credit_risk, cpu_hours=0)
    assert {job.pk for job in taken(2)} == {owed.pk, theirs.pk}
    assert fairness.take(QUEUES, worker="w") is None
    told = waiting.of([mine])[mine.pk]
    assert told.reason == "quota-cpu"
    assert "Credit Risk" in told.detail
    Quota.objects.filter(pk=quota.pk).update(cpu_hours=1)
    assert fairness.take(QUEUES, worker="w").pk == mine.pk


def test_a_run_makes_room_once_and_only_the_one_that_began_last(ask, settings):
    settings.JOB_YIELD_AFTER = 0
    worker_here(2)
    first, second = (ask("alice", "long") for _each in range(2))
    taken(2)
    assert not fairness.make_room(second, QUEUES), "nobody waits"
    ask("alice", "long")
    assert not fairness.make_room(second, QUEUES), "nobody else waits"
    ask("charlie")
    assert not fairness.make_room(first, QUEUES)
    assert fairness.make_room(second, QUEUES)
    assert not fairness.make_room(first, QUEUES), "one makes room for one"
    second.refresh_from_db()
    assert second.signal == "yield"


def test_nobody_makes_room_for_what_may_not_start(ask, settings, departments):
    settings.JOB_YIELD_AFTER = settings.JOB_TURN = 0
    worker_here(1)
    run = ask("alice", "long")
    taken(1)
    ask("charlie")
    Quota.objects.create(department=departments.retail, cpu_hours=0)
    assert not fairness.make_room(run, QUEUES)
    Quota.objects.update(cpu_hours=1)
    assert fairness.make_room(run, QUEUES)


def test_the_only_run_of_a_department_has_its_turn_first(ask, settings):
    settings.JOB_YIELD_AFTER = 0
    worker_here(1)
    run = ask("alice", "long")
    taken(1)
    ask("charlie", "long")
    assert not fairness.make_room(run, QUEUES)
    settings.JOB_TURN = 0
    assert fairness.make_room(run, QUEUES)


def test_no_run_makes_room_while_a_slot_is_free(ask, settings):
    settings.JOB_YIELD_AFTER = settings.JOB_TURN = 0
    worker_here(2)
    run = ask("alice", "long")
    taken(1)
    ask("charlie")
    assert not fairness.make_room(run, QUEUES)


def test_a_job_says_why_it_waits(ask):
    mine = [ask("alice") for _each in range(4)]
    assert waiting.of(mine)[mine[0].pk].reason == "no-worker"
    worker_here(1)
    assert waiting.of(mine)[mine[0].pk].reason == "next"
    taken(1)
    theirs = ask("charlie")
    told = waiting.of([*mine[1:], theirs])
    assert told[theirs.pk].position == 1
    assert "Credit Risk" in told[theirs.pk].detail, "who has the slots"
    assert told[mine[3].pk].position == 4
    assert told[mine[3].pk].detail.startswith("Ahead of this: 2 jobs of Credit Risk, 1 job of Retail.")


def test_a_dead_worker_is_not_counted(db):
    worker_here(2)
    Worker.objects.create(name="gone:1", queues=QUEUES, slots=9, seen_at=timezone.now() - timedelta(hours=1))
    assert slots(QUEUES) == 2
    assert slots(["gpu"]) == 0


def test_waiting_in_the_api_and_on_the_pages(ask, api_of, browser_of):
    job = ask("alice")
    said = api_of("alice").get(f"/api/v1/jobs/{job.pk}/").json()
    assert said["waiting"]["reason"] == "no-worker"
    assert api_of("alice").get("/api/v1/jobs/").json()["results"][0]["waiting"] == said["waiting"]
    for path in ("/jobs/", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/waiting/"):
        assert "No worker is running" in browser_of("alice").get(path).content.decode()
    lifecycle.claim(job.pk, 1, worker="w")
    assert api_of("alice").get(f"/api/v1/jobs/{job.pk}/").json()["waiting"] is None
    assert not browser_of("alice").get(f"/jobs/{job.pk}/waiting/").content.strip()


@pytest.mark.parametrize("count", [3, 60])
def test_turns_cost_the_same_however_many_wait(ask, django_assert_num_queries, count, departments):
    Quota.objects.create(department=departments.retail, cpu_hours=5)
    made = [ask(person) for person in ("alice", "charlie", "dana") for _each in range(count // 3)]
    with django_assert_num_queries(9):
        fairness.take(QUEUES, worker="w")
    with django_assert_num_queries(8):
        waiting.of(made)
