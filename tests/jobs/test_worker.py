"""Real worker processes, with a broker each: jobs are done, steered and bounded."""

from __future__ import annotations

import os
import time

import psutil
import pytest

from jobs.models import Job
from jobs.services import signal
from tests.jobs.site import wait_until


def running(platform, kind, **payload):
    """Queue a job and wait until its code runs."""
    job = platform.queue(kind, **payload)
    wait_until(job.lines.exists, 20, "the job to begin")
    wait_until(lambda: Job.objects.get(pk=job.pk).child_pid, 5, "the watching process to know its child")
    job.refresh_from_db()
    return job


def seconds_to(platform, job, state, timeout=10):
    began = time.monotonic()
    platform.wait(job, timeout=timeout, states=(state,))
    return time.monotonic() - began


def test_jobs_are_done_steered_and_bounded(platform):
    """One worker for all of it: starting one takes longer than what is asked of it."""
    platform.worker(concurrency=2)
    done_once(platform)
    cancelled_by_its_own_code(platform)
    cancelled_against_its_will(platform)
    paused_and_resumed(platform)
    stopped(platform)
    ended_with_the_right(platform)


def done_once(platform):
    jobs = [platform.queue("test.work", steps=n) for n in range(5)]
    done = platform.wait(*jobs)
    assert [(job.state, job.result) for job in done] == [("succeeded", {"steps": n}) for n in range(5)]
    assert platform.effects() == {str(job.pk): 1 for job in jobs}
    assert not list((platform.home / "work").iterdir())


def cancelled_by_its_own_code(platform):
    job = running(platform, "test.work", steps=10_000)
    signal(job, "cancel")
    assert seconds_to(platform, job, "cancelled") < 5
    job.refresh_from_db()
    assert job.child_pid is None
    assert job.lines.count() == 1


def ended_with_the_right(platform):
    """Its person may no longer do it: what does not even look at signals is ended all the same."""
    job = running(platform, "test.borrowed")
    membership = job.created_by.memberships.filter(department=job.department)
    role = membership.get().role
    membership.update(role="viewer")
    assert seconds_to(platform, job, "failed") < 5
    job.refresh_from_db()
    assert job.error["code"] == "role-viewer"
    membership.update(role=role)


def cancelled_against_its_will(platform):
    job = running(platform, "test.deaf")
    child = psutil.Process(job.child_pid)
    family = [child, *wait_until(child.children, 5, "the job's own process")]
    signal(job, "cancel")
    assert seconds_to(platform, job, "cancelled") < 5
    assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def paused_and_resumed(platform):
    job = running(platform, "test.work", steps=100)
    time.sleep(0.5)
    signal(job, "pause")
    assert seconds_to(platform, job, "paused") < 5
    other = platform.queue("test.work", steps=1)
    platform.wait(other)
    assert (platform.home / "work" / str(job.pk) / "done").exists()
    signal(Job.objects.get(pk=job.pk), "resume")
    (job,) = platform.wait(job)
    assert (job.state, job.attempt, job.failures, job.result) == ("succeeded", 2, 0, {"steps": 100})
    begins = [int(line.message.split()[-1]) for line in job.lines.all()]
    assert begins[0] == 0
    assert begins[1] > 0
    assert platform.effects()[str(job.pk)] == 1


def stopped(platform):
    job = running(platform, "test.work", steps=10_000)
    signal(job, "stop")
    (job,) = platform.wait(job)
    assert job.state == "succeeded"
    assert 0 < job.result["steps"] < 10_000


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("test.greedy", "out_of_memory", "400 MB"),
        ("test.huge", "out_of_memory", "200 MB"),
        ("test.busy", "out_of_time", "1 seconds"),
        ("test.suicide", "attempts_used_up", "SIGKILL"),
        ("test.crash", "attempts_used_up", "crashed (SIGSEGV)"),
    ],
)
def test_limits_end_a_job_with_words_that_help(embedded, kind, code, said):
    worker = embedded.worker(concurrency=1)
    job = embedded.queue(kind)
    (job,) = embedded.wait(job, timeout=20)
    assert (job.state, job.error["code"]) == ("failed", code)
    assert said in job.error["detail"]
    assert job.error["hint"]
    assert worker.poll() is None
    after = embedded.queue("test.work", steps=1)
    assert embedded.wait(after)[0].state == "succeeded"


def test_a_worker_that_is_told_to_stop_puts_its_job_back(embedded):
    worker = embedded.worker(concurrency=1)
    job = running(embedded, "test.work", steps=150)
    time.sleep(0.5)
    began = time.monotonic()
    worker.terminate()
    worker.wait(10)
    assert time.monotonic() - began < 5
    job.refresh_from_db()
    assert (job.state, job.attempt, job.failures) == ("queued", 2, 0)
    embedded.worker(concurrency=1)
    (job,) = embedded.wait(job)
    assert (job.state, job.result) == ("succeeded", {"steps": 150})
    assert embedded.effects()[str(job.pk)] == 1


def test_a_child_leads_its_own_session_and_dumps_no_core(embedded):
    embedded.worker(concurrency=1)
    job = running(embedded, "test.deaf")
    assert os.getsid(job.child_pid) == os.getpgid(job.child_pid) == job.child_pid
    child = psutil.Process(job.child_pid)
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert child.num_threads() == 1
