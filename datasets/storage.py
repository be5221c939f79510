"""Bytes at rest: immutable, named by their content, in whatever storage is configured.

Names that people give are labels and never become paths.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.base import File
from django.core.files.storage import default_storage

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """Where bytes are kept, what they hash to (SHA-256), and how many they are."""

    key: str
    sha256: str
    size: int


def keep(content: File, kind: str) -> Stored:
    """Store a file's bytes once, under `kind` and its hash."""
    digest = hashlib.sha256()
    size = 0
    for chunk in content.chunks(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    sha256 = digest.hexdigest()
    key = f"{kind}/{sha256[:2]}/{sha256}"
    content.seek(0)
    place(content, key)
    return Stored(key, sha256, size)


def keep_path(path: Path, kind: str) -> Stored:
    """Store a local file; see `keep`."""
    with path.open("rb") as file:
        return keep(File(file), kind)


def place(content: File, key: str) -> None:
    """Store under a key that names this very content; what is there already stays.

    Write to a temporary name, flush to disk, rename: nobody ever sees half a file under its key.
    """
    if default_storage.exists(key):
        return
    try:
        target = Path(default_storage.path(key))
    except NotImplementedError:  # an object store shows an object only when it is whole
        default_storage.save(key, content)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{uuid.uuid4().hex}")
    with scratch.open("wb") as out:
        for chunk in content.chunks(CHUNK):
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    scratch.replace(target)


@contextmanager
def local(key: str) -> Iterator[Path]:
    """Within the block, the stored bytes as a local file, which is copied first where the storage is remote."""
    try:
        path = Path(default_storage.path(key))
    except NotImplementedError:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            with default_storage.open(key) as source, path.open("wb") as out:
                for chunk in source.chunks(CHUNK):
                    out.write(chunk)
            yield path
    else:
        yield path


def chunks(key: str) -> Iterator[bytes]:
    """Yield the stored bytes."""
    with default_storage.open(key) as file:
        yield from file.chunks(CHUNK)


def discard(keys: Iterable[str]) -> None:
    """Delete stored files; one that is gone already is no matter."""
    for key in keys:
        if key:
            default_storage.delete(key)
