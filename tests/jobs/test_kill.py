"""`kill -9` on child, worker and broker at random points: no job lost, none twice to effect, none stuck.

Leases are 2 s here; a job must be back within lease + 30 s, and is expected far sooner.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal as signals
import time

import psutil
import pytest

from jobs import lifecycle
from jobs.models import FINISHED, Job, JobState
from tests.jobs.conftest import SERVERS
from tests.jobs.site import LEASE, wait_until

STUCK_AFTER = LEASE + 30


def kill_a_child(platform, dice):
    pids = list(Job.objects.filter(state=JobState.RUNNING).exclude(child_pid=None).values_list("child_pid", flat=True))
    if pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(dice.choice(pids), signals.SIGKILL)


def kill_the_worker(platform, dice):
    """The main process, a process of its pool, or all of them at once."""
    revive(platform)
    worker = next(process for process in platform.processes if "worker" in process.args and process.poll() is None)
    pool = [each.pid for each in psutil.Process(worker.pid).children()]
    chosen = dice.choice(["main", "pool", "all"])
    if chosen == "pool" and pool:
        os.kill(dice.choice(pool), signals.SIGKILL)
        return
    for pid in [worker.pid, *(pool if chosen == "all" else [])]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signals.SIGKILL)
    worker.wait()
    platform.worker()


def revive(platform):
    worker = [process for process in platform.processes if "worker" in process.args][-1]
    return platform.worker() if worker.poll() is not None else True


def is_over(jobs):
    return Job.objects.filter(pk__in=[job.pk for job in jobs], state__in=FINISHED).count() == len(jobs)


def kill_the_broker(platform, dice):
    if platform.redis:
        platform.redis.kill()
        time.sleep(dice.uniform(0, 0.5))
        platform.redis.start()


def test_nothing_is_lost_and_nothing_done_twice(platform):
    """At other points each time; ATRIUM_KILL_SEED repeats one."""
    seed = int(os.environ.get("ATRIUM_KILL_SEED") or random.randrange(10**6))
    print(f"ATRIUM_KILL_SEED={seed}")
    dice = random.Random(seed)
    platform.beat()
    platform.worker()
    jobs = [platform.queue("test.work", steps=dice.randint(0, 60)) for _each in range(12)]
    # A kill counts as a failed attempt of the job; this many could use up the three that a job has.
    Job.objects.update(max_attempts=20)
    wait_until(lambda: Job.objects.filter(state=JobState.RUNNING).exists(), 20, "the first job to begin")
    for _each in range(6):
        dice.choice([kill_a_child, kill_the_worker, kill_the_broker])(platform, dice)
        time.sleep(dice.uniform(0, 0.8))
    # Celery gives up when its pool is killed while it starts; the supervisor would start it again.
    wait_until(lambda: revive(platform) and is_over(jobs), STUCK_AFTER, "all jobs to end")
    done = platform.wait(*jobs, timeout=1)
    assert [job.error for job in done if job.state != "succeeded"] == []
    assert platform.effects() == {str(job.pk): 1 for job in jobs}
    assert [job.result["steps"] for job in done] == [job.payload["steps"] for job in jobs]


def test_a_killed_worker_leaves_no_process(platform):
    worker = platform.worker()
    job = platform.queue("test.deaf")
    wait_until(lambda: Job.objects.get(pk=job.pk).child_pid, 20, "the job to begin")
    family = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    worker.wait()
    own = [
        each for each in family if each.pid == Job.objects.get(pk=job.pk).child_pid or "worker" in " ".join(cmd(each))
    ]
    assert own
    wait_until(lambda: not [each for each in own if each.is_running()], 5, "the worker's processes to end")


def cmd(process):
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def test_a_lost_message_is_sent_again(platform):
    """Its row waits; the reaper rings again, and a job that nobody rang for is done."""
    job = platform.queue("test.work", steps=1)
    if platform.redis:
        platform.redis.kill()
        for file in platform.redis.folder.rglob("*.*"):
            file.unlink()
        platform.redis.start()
    else:
        for file in (platform.home / "broker" / "queue").glob("*.msg"):
            file.unlink()
    platform.worker()
    platform.beat()
    assert platform.wait(job, timeout=STUCK_AFTER)[0].state == "succeeded"


def test_a_request_while_the_broker_is_down_is_not_lost(platform):
    if platform.redis is None:
        (platform.home / "broker" / "queue").rename(platform.home / "broker" / "elsewhere")
        job = platform.queue("test.work", steps=1)
        (platform.home / "broker" / "elsewhere").rename(platform.home / "broker" / "queue")
    else:
        platform.redis.kill()
        job = platform.queue("test.work", steps=1)
        platform.redis.start()
    assert Job.objects.get(pk=job.pk).dispatched_at is None
    platform.worker()
    assert platform.wait(job, timeout=STUCK_AFTER)[0].state == "succeeded"


@pytest.mark.parametrize("platform", [SERVERS], indirect=True)
def test_a_busy_worker_goes_on_when_redis_is_back(platform):
    """Acknowledgements that found no Redis must not count as messages that are still being worked on."""
    platform.worker()
    busy = [platform.queue("test.work", steps=60) for _each in range(6)]
    wait_until(lambda: Job.objects.filter(state=JobState.RUNNING).count() == 2, 20, "both slots to be taken")
    platform.redis.kill()
    platform.wait(*busy[:2])
    time.sleep(0.3)
    platform.redis.start()
    later = platform.queue("test.work", steps=1)
    platform.beat()
    assert {job.state for job in platform.wait(*busy, later, timeout=STUCK_AFTER)} == {"succeeded"}


def test_the_effect_counts_even_if_the_worker_dies_a_moment_later(embedded):
    """Between the commit of the effect and the end of the job: the next attempt must not come."""
    job = embedded.queue("test.effect_then_die")
    embedded.worker(concurrency=1)
    (job,) = embedded.wait(job, timeout=STUCK_AFTER)
    assert (job.state, job.result, job.attempt) == ("succeeded", {"kept": True}, 1)
    assert embedded.effects() == {str(job.pk): 1}


def unconditional(job_id, attempt, *, worker):
    """The claim without its condition: look, then write."""
    job = Job.objects.get(pk=job_id)
    if job.state != JobState.QUEUED or job.attempt != attempt:
        return None
    time.sleep(0.2)
    Job.objects.filter(pk=job_id).update(state=JobState.RUNNING, worker=worker)
    return job


@pytest.mark.parametrize(("claim", "winners"), [(unconditional, 2), (lifecycle.claim, 1)], ids=["without", "with"])
def test_the_race_for_a_job_happens_and_the_condition_stops_it(platform, claim, winners):
    job = platform.queue("test.work", steps=0)
    assert sum(platform.at_once(lambda: claim(job.pk, 1, worker="one of two") is not None, 2)) == winners
