"""The rows that explanations compare with, at rest: whose they are, and what becomes of them when a person is forgotten.

They are values of rows, so they lie in the database beside the run and never in an artifact or an export, and go with the
run. No answer shows one: contributions tell of means over all of them.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID

from datasets.models import DatasetVersion
from departments.projection import WHOLE
from training.models import Background, ModelVersion, TrainingRun


def background_of(version: ModelVersion) -> Background | None:
    """The version's background, its content not read yet; None for one that was trained before they were kept, or that
    came from elsewhere."""
    if version.run_id is None:
        return None
    found: Background | None = Background.objects.defer("content").filter(run_id=version.run_id).first()
    return found


def keep(run: TrainingRun, path: Path, *, of_table: str) -> None:
    """Store what a training left. `of_table` is the key of the table that it read: if a person was forgotten meanwhile,
    the table is another one now, and nothing is kept."""
    now = DatasetVersion.objects.values_list("storage_key", flat=True).get(pk=run.dataset_version_id)
    if now != of_table or not path.exists():
        return
    told = json.loads(path.read_bytes())
    if told["rows"]:
        Background.objects.update_or_create(run=run, defaults=_stored(told))


def _stored(told: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(told, sort_keys=True, ensure_ascii=True).encode()
    return {"content": content, "sha256": hashlib.sha256(content).hexdigest()}


def forget_rows(version: UUID, removed: list[int]) -> int:
    """Rows of a data version are gone: take them out of the backgrounds. Returns how many runs that touched.

    Where a run read a part that was granted, its rows are numbered otherwise: its background is deleted.
    """
    found = Background.objects.filter(run__dataset_version=version).select_related("run")
    for kept in found:
        if kept.run.projection == WHOLE:
            _without(kept, removed)
        else:
            kept.delete()
    return len(found)


def _without(kept: Background, removed: list[int]) -> None:
    """The quantiles stay, as the ranges in the artifact do: they are figures of a column."""
    told, gone = json.loads(bytes(kept.content)), set(removed)
    left = [(row, place) for row, place in zip(told["rows"], told["places"], strict=True) if place not in gone]
    if not left:
        kept.delete()
        return
    told["rows"] = [row for row, _place in left]
    told["places"] = [place - sum(other < place for other in removed) for _row, place in left]
    for name, value in _stored(told).items():
        setattr(kept, name, value)
    kept.save(update_fields=["content", "sha256"])
