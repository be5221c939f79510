"""The bytes of uploads on their way in: one local file each, appended by one request at a time.

A lock of the operating system keeps requests apart, across processes too, and dies with its holder. Who finds it taken
leaves a mark; a holder whose client has gone silent sees it and lets go, so that the client can come back at once
instead of waiting until the network notices that the old connection is dead.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

_READ = 1 << 20


class Busy(Exception):
    """Another request writes to this upload."""


def path_of(upload_id: UUID) -> Path:
    """Where an upload's bytes are."""
    return Path(settings.HOME) / "uploads" / str(upload_id)


def _mark_of(upload_id: UUID) -> Path:
    return path_of(upload_id).with_suffix(".wanted")


def is_wanted(upload_id: UUID) -> bool:
    """Whether another request found the upload locked since its holder began."""
    return _mark_of(upload_id).exists()


@contextmanager
def locked(upload_id: UUID) -> Iterator[int]:
    """Within the block, the file belongs to this request alone; yields its descriptor. Raises Busy at once."""
    file = os.open(path_of(upload_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _mark_of(upload_id).touch()
            raise Busy from None
        _mark_of(upload_id).unlink(missing_ok=True)
        yield file
    finally:
        os.close(file)


def write(file: int, data: bytes, at: int) -> None:
    """Write all of `data` at byte `at`."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written


def discard(upload_id: UUID) -> None:
    """Delete an upload's bytes; none is no matter."""
    for path in (path_of(upload_id), _mark_of(upload_id)):
        path.unlink(missing_ok=True)


def older_than(seconds: float) -> list[UUID]:
    """The uploads whose bytes were last written so long ago."""
    before = time.time() - seconds
    files = (Path(settings.HOME) / "uploads").glob("*")
    return [UUID(file.stem) for file in files if file.stat().st_mtime < before]


class Digests:
    """SHA-256 of files that are still growing, carried from one request to the next where one process sees both.

    What is not known here (another process, a restart) is read from the file when it is whole.
    """

    def __init__(self, kept: int = 256) -> None:
        self._kept = kept
        self._states: OrderedDict[UUID, tuple[int, hashlib._Hash]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: UUID, offset: int) -> hashlib._Hash | None:
        """The hash of the first `offset` bytes, if it is known."""
        if offset == 0:
            return hashlib.sha256()
        with self._lock:
            at, state = self._states.pop(upload_id, (-1, None))
        return state if at == offset else None

    def keep(self, upload_id: UUID, offset: int, state: hashlib._Hash) -> None:
        with self._lock:
            self._states[upload_id] = (offset, state)
            while len(self._states) > self._kept:
                self._states.popitem(last=False)


DIGESTS = Digests()


def sha256_of(file: int) -> str:
    """The hexadecimal SHA-256 of the whole file."""
    digest, at = hashlib.sha256(), 0
    while part := os.pread(file, _READ, at):
        digest.update(part)
        at += len(part)
    return digest.hexdigest()
