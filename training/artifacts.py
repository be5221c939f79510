"""Model artifacts at rest: one folder of data, stored under the hash of its manifest.

The manifest lists every file's sha256, so its own hash addresses the whole content; it is written last, so that a
folder with a manifest is complete.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson
from django.core.files import File
from django.core.files.storage import default_storage

from datasets import storage

MANIFEST = "manifest.json"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows: equal models make equal files
Companions = Callable[[], Mapping[str, bytes]]
_companions: list[Companions] = []


@dataclass(frozen=True, slots=True)
class Stored:
    """Where an artifact lies, the hash that addresses it, and what it says of itself."""

    storage_key: str
    sha256: str
    size_bytes: int
    manifest: dict[str, Any]


def store(folder: Path) -> Stored:
    """Put an artifact folder into the storage. Storing the same content again changes nothing."""
    content = (folder / MANIFEST).read_bytes()
    manifest = orjson.loads(content)
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"models/{sha256[:2]}/{sha256}"
    names = [*sorted(manifest["files"]), MANIFEST]
    for name in names:
        with (folder / name).open("rb") as stream:
            storage.place(File(stream), f"{key}/{name}")
    return Stored(key, sha256, sum((folder / name).stat().st_size for name in names), manifest)


def file_names(manifest: dict[str, Any]) -> list[str]:
    """The files of an artifact, the manifest last."""
    return [*sorted(manifest.get("files") or {}), MANIFEST]


def open_file(storage_key: str, name: str) -> IO[bytes]:
    """Open one file of an artifact for reading."""
    return cast(IO[bytes], default_storage.open(f"{storage_key}/{name}", "rb"))


def accompany(companions: Companions) -> None:
    """Have every bundle hold these files, {path: content}, beside the artifact's own: the code that predicts with it."""
    _companions.append(companions)


def bundle(storage_key: str, manifest: dict[str, Any]) -> io.BytesIO:
    """The whole artifact as one zip file, with what predicts with it; the same artifact gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for companions in _companions:
            for name, content in companions().items():
                archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
        for name in file_names(manifest):
            with open_file(storage_key, name) as stream:
                archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), stream.read(), zipfile.ZIP_DEFLATED)
    buffer.seek(0)
    return buffer
