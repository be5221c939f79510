"""What speaks against the data before anything is trained on it, and the repairs that a button carries out."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.utils.translation import gettext as _

from datasets import tables
from datasets.models import DatasetVersion, Recipe
from datasets.preparation.services import create_recipe, update_recipe
from datasets.recipe import Around
from datasets.services import record_read
from departments.access import Actor
from departments.models import Department
from rest.problems import Refused
from training.configuration import Configuration
from training.engine import checks, data
from training.engine.errors import TrainError
from training.services import around_for, require_train

# A person waits for the answer: a larger table is judged by so many of its rows, evenly taken. The run judges all.
MOST_CELLS = 5_000_000


def check_data(
    *, actor: Actor, department: Department, version: DatasetVersion, configuration: Configuration
) -> dict[str, Any]:
    """Return {findings, rows, of}: what the checks find in the table as `department` gets it, split as the run would."""
    decision = require_train(actor, version.dataset, department)
    with tables.opened(version, decision, actor=actor) as table:
        most = max(1000, MOST_CELLS // max(1, len(table.schema)))
        every = -(-table.rows // most) or 1
        with TemporaryDirectory() as folder:
            others = around_for(actor, department, configuration.steps, Path(folder))
            source = _read(table, configuration, every, others)
            found = [*source.findings, *checks.before(source)]
    record_read(version, decision, "check", rows=source.frame.height)
    return {"findings": found, "rows": -(-table.rows // every), "of": table.rows}


def _read(table: tables.Table, configuration: Configuration, every: int, others: Around) -> data.Source:
    try:
        return data.read(
            table.path,
            table.schema,
            target=configuration.target,
            features=configuration.features,
            steps=configuration.steps,
            task=configuration.task,
            shares=configuration.split,
            seed=configuration.seed,
            every=every,
            around=others,
            asked=configuration.demands,
        )
    except TrainError as error:
        errors = [{"field": error.field, "message": error.detail}] if error.field else []
        raise Refused(error.code, f"{error.detail} {error.hint}".strip(), status=422, errors=errors) from None


def repair(
    *, actor: Actor, department: Department, version: DatasetVersion, recipe: Recipe | None, step: Any
) -> Recipe:
    """Put a step at the beginning of the recipe, or of a new one, and return it."""
    if recipe is None:
        name = _("Mended before training")
        return create_recipe(actor=actor, dataset=version.dataset, department=department, steps=[step], name=name)
    return update_recipe(actor=actor, recipe=recipe, steps=[step, *recipe.steps])
