"""Running queued jobs inside a test's own process, through the runner's claim, check and settlement."""

from __future__ import annotations

from jobs.models import Job, JobState
from jobs.runner import work


def run_pending(*, limit: int = 100) -> list[Job]:
    """Run queued jobs to their end, oldest first, with the jobs that they queue; return them as they ended."""
    done: dict[object, Job] = {}
    for _turn in range(limit):
        job = Job.objects.filter(state=JobState.QUEUED).order_by("created_at", "pk").first()
        if job is None:
            break
        work(job.pk, job.attempt, worker="test", inline=True)
        done[job.pk] = Job.objects.get(pk=job.pk)
    return list(done.values())
