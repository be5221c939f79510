"""Bytes at rest: immutable, named by their content, in whatever storage is configured.

Names that people give are labels and never become paths.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from datasets import parts

CHUNK = 1 << 20
_TABLES, _MANIFEST = "tables/", ".json"


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


def adopt(path: Path, kind: str, *, sha256: str, size: int) -> Stored:
    """Store a finished local file whose hash is known, without copying it where both lie on one file system."""
    key = f"{kind}/{sha256[:2]}/{sha256}"
    try:
        target = Path(default_storage.path(key))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
    except FileExistsError:
        pass  # equal content is stored once
    except (NotImplementedError, OSError):  # an object store, or another file system
        with path.open("rb") as file:
            place(File(file), key)
    return Stored(key, sha256, size)


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


def keep_table(folder: Path, manifest: parts.Manifest) -> str:
    """Store a table's parts, each once, and return the key of the manifest that names them."""
    for number, part in enumerate(manifest.parts):
        with (folder / parts.name(number)).open("rb") as file:
            place(File(file), _part_key(part))
    key = f"{_TABLES}{manifest.sha256[:2]}/{manifest.sha256}{_MANIFEST}"
    place(ContentFile(json.dumps(manifest.to_json()).encode()), key)
    return key


def part_keys(manifest: parts.Manifest) -> list[str]:
    """The keys under which a table's parts are stored, without repetition."""
    return list(dict.fromkeys(_part_key(part) for part in manifest.parts))


def _part_key(part: parts.Part) -> str:
    return f"parts/{part.sha256[:2]}/{part.sha256}.parquet"


@contextmanager
def local(key: str) -> Iterator[Path]:
    """Within the block, what is stored as a local path; see `bring`."""
    with TemporaryDirectory() as folder:
        yield bring(key, Path(folder))


def bring(key: str, folder: Path) -> Path:
    """Return a local path of what is stored: its own where the storage is a folder, else a copy in `folder`.

    A table that is stored in parts becomes a folder of them, to be read as datasets.parts does.
    """
    if not (key.startswith(_TABLES) and key.endswith(_MANIFEST)):
        return _brought(key, folder)
    table = folder / Path(key).stem
    table.mkdir(exist_ok=True)
    with default_storage.open(key) as file:
        manifest = parts.Manifest.from_json(json.load(file))
    for number, part in enumerate(manifest.parts):
        place_at = table / parts.name(number)
        if not place_at.exists():
            place_at.symlink_to(_brought(_part_key(part), folder))
    return table


def _brought(key: str, folder: Path) -> Path:
    """One stored file at hand; what a broken-off attempt has copied in full stays."""
    try:
        return Path(default_storage.path(key))
    except NotImplementedError:
        target = folder / Path(key).name
    if not target.exists():
        partial = target.with_suffix(".partial")
        with default_storage.open(key) as source, partial.open("wb") as out:
            shutil.copyfileobj(source, out, CHUNK)
        partial.replace(target)
    return target


def chunks(key: str) -> Iterator[bytes]:
    """Yield the stored bytes."""
    with default_storage.open(key) as file:
        yield from file.chunks(CHUNK)


def discard(keys: Iterable[str]) -> None:
    """Delete stored files; one that is gone already is no matter."""
    for key in keys:
        if key:
            default_storage.delete(key)
