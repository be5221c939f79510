"""Real worker processes, with a broker each: jobs are done, steered and bounded."""

from __future__ import annotations

from jobs.services import signal


def test_jobs_are_done(platform):
    jobs = [platform.queue("test.work", steps=n) for n in range(5)]
    platform.worker()
    done = platform.wait(*jobs)
    assert [(job.state, job.result) for job in done] == [("succeeded", {"steps": n}) for n in range(5)]
    assert platform.effects() == {str(job.pk): 1 for job in jobs}
