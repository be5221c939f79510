"""Reading an artifact: every file is what the manifest says, or nothing is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from serving.runtime.faults import ArtifactRefused

FORMAT = 1
MANIFEST = "manifest.json"
Reader = Callable[[str], bytes]


@dataclass(frozen=True)
class Artifact:
    """A checked artifact: its manifest, and the content of its files by name."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]


def from_folder(folder: Path) -> Reader:
    """Return what reads a file of a local folder."""
    return lambda name: (folder / name).read_bytes()


def read(reader: Reader) -> Artifact:
    """Read and check an artifact through `reader`, a function from a file's name to its content.

    Raises ArtifactRefused for a missing, changed or unlisted-format artifact.
    """
    manifest = _manifest(_content(reader, MANIFEST))
    listed: Mapping[str, str] = manifest["files"]
    for name in ("recipe.json", manifest["model"]["file"]):
        if name not in listed:
            raise ArtifactRefused("artifact_incomplete", f"The manifest does not list {name}, which the model needs.")
    return Artifact(manifest, {name: _checked(reader, name, wanted) for name, wanted in listed.items()})


def _manifest(content: bytes) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(content)
        known = manifest["format"] == FORMAT
        parts = [manifest[key] for key in ("files", "model", "inputs", "features", "task")]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactRefused("artifact_unreadable", f"manifest.json cannot be read: {error}.") from None
    if not known or not isinstance(parts[0], dict):
        raise ArtifactRefused(
            "artifact_unreadable", f"The manifest's format is not {FORMAT}, the one that is read here."
        )
    return manifest


def _checked(reader: Reader, name: str, wanted: str) -> bytes:
    if PurePosixPath(name).name != name or name in {"", ".", ".."} or "\\" in name:
        raise ArtifactRefused("artifact_unreadable", f"The manifest lists {name!r}, which is not a plain file name.")
    content = _content(reader, name)
    if hashlib.sha256(content).hexdigest() != wanted:
        raise ArtifactRefused("artifact_changed", f"{name} was changed after it was written: its sha256 differs.")
    return content


def _content(reader: Reader, name: str) -> bytes:
    try:
        return reader(name)
    except OSError:
        raise ArtifactRefused("artifact_missing", f"{name} is missing from the artifact.") from None
