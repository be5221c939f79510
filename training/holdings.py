"""What a department's models take up: every stored artifact once."""

from __future__ import annotations

from uuid import UUID

from training.models import WITH_RESULT, ModelVersion, ScoredRows, TrainingRun


def size_of(department_id: UUID) -> int:
    """Bytes of model versions' artifacts, of those that a study's trials left to choose from, and of scored rows."""
    versions = ModelVersion.objects.filter(department=department_id).order_by()
    sizes = dict(versions.values_list("storage_key", "size_bytes"))
    trials = TrainingRun.objects.filter(department=department_id, trial__isnull=False, state__in=WITH_RESULT).order_by()
    for kept in trials.values_list("report__artifact", flat=True):
        if kept:
            sizes[kept["storage_key"]] = kept["size_bytes"]
    scored = ScoredRows.objects.filter(run__department=department_id).order_by()
    sizes.update(scored.values_list("storage_key", "size_bytes"))
    return sum(sizes.values())
