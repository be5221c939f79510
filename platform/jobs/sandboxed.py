"""The child of jobs/sandbox.py: limits itself, then answers one question. Imports nothing that takes long to start."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_MIB = 1 << 20


def main(function: str, cpu_seconds: int, memory_mb: int, file_mb: int, parent: int) -> None:
    _limit(cpu_seconds, memory_mb, file_mb)
    _die_with(parent)
    question = json.loads(sys.stdin.buffer.read())
    # Whatever is printed on the way goes elsewhere: the answer stands alone.
    out, sys.stdout = sys.stdout, sys.stderr
    module, _colon, name = function.partition(":")
    answer = getattr(importlib.import_module(module), name)(question)
    json.dump(answer, out, ensure_ascii=False)
    out.flush()
    # Threads of libraries that would still tidy up have nothing to save.
    os._exit(0)


def _limit(cpu_seconds: int, memory_mb: int, file_mb: int) -> None:
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_mb * _MIB),
        (resource.RLIMIT_FSIZE, file_mb * _MIB),
    ):
        resource.setrlimit(which, (most, most + (which == resource.RLIMIT_CPU)))


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:6]))
