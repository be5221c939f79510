"""How a model uses its columns, worked out by a job on the rows that were held out, and kept with the version.

The curves show values of rows: they are for whoever may preview. Whoever starts the job must still be allowed to train
on the data, as the run was.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from datasets import storage
from datasets.recipe import FittedRecipe
from datasets.tables import described
from departments.access import Actor, Verb, decide, require
from jobs.models import Job, JobState
from jobs.services import enqueue, requester
from rest.problems import Refused
from training.artifacts import open_file
from training.engine.scored import Scored
from training.execution import may_go_on
from training.models import Effects, ModelVersion, TrainingRun
from training.scored import CALIBRATION, TEST, scored_rows

if TYPE_CHECKING:
    from jobs.context import JobContext

LEAST = 20  # held-out rows below which nothing is said
FILES = ("model.onnx", "recipe.json")


def effects_of(version: ModelVersion) -> Effects | None:
    """What is kept of the version's effects, whether or not the job has ended."""
    found: Effects | None = Effects.objects.select_related("job").filter(version=version).first()
    return found


def content_of(found: Effects) -> dict[str, Any] | None:
    """What engine/effects.py says; None while nothing is known yet."""
    return json.loads(bytes(found.content)) if found.content else None


def may_see(actor: Actor, version: ModelVersion) -> bool:
    """Curves are drawn along values of rows."""
    return decide(actor, Verb.PREVIEW, version).allowed


def may_start(actor: Actor, version: ModelVersion) -> bool:
    """It reads the data: for those of the owning department who may train."""
    return version.department_id in actor.departments_with(Verb.TRAIN)


def is_working(found: Effects | None) -> bool:
    return found is not None and found.job is not None and found.job.state in {JobState.QUEUED, JobState.RUNNING}


@transaction.atomic
def start(*, actor: Actor, version: ModelVersion) -> Effects:
    """Have the effects worked out, for the first time or again. Raises Refused: 409 where no held-out rows were kept."""
    decision = require(actor, Verb.PREVIEW, version)
    if not may_start(actor, version):
        detail = _("The model's own department works this out: ask somebody who may train there.")
        raise Refused("own-department", detail, status=403)
    found = effects_of(version)
    if found is not None and is_working(found):
        return found
    run = _run_of(version)
    may_go_on(run, actor)
    _held_out(version)
    payload = {"version": str(version.pk)}
    job = enqueue("training.effects", actor=actor, department=run.department, payload=payload, about=version)
    made, _new = Effects.objects.update_or_create(version=version, defaults={"job": job})
    record("model_version.effects", version, rule=decision.rule, version=version.number)
    return made


def forget_rows(version: UUID, removed: list[int]) -> int:
    """Rows of a data version are gone: curves of single rows may be theirs. Returns how many models' effects went."""
    found = Effects.objects.filter(version__run__dataset_version=version)
    count = len(found)
    found.delete()
    return count


def _run_of(version: ModelVersion) -> TrainingRun:
    if version.run is None:
        raise _no_rows()
    return version.run


def _held_out(version: ModelVersion) -> Scored:
    """Test rows; where there are too few, those that the validation used."""
    kept = scored_rows(version)
    if kept is None:
        raise _no_rows()
    for part in (TEST, CALIBRATION):
        if len(kept.of(part)) >= LEAST:
            return kept.of(part)
    raise _no_rows()


def _no_rows() -> Refused:
    detail = _("No held-out rows were kept of this version. Train it again on this platform, with at least %s of them.")
    return Refused("no_held_out_rows", detail % LEAST, status=409)


def may_work(job: Job) -> None:
    """Whoever asked may still train on what the run read."""
    version = ModelVersion.objects.select_related("run__dataset_version__dataset").get(pk=job.payload["version"])
    may_go_on(_run_of(version), requester(job))


def execute(ctx: JobContext) -> dict[str, Any]:
    """Read the held-out rows as the run read them, ask the model, and keep what came of it."""
    from training.engine import effects
    from training.engine.artifact import Model

    version = ModelVersion.objects.select_related("run__dataset_version__dataset").get(pk=ctx.payload["version"])
    run = _run_of(version)
    decision = may_go_on(run, requester(ctx.job()))
    folder = _brought(version, ctx.workdir / "artifact")
    recipe = FittedRecipe.from_json((folder / "recipe.json").read_text("utf-8"))
    held = _held_out(version)
    names = [column["name"] for column in version.manifest["inputs"]]
    table = described(run.dataset_version, decision)
    frame = _rows(storage.bring(table.key, ctx.workdir), names, held)
    found = effects.effects_of(
        frame,
        held.truth,
        recipe,
        Model(folder, version.task),
        features=version.manifest["features"],
        columns=names,
        step=lambda share: ctx.step(share, _("Asking the model")),
    )
    content = json.dumps(found, ensure_ascii=True).encode()
    with ctx.effect():
        may_go_on(run, requester(ctx.job()))
        Effects.objects.filter(version=version).update(content=content)
    return {"version": str(version.pk)}


def _brought(version: ModelVersion, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with open_file(version.storage_key, name) as stream:
            (folder / name).write_bytes(stream.read())
    return folder


def _rows(path: Path, names: list[str], held: Scored) -> Any:
    """The raw columns of the held-out rows, in the order of their truths."""
    from datasets.parts import read as read_columns

    return read_columns(path, names)[held.row]
