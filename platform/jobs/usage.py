"""What a job's processes use while they run, as points that people see: CPU, memory, threads, progress."""

from __future__ import annotations

import contextlib
import time

import psutil

from jobs.memory import descendants
from jobs.models import Job, JobUsage

# Seconds between two points: a share of the attempt's age, so that a day leaves some thousand and a minute thirty.
LEAST, SHARE = 2.0, 1 / 300


class UsageLog:
    """Writes the points of one attempt; `child` is the process that does the job."""

    def __init__(self, job: Job, child: int) -> None:
        self.job = job
        self.child = child
        self.began = self.at = time.monotonic()
        self.cpu_ms = 0

    def is_due(self, now: float) -> bool:
        return now - self.at >= max(LEAST, (now - self.began) * SHARE)

    def take(self, now: float, *, cpu_ms: int, memory_mb: int) -> None:
        """Write a point: the CPU time since the last one as a share of one core, in per cent, and the rest as it is."""
        progress = Job.objects.filter(pk=self.job.pk).values_list("progress", flat=True).first() or 0.0
        percent = max(0.0, (cpu_ms - self.cpu_ms) / (now - self.at) / 10)
        self.at, self.cpu_ms = now, cpu_ms
        JobUsage.objects.create(
            job_id=self.job.pk,
            attempt=self.job.attempt,
            cpu_percent=round(percent, 1),
            memory_mb=memory_mb,
            threads=threads_of(self.child),
            progress=progress,
        )


def threads_of(pid: int) -> int:
    """The threads of a process and of everything below it."""
    count = 0
    for each in (pid, *descendants(pid)):
        with contextlib.suppress(psutil.Error):
            count += int(psutil.Process(each).num_threads())
    return count
