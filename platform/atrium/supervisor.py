"""Keeping the platform's processes running: starts them, starts again what dies, stops them all together."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
# Seconds: from SIGTERM to SIGKILL, between looks at the processes, and the longest wait before a restart.
STOP_GRACE = 8.0
LOOK_EVERY = 0.2
LONGEST_WAIT = 30.0
# A process that lived this long died of something new: it is started again at once.
SETTLED_AFTER = 60.0
_libc = ctypes.CDLL(None)


class CannotStart(Exception):
    """Why the platform cannot start, in one sentence."""


def take_home(home: Path) -> int:
    """Hold the folder for this supervisor until it ends; return the file descriptor that holds it."""
    lock = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 20).decode() or "?"
        os.close(lock)
        raise CannotStart(
            f"Atrium runs already on {home} (process {holder}). Stop it, or set ATRIUM_HOME to another folder."
        ) from None
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def check_port(port: int) -> None:
    """Refuse a port on which something else listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotStart(
                f"Port {port} is taken. Stop what listens there, or set ATRIUM_PORT to another."
            ) from None


@dataclass
class Part:
    """One process of the platform."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    # When it may start again.
    due: float = 0.0

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None


@dataclass
class Supervisor:
    """Runs the parts until it is told to stop. Each has its own session, so that Ctrl-C reaches only the supervisor."""

    parts: list[Part]
    logs: Path
    env: dict[str, str]
    cwd: Path
    say: Callable[[str], None] = print
    stopping: bool = field(default=False, init=False)

    def run(self, when_started: Callable[[], None]) -> None:
        """Start everything, call `when_started` once, and watch until a signal comes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for part in self.parts:
                self._start(part)
            when_started()
            while not self.stopping:
                self.look()
                time.sleep(LOOK_EVERY)
        finally:
            self._stop_all()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _start(self, part: Part) -> None:
        with (self.logs / f"{part.name}.log").open("ab") as log:
            part.process = subprocess.Popen(
                part.command,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has one thread
            )
        part.started = time.monotonic()

    def look(self) -> None:
        """Note who died; start again whose wait is over: at once, then after 1, 2, 4 … 30 s."""
        now = time.monotonic()
        for part in self.parts:
            if part.has_died() and part.process is not None:
                self._mourn(part, part.process, now)
            elif part.process is None and now >= part.due:
                self._start(part)

    def _mourn(self, part: Part, process: subprocess.Popen[bytes], now: float) -> None:
        part.deaths = 0 if now - part.started > SETTLED_AFTER else part.deaths
        wait = min(2.0 ** (part.deaths - 1), LONGEST_WAIT) if part.deaths else 0.0
        part.deaths, part.due, part.process = part.deaths + 1, now + wait, None
        _kill_group(process.pid)
        when = f"in {wait:.0f} s" if wait else "now"
        self.say(
            f"{part.name} ended ({_why(process.returncode)}) and starts again {when}; see {self.logs / part.name}.log"
        )

    def _stop_all(self) -> None:
        running = [part.process for part in self.parts if part.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        end = time.monotonic() + STOP_GRACE
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))
            _kill_group(process.pid)
            process.wait()


def _end_with_parent() -> None:
    """A supervisor that is killed takes its processes with it (Linux)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _why(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
