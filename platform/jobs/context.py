"""What a job's code is given: its payload, a work folder, and the ways to speak and to write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils import timezone

from jobs.clean import clean_json, clean_text
from jobs.errors import Cancelled, Fenced
from jobs.finish import workdir_of
from jobs.lifecycle import fenced, running
from jobs.models import Job, JobLog

# Seconds between two looks at, or two words to, the database: a job calls these at every batch.
PACE = 0.5
MAX_LINES = 5000
MAX_MESSAGE = 4000
LEVELS = ("debug", "info", "warning", "error")


class JobContext:
    """One attempt of one job, as its handler sees it. Every write of an outdated attempt raises Fenced."""

    def __init__(self, job: Job) -> None:
        self.job_id = job.pk
        self.attempt = job.attempt
        self.payload: dict[str, Any] = job.payload
        self.workdir: Path = workdir_of(job.pk)
        self.workdir.mkdir(parents=True, exist_ok=True)
        self._told = self._looked = -PACE
        self._signal = "go"
        self._lines = 0
        self._has_effect = False

    def job(self) -> Job:
        """The row as it is now."""
        row: Job = Job.objects.select_related("created_by", "token", "department").get(pk=self.job_id)
        return row

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far the job is (0 to 1) and what it does now. Cheap: written at most twice a second."""
        now = time.monotonic()
        if now - self._told < PACE and fraction < 1:
            return
        self._told = now
        self._update(progress=min(max(float(fraction), 0.0), 1.0), note=clean_text(note)[:200])

    def step(self, fraction: float, note: str = "") -> None:
        """Say how far the job is, and leave (Cancelled) when somebody cancels it."""
        self.progress(fraction, note)
        if self.signal() == "cancel":
            raise Cancelled

    def log(self, message: str, level: str = "info") -> None:
        """Say one line to the person who waits for the job. No values of rows: everyone in the department reads it."""
        if self._lines > MAX_LINES:
            return
        self._lines += 1
        if self._lines > MAX_LINES:
            message, level = f"The log ends here: a job says at most {MAX_LINES:,} lines.", "warning"
        with fenced(self.job_id, self.attempt) as job:
            JobLog.objects.create(
                job=job,
                attempt=self.attempt,
                level=level if level in LEVELS else "info",
                message=clean_text(message)[:MAX_MESSAGE],
            )

    def signal(self) -> str:
        """Return "go", "stop", "cancel" or "pause". Cheap to call every batch: looks at most twice a second."""
        now = time.monotonic()
        if now - self._looked >= PACE:
            self._looked = now
            found = running(self.job_id, self.attempt).values_list("signal", flat=True).first()
            if found is None:
                raise Fenced(f"attempt {self.attempt} of job {self.job_id} is no longer the one that runs")
            # To make room for others is to pause; that the job goes on by itself is not its code's matter.
            self._signal = "pause" if found == "yield" else found or "go"
        return self._signal

    @contextmanager
    def effect(self, result: dict[str, Any] | None = None) -> Iterator[Job]:
        """The transaction that holds everything the job leaves behind: committed once, by one attempt.

        A job has one effect, at its end. Once it is committed the job has succeeded, even if the worker dies in the
        next moment; `result` is kept with it. For what is written on the way there is `write()`.
        """
        if self._has_effect:
            raise RuntimeError("a job has one effect(); use write() for what it writes on the way")
        with fenced(self.job_id, self.attempt) as job:
            yield job
            job.effect_at = timezone.now()
            job.result = clean_json(result)
            job.save(update_fields=["effect_at", "result"])
        self._has_effect = True

    @contextmanager
    def write(self) -> Iterator[Job]:
        """A fenced transaction on the way to the effect. A later attempt may come here again: keep it repeatable."""
        with fenced(self.job_id, self.attempt) as job:
            yield job

    def _update(self, **values: Any) -> None:
        if not running(self.job_id, self.attempt).update(**values):
            raise Fenced(f"attempt {self.attempt} of job {self.job_id} is no longer the one that runs")
