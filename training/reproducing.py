"""Doing a finished run again, exactly: what has to be told to the engine, and whether the outcome is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.engine.crossval import exact
from training.models import TrainingRun

MANIFEST_PARTS = ("features", "inputs", "classes", "target", "task", "members", "calibration", "seed")


def record_of(run: TrainingRun) -> Mapping[str, Any] | None:
    """The record of a cross-validated run: its units with their seeds and steps."""
    found: Mapping[str, Any] | None = run.report.get("record")
    return found


def candidates_of(run: TrainingRun) -> list[dict[str, Any]]:
    """The run's candidates; of one that is reproduced, with the steps that a time limit left them."""
    original = run.reproduces
    if original is None or record_of(original):
        return list(run.candidates)
    rows = {row["index"]: row for row in original.leaderboard if not row["error"]}
    return [
        {**one, "params": {**one["params"], **(exact(one["params"], rows[place]) if place in rows else {})}}
        for place, one in enumerate(run.candidates)
    ]


def compare(original: TrainingRun, manifest: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    """{equal, of, differs}: whether every byte is the original's, and otherwise what is not, the causes first."""
    version = getattr(original, "model_version", None)
    if version is None:
        return {"equal": False, "of": str(original.pk), "differs": [{"what": "model", "was": None, "is": sha256}]}
    old: Mapping[str, Any] = version.manifest
    found = [*_versions(old, manifest), *_parts(old, manifest), *_files(old, manifest)]
    return {"equal": version.sha256 == sha256, "of": str(original.pk), "differs": found}


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _different("versions", old.get("versions") or {}, new.get("versions") or {})


def _parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    pairs = ({name: manifest.get(name) for name in MANIFEST_PARTS} for manifest in (old, new))
    # The parts themselves may be long: that they differ is said, the files' hashes say the rest.
    return [{**one, "was": None, "is": None} for one in _different("manifest", *pairs)]


def _files(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _different("files", old.get("files") or {}, new.get("files") or {})


def _different(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = sorted({*old, *new})
    return [
        {"what": f"{kind}.{name}", "was": old.get(name), "is": new.get(name)}
        for name in names
        if old.get(name) != new.get(name)
    ]
