"""Watching a child: renews the lease while it lives, holds its memory limit, and ends it when its time has come."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import time

from django.conf import settings
from django.db import DatabaseError, connections
from django.http import Http404
from django.utils.translation import gettext as _

from jobs import child, fairness, lifecycle, workers
from jobs.cpu import CpuMeter
from jobs.memory import used_mb
from jobs.models import Job
from jobs.outcome import Outcome, failed, of_error, out_of_memory
from jobs.registry import get_handler
from jobs.services import authorize
from jobs.usage import UsageLog
from jobs.worker import is_shutting_down
from rest.problems import Refused

logger = logging.getLogger("atrium.jobs")
TICK = 0.2
# What a process does to itself, by an error in compiled code.
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
LOOK_EVERY = 0.5
RECHECK_EVERY = 1.0
# Seconds: for the job's own code to follow a cancel or pause, then from SIGTERM to SIGKILL.
GRACE = 3.0
TERM_GRACE = 0.7


def watch(job: Job) -> Outcome:
    """Do `job` in a child process and return how it went."""
    watcher = Watcher(job)
    try:
        return watcher.run()
    finally:
        watcher.kill()


class Watcher:
    """The parent's side of one attempt."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.handler = get_handler(job.kind)
        self.memory_mb = self.handler.memory_mb
        self.renewed = self.looked = self.rechecked = time.monotonic()
        self.child = child.start(job)
        self.used_mb = self.peak_mb = 0
        self.cpu = CpuMeter(self.child.pid)
        self.usage = UsageLog(job, self.child.pid)
        self.data = b""
        # Why and since when the child is being ended; what its end then means.
        self.ending: Outcome | None = None
        self.ending_since = 0.0
        self.asked = ""
        self.asked_since = 0.0
        self.alive = True
        self.worker = os.getppid()

    def run(self) -> Outcome:
        self._renew()
        while not self._over():
            self._read(TICK)
            self._tick(time.monotonic())
        self._read(0)
        return self._outcome(self._reap())

    def kill(self) -> None:
        """End whatever is left of the child's process group; nothing, as a rule."""
        if self.alive:
            self._signal(signal.SIGKILL)
            self._reap()
        os.close(self.child.pipe)

    def _tick(self, now: float) -> None:
        if now - self.renewed >= settings.JOB_HEARTBEAT:
            self._renew()
            self._make_room()
        if now - self.looked >= LOOK_EVERY:
            self.looked = now
            self._look()
        if self.handler.recheck and now - self.rechecked >= RECHECK_EVERY:
            self.rechecked = now
            self._recheck()
        self._check_memory()
        if self.usage.is_due(now):
            self._note_usage(now)
        # Where the kernel does not end the pool of a worker that was killed, its jobs go back to the queue.
        if is_shutting_down() or os.getppid() != self.worker:
            self._end(Outcome("released"))
        self._escalate(time.monotonic())

    def _renew(self) -> None:
        """Prolong the lease. A parent that cannot, kills its child before anybody else may take the job."""
        try:
            held = lifecycle.renew(self.job, child_pid=self.child.pid, cpu_ms=self.cpu.sample())
            self.renewed = time.monotonic()
        except DatabaseError as error:
            logger.warning("job %s: the lease could not be renewed: %s", self.job.pk, error)
            connections.close_all()
            held = time.monotonic() - self.renewed < settings.JOB_LEASE - 2 * TICK
        if not held:
            self._end(Outcome("fenced"))

    def _make_room(self) -> None:
        """See whether this job is the one that should let another department have a turn, and say that we are here."""
        with contextlib.suppress(DatabaseError):
            workers.seen()
            if self.handler.yields:
                fairness.make_room(self.job, workers.own_queues() or [self.job.queue])

    def _look(self) -> None:
        """See whether somebody cancelled or paused the job, and remember since when."""
        with contextlib.suppress(DatabaseError):
            asked = lifecycle.running(self.job.pk, self.job.attempt).values_list("signal", flat=True).first()
            if asked is None:
                self._end(Outcome("fenced"))
            elif asked != self.asked:
                self.asked, self.asked_since = asked, time.monotonic()

    def _recheck(self) -> None:
        """Ask again whether the job's person may do this: a grant that ends stops what runs on its data."""
        try:
            with contextlib.suppress(DatabaseError):
                authorize(Job.objects.select_related("created_by", "token", "department").get(pk=self.job.pk))
        except (Refused, Http404) as refusal:
            self._end(of_error(self.job, refusal))

    def _check_memory(self) -> None:
        self.used_mb = used_mb(self.child.pid)
        self.peak_mb = max(self.peak_mb, self.used_mb)
        if self.used_mb > self.memory_mb:
            self._end(out_of_memory(self.memory_mb, self.used_mb))

    def _note_usage(self, now: float) -> None:
        with contextlib.suppress(DatabaseError):
            self.usage.take(now, cpu_ms=self.cpu.sample(), memory_mb=self.used_mb)

    def _escalate(self, now: float) -> None:
        """Code that does not follow a cancel or a pause in time is ended from outside."""
        if self.asked in ("cancel", "pause", "yield") and now - self.asked_since >= GRACE:
            self._end(Outcome({"cancel": "cancelled", "pause": "paused", "yield": "paused"}[self.asked]))
        if self.ending and now - self.ending_since >= TERM_GRACE:
            self._signal(signal.SIGKILL)

    def _end(self, outcome: Outcome) -> None:
        """Begin to end the child; what does not obey SIGTERM, or must not run on, is killed."""
        if self.ending is None:
            self.ending, self.ending_since = outcome, time.monotonic()
            self._signal(signal.SIGTERM if outcome.kind in ("cancelled", "paused", "released") else signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)

    def _read(self, timeout: float) -> None:
        """Collect the outcome; returns as soon as there is something to read, or the child has ended."""
        ready, _w, _x = select.select([self.child.pipe], [], [], timeout)
        while ready:
            try:
                chunk = os.read(self.child.pipe, 65536)
            except BlockingIOError:
                return
            if not chunk:
                time.sleep(0.002)
                return
            self.data += chunk

    def _over(self) -> bool:
        """Whether the child has ended; it stays a zombie, so that its group's number cannot go to others."""
        found = os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return found is not None

    def _reap(self) -> int:
        """Kill what the child left behind in its group, note what it computed, and return its wait status."""
        self.cpu.sample()
        self._signal(signal.SIGKILL)
        _pid, status, usage = os.wait4(self.child.pid, 0)
        self.alive = False
        with contextlib.suppress(DatabaseError):
            lifecycle.measured(self.job, self.cpu.total(usage))
        return status

    def _outcome(self, status: int) -> Outcome:
        if self.data and os.WIFEXITED(status):
            return Outcome.from_json(self.data)
        if self.ending is not None:
            return self.ending
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if number == signal.SIGXCPU:
            return self._out_of_time()
        if number and self.peak_mb > 0.9 * self.memory_mb:
            return out_of_memory(self.memory_mb, self.peak_mb)
        name = signal.Signals(number).name if number else f"status {os.waitstatus_to_exitcode(status)}"
        if number in CRASHES:
            return Outcome("retry", line=_("The job's process crashed (%s).") % name)
        return Outcome("retry", line=_("The job's process was ended from outside (%s).") % name)

    def _out_of_time(self) -> Outcome:
        seconds = get_handler(self.job.kind).cpu_seconds
        detail = _("The job used up the %d seconds of computing time that this kind of job may take.") % (seconds or 0)
        return failed("out_of_time", detail, _("Make the work smaller, or ask your administrator for more time."))
