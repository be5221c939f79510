"""Short work on bytes that nobody trusts, in a process that lives for one question and is then gone.

For what a page waits for, such as the preview of a file; long work is a job. The child has no secret in its
environment, limits that the kernel holds, a process group of its own, and is killed with it when its time is over.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, Any

MOST_BYTES = 32 << 20  # of an answer
AT_ONCE = 4  # children of one process; more wait for their turn
_LAST_WORDS = 4096
_turns = threading.BoundedSemaphore(AT_ONCE)


class SandboxFailed(Exception):
    """No answer came. `code` is "busy", "timeout", "memory", "crash" or "garbage"; `detail` is for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}"[:2000])
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use. `seconds` is the time on the clock; `memory_mb` is addresses, not only what is resident."""

    seconds: float = 20.0
    cpu_seconds: int = 20
    memory_mb: int = 3072
    file_mb: int = 4096


def ask(function: str, question: dict[str, Any], limits: Limits | None = None) -> dict[str, Any]:
    """Call `package.module:function` with `question` in a child of its own, and return its answer; both are JSON.

    The function is plain Python: its module must not need Django. Raises SandboxFailed.
    """
    limits = limits or Limits()
    if not _turns.acquire(timeout=limits.seconds):
        raise SandboxFailed("busy", f"{AT_ONCE} children are at work")
    try:
        with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
            _run(function, question, limits, answer, said)
            return _parsed(answer)
    finally:
        _turns.release()


def _run(function: str, question: dict[str, Any], limits: Limits, answer: IO[bytes], said: IO[bytes]) -> None:
    command = [sys.executable, "-m", "jobs.sandboxed", function, str(limits.cpu_seconds), str(limits.memory_mb)]
    command += [str(limits.file_mb), str(os.getpid())]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=answer, stderr=said, env=_environment(), start_new_session=True
    )
    try:
        child.communicate(json.dumps(question).encode(), timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        raise SandboxFailed("timeout", f"nothing after {limits.seconds:g} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):  # what it started itself goes too
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.returncode:
        said.seek(-min(said.tell(), _LAST_WORDS), os.SEEK_END)
        raise _death(child.returncode, said.read().decode(errors="replace"))


def _environment() -> dict[str, str]:
    """What Python needs to start, and nothing that a stranger's file could be made to tell."""
    paths = os.pathsep.join(path for path in sys.path if path)
    # One thread, and an allocator that takes only the addresses it needs: the limit counts addresses.
    lean = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ") if name in os.environ}
    return {**kept, **lean, "ARROW_DEFAULT_MEMORY_POOL": "system", "PYTHONPATH": paths, "PYTHONUTF8": "1"}


def _death(code: int, said: str) -> SandboxFailed:
    last = said.strip().rpartition("\n")[2]
    if code == -signal.SIGXCPU:
        return SandboxFailed("timeout", "its processor time is used up")
    if "MemoryError" in last or "bad_alloc" in said or "memory allocation" in said:
        return SandboxFailed("memory", last)
    return SandboxFailed("crash", f"exit {code}: {last}")


def _parsed(answer: IO[bytes]) -> dict[str, Any]:
    answer.seek(0)
    text = answer.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise SandboxFailed("garbage", f"an answer of more than {MOST_BYTES >> 20} MiB")
    try:
        found = json.loads(text)
    except ValueError:
        raise SandboxFailed("garbage", f"{text[:80]!r}") from None
    if not isinstance(found, dict):
        raise SandboxFailed("garbage", f"a {type(found).__name__}")
    return found
