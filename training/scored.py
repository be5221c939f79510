"""The scored rows of a run at rest: which model version has them, and what becomes of them when a person is forgotten.

Reading them needs numpy alone. What they are is said in engine/scored.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from datasets import storage
from datasets.models import DatasetVersion
from departments.projection import WHOLE
from training.engine.scored import CALIBRATION, TEST, Scored
from training.models import ModelVersion, ScoredRows, TrainingRun

__all__ = ["CALIBRATION", "TEST", "Scored", "scored_rows"]


def scored_rows(version: ModelVersion) -> Scored | None:
    """The version's scored rows; None for one that was trained before they were kept, or that came from elsewhere."""
    kept = ScoredRows.objects.filter(run_id=version.run_id).first() if version.run_id else None
    return None if kept is None else read(kept)


def read(kept: ScoredRows) -> Scored:
    with default_storage.open(kept.storage_key, "rb") as stream:
        return Scored.read(stream)


def keep(run: TrainingRun, path: Path, *, of_table: str) -> None:
    """Store what a training left. `of_table` is the key of the table that it read: if a person was forgotten meanwhile,
    the table is another one now, and nothing is kept."""
    now = DatasetVersion.objects.values_list("storage_key", flat=True).get(pk=run.dataset_version_id)
    if now == of_table and path.exists():
        stored = storage.keep_path(path, "scored")
        values = {"storage_key": stored.key, "size_bytes": stored.size}
        ScoredRows.objects.update_or_create(run=run, defaults=values)


def discard(rows: Iterable[str]) -> None:
    """Delete files that no run has any more, once that is certain."""
    keys = set(rows)
    used = set(ScoredRows.objects.filter(storage_key__in=keys).values_list("storage_key", flat=True))
    transaction.on_commit(lambda: storage.discard(keys - used))


def follow_deletion(instance: ScoredRows, **_signal: Any) -> None:
    """The file goes with its run."""
    discard([instance.storage_key])


def forget_rows(version: UUID, removed: list[int]) -> int:
    """Rows of a data version are gone: take them out of what was scored on it. Returns how many runs that touched.

    Where a run read a part that was granted, its rows are numbered otherwise: all that it scored is deleted.
    """
    found = ScoredRows.objects.filter(run__dataset_version=version).select_related("run")
    for kept in found:
        if kept.run.projection == WHOLE:
            _without(kept, removed)
        else:
            kept.delete()
    return len(found)


def _without(kept: ScoredRows, removed: list[int]) -> None:
    import numpy as np

    before, gone, old = read(kept), np.unique(np.array(removed, np.int64)), kept.storage_key
    left = before.take(~np.isin(before.row, gone))
    renumbered = Scored(left.row - np.searchsorted(gone, left.row), left.part, left.truth, left.prediction, left.weight)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scored.npz"
        renumbered.write(path)
        stored = storage.keep_path(path, "scored")
    kept.storage_key, kept.size_bytes = stored.key, stored.size
    kept.save(update_fields=["storage_key", "size_bytes"])
    discard([old])
