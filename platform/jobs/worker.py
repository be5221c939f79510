"""The worker process: what it loads before it forks, and how its pool learns that it shuts down."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import mmap
import os
import socket
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

logger = logging.getLogger("atrium.jobs")
# One byte that the pool's processes share with the worker that forks them: 1 once it shuts down.
_shared = mmap.mmap(-1, 1)


def place() -> str:
    """Where process numbers mean what they mean here: this host, and on Linux this container."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()[:60]}/{Path('/proc/self/ns/pid').readlink().name}"
    return socket.gethostname()[:60]


def worker_name() -> str:
    """Return "place:pid" of the process that watches a job."""
    return f"{place()}:{os.getpid()}"


def has_died(name: str) -> bool:
    """Whether that process lived in this place and is gone; False for processes of other places."""
    where, _colon, pid = name.rpartition(":")
    if where != place() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def shut_down() -> None:
    """Let every watching process put its job back into the queue."""
    _shared[0] = 1


def is_shutting_down() -> bool:
    return _shared[0] == 1


def preload() -> None:
    """Import what jobs need, once, so that a child process starts with it in milliseconds.

    Only modules that start no threads: a fork keeps the locks of threads that it does not copy.
    """
    for name in settings.JOB_PRELOAD:
        if find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
