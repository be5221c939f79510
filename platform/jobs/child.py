"""The process that does one job: its own session, its limits, and no way to outlive the worker."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from celery import current_app
from django.db import connections
from kombu import pools

from jobs.models import Job
from jobs.outcome import attempt
from jobs.registry import Handler, get_handler

logger = logging.getLogger("atrium.jobs")
PR_SET_PDEATHSIG = 1
MIB = 2**20
NICENESS = 5
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Child:
    """A running child: its pid, which is also its process group, and the pipe that its outcome comes through."""

    pid: int
    pipe: int


def start(job: Job) -> Child:
    """Fork the process that does `job`. Nothing that is connected crosses the fork."""
    _disconnect()
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(writer)
        os.set_blocking(reader, False)
        return Child(pid, reader)
    os.close(reader)
    try:
        _settle_in(parent, get_handler(job.kind))
        _write_all(writer, attempt(job).to_json())
    except BaseException:
        logger.exception("job %s: the child process broke off", job.pk)
        os._exit(1)
    os._exit(0)


def _disconnect() -> None:
    """A socket that both sides of a fork use mixes up their conversations; each side opens its own."""
    connections.close_all()
    pools.reset()  # type: ignore[no-untyped-call]
    # Celery keeps the pool that was just closed; without this, no message could be sent from here any more.
    current_app._after_fork()


def _settle_in(parent: int, handler: Handler) -> None:
    os.setsid()
    die_with(parent)
    # The pool's own handlers would turn the ends that are meant here into exceptions.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    # Pages and predictions are answered first: people wait for those.
    os.nice(NICENESS)
    limit(handler)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies (Linux); leave now if it has died already."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(handler: Handler) -> None:
    """Set the limits that the kernel holds by itself."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if handler.cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (handler.cpu_seconds, handler.cpu_seconds + 5))
    # The watching process holds the line on what is used; this stops a single huge allocation from outrunning it.
    # Not on a GPU, whose driver reserves far more addresses than memory.
    if sys.platform == "linux" and handler.queue != "gpu" and not Path("/dev/nvidiactl").exists():
        most = _data_bytes() + 2 * handler.memory_mb * MIB
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _data_bytes() -> int:
    """What the worker has loaded already counts as data of the child; it is added to the limit."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _write_all(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
