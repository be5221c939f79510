"""What a fit will allocate, estimated before it does, against what the process may still take."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path

from training.engine.errors import TrainError

GIB = 1 << 30


def require(needs: Mapping[str, int], reduce: str, limit: int | None = None) -> None:
    """Refuse a fit whose `needs` (bytes by what they are for) exceed what is available, or `limit` bytes if given.

    Raises TrainError, naming the numbers and, by `reduce`, what would make them smaller.
    """
    total, free = sum(needs.values()), available() if limit is None else limit
    if free is None or total <= free:
        return
    parts = ", ".join(f"{size / GIB:.2f} GiB for {what}" for what, size in needs.items())
    detail = f"This fit needs about {total / GIB:.2f} GiB of memory ({parts}); {free / GIB:.2f} GiB are available."
    raise TrainError("too_large", detail, reduce)


def available() -> int | None:
    """Bytes that this process may still allocate: the least of its limits, its container's and the machine's."""
    left = [_below_limit(resource.RLIMIT_AS, "VmSize"), _below_limit(resource.RLIMIT_DATA, "VmData")]
    known = [bytes_ for bytes_ in (*left, _container(), _machine()) if bytes_ is not None]
    return max(0, min(known)) if known else None


def _below_limit(which: int, used: str) -> int | None:
    soft, _hard = resource.getrlimit(which)
    taken = _kilobytes(Path("/proc/self/status"), used)
    return None if soft == resource.RLIM_INFINITY or taken is None else soft - taken


def _container(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a control group (version 2) leaves; what its files hold in the cache can be given back."""
    try:
        most = (root / "memory.max").read_text().strip()
        if most == "max":
            return None
        taken = int((root / "memory.current").read_text())
        lines = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
        return int(most) - taken + int(lines.get("inactive_file", 0))
    except (OSError, ValueError):
        return None


def _machine() -> int | None:
    return _kilobytes(Path("/proc/meminfo"), "MemAvailable")


def _kilobytes(file: Path, name: str) -> int | None:
    """The value of a line such as `VmSize:   123 kB`, in bytes."""
    try:
        line = next(line for line in file.read_text().splitlines() if line.startswith(f"{name}:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024
