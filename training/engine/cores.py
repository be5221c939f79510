"""The cores of a machine, shared by all trainings on it: a fit computes while it holds one.

A core is a file with an exclusive lock, which the kernel takes back when its holder dies. A training holds one from its
beginning to its end; more while they are free and nobody waits for a first one. With one thread a fit, the threads that
compute never outnumber the cores: two-thread fits beside busy neighbours ran 33 to 51 times slower.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def count() -> int:
    """The cores that this process may use: its affinity, and the quota of its control group."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return allowed
    return allowed if quota == "max" else max(1, min(allowed, int(quota) // int(period)))


class Cores:
    """What one training holds of the machine's cores. Without a folder, it has `most` for itself."""

    def __init__(self, folder: Path | None = None, most: int | None = None) -> None:
        self.folder = folder
        self.most = most or count()
        self.held: list[int] = []
        self._queue: int | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def first(self) -> bool:
        """Try to get a first core, or to keep waiting in the line for one. Ask again until it is there."""
        if self.held:
            return True
        if self.folder is not None and self._queue is None:
            self._queue = _lock(self.folder / "queue")
        if self.folder is None or self._queue is not None:
            self._take()
        if self.held and self._queue is not None:
            os.close(self._queue)
            self._queue = None
        return bool(self.held)

    def more(self) -> bool:
        """Try to get one more; none is given while somebody waits for a first one."""
        if len(self.held) >= self.most or self._others_wait():
            return False
        return self._take()

    def fewer(self) -> None:
        """Give one back, down to the first."""
        if len(self.held) > 1:
            self._free(self.held.pop())

    def close(self) -> None:
        while self.held:
            self._free(self.held.pop())
        if self._queue is not None:
            os.close(self._queue)
            self._queue = None

    def _others_wait(self) -> bool:
        if self.folder is None:
            return False
        free = _lock(self.folder / "queue")
        if free is not None:
            os.close(free)
        return free is None

    def _take(self) -> bool:
        if self.folder is None:
            self.held.append(-1)
            return True
        for number in range(self.most):
            if (found := _lock(self.folder / f"core-{number}")) is not None:
                self.held.append(found)
                return True
        return False

    @staticmethod
    def _free(descriptor: int) -> None:
        if descriptor >= 0:
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    """Open and lock a file; None where another holds it. The lock goes with the descriptor, or with the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
