"""A log that costs the answer microseconds: lines appended to a file of this process, collected by whoever has time.

A segment is locked while its process writes it. A lock that can be taken means that the segment is finished or its
process is dead, so any collector on the machine may ship it: a killed process loses no line that it appended.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

SUFFIX = ".jsonl"


class Spool:
    """The spool of one process within `folder`. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._file: int | None = None

    def append(self, line: bytes) -> None:
        """Add a line, without its newline. Once this returns, the death of the process does not lose it."""
        left = memoryview(line + b"\n")
        with self._lock:
            if self._file is None:
                self._file = _open_segment(self.folder)
            try:
                while left:
                    left = left[os.write(self._file, left) :]
            except OSError:  # a full disk: the torn line stays the last of its segment
                self._close()
                raise

    def rotate(self) -> None:
        """Finish the present segment, so that it can be collected; the next line begins another."""
        with self._lock:
            self._close()

    def forget(self) -> None:
        """In a forked child: leave the parent's segment to the parent. Closing the copy here frees no lock there."""
        self._lock = Lock()
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _open_segment(folder: Path) -> int:
    """A new file under a new name, locked. A collector may remove it before it is locked: then the next name is tried."""
    while True:
        path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if _lock(file, path):
            return file
        os.close(file)


def _lock(file: int, path: Path) -> bool:
    """Whether the lock was free and the path still names this file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(file).st_ino == path.stat().st_ino
    except OSError:
        return False


def finished(folder: Path) -> Iterator[Path]:
    """The segments that nobody writes, oldest first; each stays locked until the next one is asked for."""
    for path in sorted(folder.glob(f"*{SUFFIX}"), key=_age):
        with _claimed(path) as mine:
            if mine:
                yield path


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock(file, path)
    finally:
        os.close(file)
