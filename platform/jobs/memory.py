"""How much memory a job's processes use."""

from __future__ import annotations

from pathlib import Path

import psutil

MIB = 2**20
# What the kernel can drop at any time (mapped files) does not count.
_COUNTED = ("RssAnon:", "RssShmem:")


def used_mb(pid: int) -> int:
    """Return the anonymous and shared memory of a process and its descendants, in MiB; 0 when it has ended."""
    return sum(_anonymous(each) for each in [pid, *descendants(pid)]) // MIB


def _anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return _resident(pid)
    except ProcessLookupError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_COUNTED))


def _resident(pid: int) -> int:
    """Where there is no /proc: everything that is resident."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def descendants(pid: int) -> list[int]:
    """The processes below one.

    From /proc's own list of children: walking all processes of the machine five times a second would cost more.
    """
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [found for each in children for found in (each, *descendants(each))]
