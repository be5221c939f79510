"""The steps of the state machine: who may take them when, and that an old attempt's writes are refused."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from departments.models import Membership, Role
from jobs import lifecycle
from jobs.context import JobContext
from jobs.errors import Cancelled, Fenced, JobFailed
from jobs.models import Job
from jobs.outcome import Outcome, settle
from jobs.reaper import reap
from jobs.runner import work
from jobs.services import signal
from jobs.worker import place, worker_name
from rest.problems import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(kind, queue_job):
    """A queued job of a kind that only ends."""

    @kind("test.ends", authorize=lambda job: None)
    def ends(ctx):
        if ctx.signal() == "cancel":
            raise Cancelled

    return queue_job("test.ends")


@pytest.fixture
def held(waiting):
    """The same job, claimed by a worker."""
    return lifecycle.claim(waiting.pk, 1, worker="w")


def expire(job):
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def state_of(job):
    return Job.objects.get(pk=job.pk).state


def test_one_claim_wins(waiting):
    assert lifecycle.claim(waiting.pk, 1, worker="a") is not None
    assert lifecycle.claim(waiting.pk, 1, worker="b") is None
    assert Job.objects.get(pk=waiting.pk).worker == "a"


def test_a_message_of_another_attempt_does_nothing(waiting):
    assert not work(waiting.pk, 2, worker="a", inline=True)
    assert state_of(waiting) == "queued"


@pytest.mark.parametrize(
    "act",
    [
        lambda ctx: ctx.progress(0.5),
        lambda ctx: ctx.log("still here"),
        lambda ctx: ctx.signal(),
        lambda ctx: ctx.effect().__enter__(),
        lambda ctx: ctx.write().__enter__(),
    ],
    ids=["progress", "log", "signal", "effect", "write"],
)
def test_every_write_of_an_old_attempt_is_refused(held, act, monkeypatch):
    monkeypatch.setattr("jobs.context.PACE", 0)
    old = JobContext(held)
    expire(held)
    reap()
    with pytest.raises(Fenced):
        act(old)
    new = lifecycle.claim(held.pk, 2, worker="b")
    with pytest.raises(Fenced):
        act(old)
    act(JobContext(new))


def test_an_old_attempt_cannot_end_the_job(held):
    expire(held)
    reap()
    settle(held, Outcome("succeeded", result={"by": "the old one"}))
    assert not lifecycle.renew(held)
    assert (state_of(held), Job.objects.get(pk=held.pk).result) == ("queued", None)


def test_a_job_has_one_effect(held):
    ctx = JobContext(held)
    with ctx.write():
        pass
    with ctx.effect({"n": 1}):
        pass
    with pytest.raises(RuntimeError, match="one effect"), ctx.effect():
        pass


def test_an_effect_that_breaks_off_leaves_nothing(held):
    with pytest.raises(ZeroDivisionError), JobContext(held).effect() as job:
        AuditEvent.objects.create(verb="test.effect", object_id=str(job.pk))
        raise ZeroDivisionError
    assert Job.objects.get(pk=held.pk).effect_at is None
    assert not AuditEvent.objects.filter(verb="test.effect").exists()


@pytest.mark.parametrize("outcome", ["failed", "cancelled", "paused", "retry", "released"])
def test_after_its_effect_a_job_can_only_succeed(held, outcome):
    with JobContext(held).effect({"n": 1}):
        pass
    settle(held, Outcome(outcome, error={"detail": "too late"}, line="too late"))
    held.refresh_from_db()
    assert (held.state, held.result, held.error) == ("succeeded", {"n": 1}, None)


def test_a_lease_that_ran_out_after_the_effect_succeeds(held):
    with JobContext(held).effect({"n": 1}):
        pass
    expire(held)
    reap()
    assert state_of(held) == "succeeded"


def test_a_living_lease_is_left_alone(held):
    reap()
    assert state_of(held) == "running"


def test_a_worker_that_died_here_is_noticed_before_its_lease_runs_out(held):
    gone = subprocess.Popen(["true"])
    gone.wait()
    Job.objects.filter(pk=held.pk).update(worker=f"{place()}:{gone.pid}")
    reap()
    assert (state_of(held), Job.objects.get(pk=held.pk).failures) == ("queued", 1)


@pytest.mark.parametrize(
    "worker", [worker_name(), "elsewhere:999999", "", "odd"], ids=["this one", "elsewhere", "none", "odd"]
)
def test_a_worker_that_may_be_alive_keeps_its_job(held, worker):
    Job.objects.filter(pk=held.pk).update(worker=worker)
    reap()
    assert state_of(held) == "running"


def test_three_lost_workers_fail_the_job_and_say_what_to_do(waiting):
    for attempt in (1, 2, 3):
        expire(lifecycle.claim(waiting.pk, attempt, worker="w"))
        reap()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error["code"]) == ("failed", "attempts_used_up")
    assert "The worker stopped in mid-work" in waiting.error["detail"]
    assert waiting.error["hint"]


@pytest.mark.parametrize(("asked", "state"), [("cancel", "cancelled"), ("pause", "paused"), ("stop", "queued")])
def test_a_signal_outlives_the_worker(held, asked, state):
    signal(held, asked)
    expire(held)
    reap()
    held.refresh_from_db()
    assert held.state == state
    assert held.signal == ("stop" if asked == "stop" else "")


def test_cancel_in_each_state(waiting):
    signal(waiting, "cancel")
    assert state_of(waiting) == "cancelled"
    with pytest.raises(Refused, match="ended already"):
        signal(waiting, "cancel")


def test_cancel_of_a_paused_and_of_a_running_job(held, run_jobs):
    signal(held, "pause")
    lifecycle.pause(held)
    signal(held, "cancel")
    assert state_of(held) == "cancelled"


def test_a_cancel_is_not_taken_back(held):
    signal(held, "cancel")
    for other in ("stop", "pause"):
        assert signal(held, other).signal == "cancel"


def test_a_queued_job_can_be_paused_and_resumed(waiting, run_jobs):
    assert signal(waiting, "pause").state == "paused"
    assert run_jobs() == []
    assert (signal(waiting, "resume").state, Job.objects.get(pk=waiting.pk).attempt) == ("queued", 2)
    run_jobs()
    assert state_of(waiting) == "succeeded"


def test_a_pause_is_taken_back_before_it_is_followed(held):
    assert signal(held, "pause").signal == "pause"
    assert signal(held, "resume").signal == ""


@pytest.mark.parametrize(("asked", "code"), [("resume", "not_paused"), ("stop", "not_started"), ("fly", "invalid")])
def test_what_makes_no_sense_is_refused(waiting, asked, code):
    with pytest.raises(Refused) as refused:
        signal(waiting, asked)
    assert refused.value.code == code
    assert state_of(waiting) == "queued"


def test_a_paused_job_can_be_stopped_with_what_it_has(held):
    lifecycle.pause(held)
    job = signal(held, "stop")
    assert (job.state, job.signal, job.attempt) == ("queued", "stop", 2)


def test_a_membership_withdrawn_before_the_start_is_withdrawn(kind, queue_job, people, run_jobs):
    done = []
    kind("test.plain")(lambda ctx: done.append(1))
    job = queue_job("test.plain")
    Membership.objects.filter(person=people.alice).delete()
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error["status"], done) == ("failed", 404, [])


def test_a_role_lowered_before_the_start_holds(kind, queue_job, people, run_jobs):
    kind("test.plain")(lambda ctx: None)
    job = queue_job("test.plain")
    Membership.objects.filter(person=people.alice).update(role=Role.VIEWER)
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error["code"], job.error["status"]) == ("failed", "role-viewer", 403)


@pytest.mark.parametrize(
    "change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}], ids=["revoked", "expired"]
)
def test_a_token_that_is_gone_takes_its_jobs_with_it(kind, queue_job, people, run_jobs, change):
    from accounts.models import ApiToken
    from accounts.services import create_token
    from audit.context import Origin, acting

    kind("test.plain")(lambda ctx: None)
    token, _secret = create_token(person=people.alice, name="t", scopes=["write"])
    with acting(Origin(actor_id=people.alice.pk, token_id=token.pk)):
        job = queue_job("test.plain")
    ApiToken.objects.filter(pk=token.pk).update(**change)
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error["code"]) == ("failed", "token_gone")


def test_a_person_who_left_starts_nothing(kind, queue_job, people, run_jobs):
    kind("test.plain")(lambda ctx: None)
    job = queue_job("test.plain")
    people.alice.is_active = False
    people.alice.save()
    run_jobs()
    job.refresh_from_db()
    assert job.error["code"] == "requester_gone"


def test_a_kind_s_own_check_is_asked_at_the_start(kind, queue_job, run_jobs):
    def gone(job):
        raise Refused("grant-expired", "The grant has expired.", status=403)

    kind("test.checked", authorize=gone)(lambda ctx: None)
    job = queue_job("test.checked")
    run_jobs()
    job.refresh_from_db()
    assert job.error["code"] == "grant-expired"


def test_a_kind_that_this_worker_does_not_know_fails_with_a_hint(waiting):
    Job.objects.filter(pk=waiting.pk).update(kind="of.tomorrow")
    work(waiting.pk, 1, worker="old", inline=True)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error["code"]) == ("failed", "unknown_kind")


def test_what_a_job_does_is_recorded_as_its_person_s(kind, queue_job, people, run_jobs):
    from audit.services import record

    kind("test.records")(lambda ctx: record("test.act") and None)
    queue_job("test.records")
    run_jobs()
    assert AuditEvent.objects.get(verb="test.act").actor_id == people.alice.pk
    assert AuditEvent.objects.get(verb="job.succeeded").actor_name == "alice"


def test_the_message_goes_out_on_commit_and_never_before(
    kind, queue_job, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr("jobs.dispatch.ring", lambda *message: rung.append(message))
    kind("test.plain")(lambda ctx: None)
    with django_capture_on_commit_callbacks(execute=True):
        job = queue_job("test.plain")
        assert rung == []
    assert rung == [(job.pk, 1, "default")]


def test_a_queued_job_is_rung_for_again_after_a_while(waiting, monkeypatch, settings):
    rung = []
    monkeypatch.setattr("jobs.reaper.ring", lambda *message: rung.append(message) or True)
    reap()
    assert rung == []
    late = timezone.now() - timedelta(seconds=settings.JOB_RING_AGAIN_AFTER + 1)
    Job.objects.filter(pk=waiting.pk).update(dispatched_at=late)
    reap()
    reap()
    assert rung == [(waiting.pk, 1, "default")]


def test_progress_is_written_at_most_twice_a_second(held, django_assert_num_queries):
    ctx = JobContext(held)
    with django_assert_num_queries(1):
        for step in range(100):
            ctx.progress(step / 200, f"step {step}")
    with django_assert_num_queries(1):
        for _each in range(100):
            ctx.signal()


def test_a_log_has_an_end(held, monkeypatch):
    monkeypatch.setattr("jobs.context.MAX_LINES", 3)
    ctx = JobContext(held)
    for step in range(10):
        ctx.log(f"line {step}")
    said = [line.message for line in held.lines.all()]
    assert said == ["line 0", "line 1", "line 2", "The log ends here: a job says at most 3 lines."]


def test_a_failure_in_a_check_of_the_effect_is_the_jobs(kind, queue_job, run_jobs):
    @kind("test.effect_fails")
    def effect_fails(ctx):
        with ctx.effect():
            raise JobFailed("too_late", "Too late.")

    job = queue_job("test.effect_fails")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.effect_at, job.error["code"]) == ("failed", None, "too_late")
