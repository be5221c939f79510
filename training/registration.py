"""Turning a finished run into a model version with its card."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from audit.services import record
from departments.projection import WHOLE
from training.artifacts import Stored
from training.ends import inherit
from training.models import ModelVersion, RegisteredModel, TrainingRun


def default_name(run: TrainingRun) -> str:
    """One line of versions for each data set and target."""
    return f"{run.dataset_version.dataset.name}: {run.target}"[:160]


@transaction.atomic
def register(*, run: TrainingRun, stored: Stored) -> ModelVersion:
    """Make the run's model version; a second call returns the first one's."""
    existing: ModelVersion | None = ModelVersion.objects.filter(run=run).first()
    if existing is not None:
        return existing
    model = _model_for(run)
    last = model.versions.aggregate(last=Max("number"))["last"] or 0
    version: ModelVersion = ModelVersion.objects.create(
        model=model,
        department_id=run.department_id,
        number=last + 1,
        run=run,
        family=stored.manifest["family"],
        task=stored.manifest["task"],
        target=run.target,
        storage_key=stored.storage_key,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        manifest=stored.manifest,
        card=card_of(run, stored.manifest),
        created_by_id=run.created_by_id,
    )
    model.save(update_fields=["updated_at"])
    inherit(version)
    record(
        "model_version.create", version, version=version.number, details={"sha256": stored.sha256, "run": str(run.pk)}
    )
    return version


def _model_for(run: TrainingRun) -> RegisteredModel:
    """The registered model, locked: version numbers are given out one at a time."""
    key = {"department_id": run.department_id, "name": run.model_name or default_name(run)}
    found: RegisteredModel | None = RegisteredModel.objects.select_for_update().filter(**key).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            found = RegisteredModel(**key, created_by_id=run.created_by_id)
            found.save(force_insert=True)
    except IntegrityError:
        return _model_for(run)
    record("model.create", found)
    return found


def card_of(run: TrainingRun, manifest: dict[str, Any]) -> dict[str, Any]:
    """What a reader of the model must know, frozen at the moment of training."""
    version = run.dataset_version
    return {
        "dataset": {
            "id": str(version.dataset_id),
            "name": version.dataset.name,
            "version": version.number,
            # Of a part that was granted, the whole table's hash and size say nothing that its reader may know.
            "sha256": version.sha256 if run.projection == WHOLE else "",
            "rows": run.report.get("table_rows", version.rows),
        },
        "recipe": {"id": str(run.recipe_id) if run.recipe_id else None, "steps": run.steps},
        "run": {"id": str(run.pk), "name": run.name, "preset": run.preset, "seed": run.seed, "split": run.split},
        "starting_point": run.starting_point,
        "family": manifest["family"],
        "params": run.report.get("params", run.params),
        "metrics": run.metrics,
        "baseline": run.baseline,
        "leaderboard": run.leaderboard,
        "findings": run.findings,
        "features": run.features,
        "signature": manifest.get("inputs", []),
        "seconds": run.report.get("seconds"),
        "stopped_early": run.report.get("state") == "stopped",
    }
