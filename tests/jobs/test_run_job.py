"""A queued job is done once, says how far it is, and ends in the state that its code left it in."""

from __future__ import annotations

import pytest

from jobs.errors import Cancelled, JobFailed, Paused
from jobs.models import Job
from rest.problems import Refused

pytestmark = pytest.mark.django_db


def test_it_works(kind, queue_job, run_jobs):
    @kind("test.sum")
    def add(ctx):
        ctx.progress(0.5, "half")
        ctx.log("adding")
        with ctx.effect():
            pass
        return {"sum": sum(ctx.payload["numbers"])}

    job = queue_job("test.sum", numbers=[1, 2, 3])
    assert job.state == "queued"
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.result, job.progress, job.error) == ("succeeded", {"sum": 6}, 1, None)
    assert job.finished_at is not None
    assert [line.message for line in job.lines.all()] == ["adding"]
    assert not run_jobs()


def test_a_final_failure_is_not_tried_again(kind, queue_job, run_jobs):
    @kind("test.bad")
    def bad(ctx):
        raise JobFailed(
            "no_rows", "The file has no rows.", "Upload one with rows.", [{"field": "file", "message": "empty"}]
        )

    job = queue_job("test.bad")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error["code"] == "no_rows"
    assert job.error["hint"] == "Upload one with rows."
    assert job.error["errors"] == [{"field": "file", "message": "empty"}]


def test_a_refusal_is_final(kind, queue_job, run_jobs):
    @kind("test.refused")
    def refused(ctx):
        raise Refused("grant-verbs", "The grant does not include this.", status=403)

    job = queue_job("test.refused")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.error["code"], job.error["status"]) == ("failed", "grant-verbs", 403)


def test_an_unexpected_error_is_tried_three_times(kind, queue_job, run_jobs):
    tries = []

    @kind("test.bug")
    def bug(ctx):
        tries.append(ctx.attempt)
        raise ZeroDivisionError("division by zero")

    job = queue_job("test.bug")
    run_jobs()
    job.refresh_from_db()
    assert tries == [1, 2, 3]
    assert (job.state, job.failures) == ("failed", 2)
    assert job.error["code"] == "attempts_used_up"
    assert job.error["detail"].endswith("ZeroDivisionError")
    assert job.lines.last().message == "ZeroDivisionError: division by zero"
    assert job.error["hint"]
    assert [line.level for line in job.lines.all()] == ["warning", "warning", "error"]


def test_an_error_that_passes_does_not_fail_the_job(kind, queue_job, run_jobs):
    @kind("test.flaky")
    def flaky(ctx):
        if ctx.attempt < 3:
            raise OSError("try again")

    job = queue_job("test.flaky")
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("succeeded", 3)


@pytest.mark.parametrize(("error", "state"), [(Cancelled, "cancelled"), (Paused, "paused")])
def test_code_that_leaves_ends_so(error, state, kind, queue_job, run_jobs):
    @kind("test.leaves")
    def leaves(ctx):
        raise error

    job = queue_job("test.leaves")
    run_jobs()
    assert Job.objects.get(pk=job.pk).state == state


def test_the_work_folder_is_kept_across_attempts_and_gone_at_the_end(
    kind, queue_job, run_jobs, django_capture_on_commit_callbacks
):
    seen = []

    @kind("test.folder")
    def folder(ctx):
        seen.append((ctx.workdir, [file.name for file in ctx.workdir.iterdir()]))
        (ctx.workdir / f"checkpoint-{ctx.attempt}").touch()
        if ctx.attempt == 1:
            raise OSError

    queue_job("test.folder")
    with django_capture_on_commit_callbacks(execute=True):
        run_jobs()
    assert [names for _folder, names in seen] == [[], ["checkpoint-1"]]
    assert not seen[0][0].exists()


def test_on_finish_lets_the_owner_follow_and_cannot_keep_the_job_open(kind, queue_job, run_jobs):
    ends = []

    def follow(job):
        ends.append((job.state, job.error and job.error["code"]))
        raise RuntimeError("a bug in the hook")

    @kind("test.followed", on_finish=follow)
    def followed(ctx):
        raise JobFailed("bad", "Bad.")

    job = queue_job("test.followed")
    run_jobs()
    job.refresh_from_db()
    assert ends == [("failed", "bad")]
    assert job.state == "failed"
    assert "could not be brought up to date" in job.lines.get().message


def test_text_that_a_database_refuses_is_cleaned(kind, queue_job, run_jobs):
    @kind("test.nul")
    def nul(ctx):
        ctx.log("a\x00b" + "x" * 10_000, level="loud")
        ctx.progress(7, "c\x00d")
        return {"name\x00": "e\x00f", "n": float("nan")}

    job = queue_job("test.nul")
    run_jobs()
    job.refresh_from_db()
    line = job.lines.get()
    assert (line.message[:3], len(line.message), line.level) == ("abx", 4000, "info")
    assert (job.state, job.result) == ("succeeded", {"name": "ef", "n": None})
