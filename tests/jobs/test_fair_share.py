"""D6: another department's job starts although one has queued fifty. Real workers; times are scaled down (site.py)."""

from __future__ import annotations

import time

from jobs.models import Attempt, Job, JobLog, JobState
from tests.jobs.site import wait_until

# In production a department that waits has a slot within 60 s: 10 s of patience, a 40 s turn, a heartbeat of 5 s and 3 s
# to save. Here 0.5 s, 2 s, 0.4 s and the same 3 s.
WITHIN = 8.0


def running(department):
    return Job.objects.filter(department=department, state=JobState.RUNNING)


def test_retail_starts_although_credit_risk_queued_fifty_long_trainings(platform):
    """All slots hold long trainings of Credit Risk: the one that began last makes room, and goes on by itself later."""
    platform.worker(concurrency=2)
    fifty = [platform.queue("test.train", steps=2000, pause=0.01) for _each in range(50)]
    wait_until(lambda: running(platform.department).count() == 2, 20, "both slots to be taken")
    second = running(platform.department).order_by("-started_at").first()
    began = time.monotonic()
    theirs = platform.queue_for_retail("test.train", steps=40, pause=0.01)
    wait_until(lambda: Job.objects.get(pk=theirs.pk).state != "queued", WITHIN, "Retail's job to start")
    assert time.monotonic() - began < WITHIN
    moved = Job.objects.get(pk=second.pk)
    assert (moved.state, moved.attempt, moved.failures, moved.gave_way) == ("queued", 2, 0, True)
    assert "let another department" in JobLog.objects.filter(job=moved, level="info").last().message
    (done,) = platform.wait(theirs, timeout=15)
    assert done.state == "succeeded"
    # Nobody else waits: the run that made room is the first to go on, from where it left.
    wait_until(lambda: Job.objects.get(pk=second.pk).state == "running", 15, "the run to go on")
    wait_until(lambda: JobLog.objects.filter(job=second, attempt=2).exists(), 5, "its first line")
    assert JobLog.objects.filter(job=second, attempt=2).first().message != "begins at 0"
    assert running(platform.department).count() == 2
    assert Attempt.objects.filter(job=second).count() == 1
    assert {job.state for job in Job.objects.filter(pk__in=[each.pk for each in fifty])} == {"queued", "running"}


def test_short_jobs_take_turns(platform):
    """Credit Risk's fifty do not stand before Retail's three, and when Retail has nothing left it gets all slots."""
    fifty = [platform.queue("test.work", steps=2) for _each in range(50)]
    three = [platform.queue_for_retail("test.work", steps=2) for _each in range(3)]
    platform.worker(concurrency=2)
    done = platform.wait(*fifty, *three, timeout=40)
    order = sorted(done, key=lambda job: job.started_at)
    places = [order.index(job) for job in done[-3:]]
    assert max(places) < 12, places
    assert platform.effects() == {str(job.pk): 1 for job in [*fifty, *three]}


def test_several_workers_share_fairly(platform):
    for _each in range(2):
        platform.worker(concurrency=1)
    mine = [platform.queue("test.train", steps=1000, pause=0.01) for _each in range(10)]
    wait_until(lambda: running(platform.department).count() == 2, 20, "both workers to be busy")
    theirs = platform.queue_for_retail("test.work", steps=1)
    assert platform.wait(theirs, timeout=WITHIN)[0].state == "succeeded"
    assert Job.objects.filter(pk__in=[each.pk for each in mine]).exclude(state__in=["queued", "running"]).count() == 0


def test_cpu_time_is_counted_of_all_processes(embedded):
    """Twice the time of its own: its child computes as long; sleep is not counted."""
    embedded.worker(concurrency=2)
    waits = embedded.queue("test.compute", seconds=0.4, rest=0.5)
    leaves = embedded.queue("test.compute", seconds=0.4, leave=True, rest=1.2)
    for job in embedded.wait(waits, leaves):
        assert 0.75 < job.cpu_seconds < 2.0, job.payload
        assert Attempt.objects.get(job=job).cpu_ms == job.cpu_ms


def test_a_killed_workers_attempt_is_counted_from_its_last_heartbeat(embedded):
    worker = embedded.worker(concurrency=1)
    # Its child stays: of one that ends between two heartbeats, the last moments are known only at the end.
    job = embedded.queue("test.compute", seconds=0.5, leave=True, rest=60)
    wait_until(lambda: Job.objects.get(pk=job.pk).cpu_live_ms > 800, 20, "a heartbeat after the work")
    worker.kill()
    embedded.beat()
    embedded.worker(concurrency=1)
    wait_until(lambda: Attempt.objects.filter(job=job).exists(), 20, "the reaper")
    assert Attempt.objects.get(job=job).cpu_ms > 800
