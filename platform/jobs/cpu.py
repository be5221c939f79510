"""How much CPU time a job's processes take."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import psutil

from jobs.memory import descendants

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class CpuMeter:
    """Counts CPU time of a process and everything below it, in milliseconds: user and system, wall time never.

    What a sample saw of a process stays counted after its end. What ended between two samples is in the kernel's count of
    the children that were waited for, which is known only at the end.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._seen: dict[int, int] = {}

    def sample(self) -> int:
        """Look now; return what has been seen so far."""
        for pid in (self.pid, *descendants(self.pid)):
            self._seen[pid] = max(self._seen.get(pid, 0), _own_ms(pid))
        return sum(self._seen.values())

    def total(self, usage: resource.struct_rusage) -> int:
        """The whole, once the process was waited for: `usage` misses children that nobody waited for."""
        return max(round(1000 * (usage.ru_utime + usage.ru_stime)), sum(self._seen.values()))


def _own_ms(pid: int) -> int:
    """CPU time of all threads of one process; 0 when it is gone. A zombie still knows."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return round((int(fields[11]) + int(fields[12])) * _TICK_MS)
    except ProcessLookupError:
        return 0
    except FileNotFoundError:
        return _portable_ms(pid)


def _portable_ms(pid: int) -> int:
    """Where there is no /proc."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0
    return int(1000 * (times.user + times.system))
