"""Registering a model that was trained elsewhere: an ONNX file becomes a version like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from datasets.recipes.fitted import FittedRecipe
from datasets.schema import Schema
from departments.access import Actor, Verb, require_in
from departments.models import Department
from departments.quotas import services as quotas
from departments.quotas.stored import remeasure
from jobs import sandbox
from jobs.sandbox import Limits, SandboxFailed
from rest.problems import Refused, invalid
from training import artifacts
from training.artifacts import Stored
from training.engine.artifact import write_manifest
from training.importing.graph import MOST_BYTES
from training.models import ModelVersion
from training.registration import next_in_line

FAMILY = "onnx"
TASKS = ("regression", "binary", "multiclass")
LIMITS = Limits(seconds=60, cpu_seconds=60, memory_mb=4096, file_mb=2 * (MOST_BYTES >> 20))


def import_onnx(
    *,
    actor: Actor,
    department: Department,
    name: str,
    target: str,
    task: str,
    file: File,
    inputs: Sequence[Mapping[str, Any]] | None = None,
    classes: Sequence[Any] | None = None,
    samples: Mapping[str, Any] | None = None,
) -> ModelVersion:
    """Register an ONNX file as the next version of the department's model `name`.

    It is parsed, checked, led into our form and run in a child with limits, on the samples too if there are any.
    `inputs` name the graph's columns in its order. Raises Refused (422) that says what cannot be served and why.
    """
    require_in(actor, Verb.CREATE, department)
    name, target = " ".join(name.split())[:160], target.strip()[:200]
    for field, text in (("name", name), ("target", target)):
        if not text.isprintable() or not text:
            raise invalid(field, _("this field needs a text"))
    if (file.size or 0) > MOST_BYTES:
        limit = MOST_BYTES >> 20
        raise Refused("too_large", _("The file is larger than %d MB, the most that is taken.") % limit, status=413)
    quotas.require(department, "storage", file.size or 0)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        found = _looked_at(home, file, {"task": task, "inputs": inputs, "classes": classes, "samples": samples})
        _write(home / "artifact", found, target, task)
        stored = artifacts.store(home / "artifact")
    return _register(actor, department, name, stored, found)


def _looked_at(home: Path, file: File, asked: dict[str, Any]) -> dict[str, Any]:
    """What the child says of the file; the model in our form lies in the artifact's folder then."""
    source, target = home / "given.onnx", home / "artifact" / "model.onnx"
    target.parent.mkdir()
    with source.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    question = {"source": str(source), "target": str(target), **asked}
    try:
        found = sandbox.ask("training.importing.graph:serve", question, LIMITS)
    except SandboxFailed as failed:
        if failed.code == "busy":
            raise Refused("busy", _("Many files are being looked at. Try again in a minute."), status=503) from None
        detail = _("The file could not be looked at within its limits of time and memory (%s).") % failed.code
        raise Refused("model_refused", detail, status=422) from None
    if "refused" in found:
        wrong = found["refused"]
        detail = _("The file cannot be served: %s.") % wrong["message"]
        raise Refused("model_refused", detail, status=422, errors=[wrong])
    return found


def _write(folder: Path, found: dict[str, Any], target: str, task: str) -> None:
    """The rest of the artifact: nothing is prepared, the columns go in as they are."""
    columns = found["columns"]
    recipe = FittedRecipe(Schema.of([(each["name"], each["type"]) for each in columns]), ())
    manifest = {
        "family": FAMILY, "task": task, "target": target, "classes": found["classes"], "inputs": columns,
        "features": [each["name"] for each in columns], "seed": 0,
    }  # fmt: skip
    write_manifest(folder, manifest, recipe.dumps())


@transaction.atomic
def _register(actor: Actor, department: Department, name: str, stored: Stored, found: dict[str, Any]) -> ModelVersion:
    model, number = next_in_line({"department_id": department.pk, "name": name}, actor.person_id)
    version: ModelVersion = ModelVersion.objects.create(
        model=model, department=department, number=number, family=FAMILY, task=stored.manifest["task"],
        target=stored.manifest["target"], storage_key=stored.storage_key, sha256=stored.sha256,
        size_bytes=stored.size_bytes, manifest=stored.manifest, card=_card(stored, found), created_by_id=actor.person_id,
    )  # fmt: skip
    model.save(update_fields=["updated_at"])
    record("model_version.import", version, version=number, details={"sha256": stored.sha256})
    remeasure(department.pk)
    return version


def _card(stored: Stored, found: dict[str, Any]) -> dict[str, Any]:
    """Of a model from elsewhere nothing is known but what it reads and answers."""
    return {
        "family": FAMILY, "params": {}, "metrics": {}, "baseline": {}, "leaderboard": [], "findings": [],
        "features": stored.manifest["features"], "signature": stored.manifest["inputs"],
        "imported": {"operators": found["operators"], "checked_rows": found["checked"]},
    }  # fmt: skip
