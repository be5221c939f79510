"""Turning a finished run into a model version with its card."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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
    line = {"department_id": run.department_id, "name": run.model_name or default_name(run)}
    model, number = next_in_line(line, run.created_by_id)
    version: ModelVersion = ModelVersion.objects.create(
        model=model,
        department_id=run.department_id,
        number=number,
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


def next_in_line(line: dict[str, Any], created_by_id: UUID | None) -> tuple[RegisteredModel, int]:
    """The registered model of {"department_id", "name"}, made where it is missing, and its next version's number.

    The model is locked until the transaction ends: numbers are given out one at a time.
    """
    model = _model_for(line, created_by_id)
    return model, (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def _model_for(line: dict[str, Any], created_by_id: UUID | None) -> RegisteredModel:
    found: RegisteredModel | None = RegisteredModel.objects.select_for_update().filter(**line).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            found = RegisteredModel(**line, created_by_id=created_by_id)
            found.save(force_insert=True)
    except IntegrityError:
        return _model_for(line, created_by_id)
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
