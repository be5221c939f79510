"""A recipe's outcome as a data set of its own: asked for, allowed, and made by a job, with where it came from."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.preparation.around import REFERENCE
from datasets.preparation.services import latest
from datasets.recipe import STEPS, tables_named
from datasets.services import insert_dataset, next_number
from departments.access import Actor, Decision, Verb, decide, require, require_in
from departments.quotas import services as quotas
from jobs.services import enqueue
from rest.problems import Refused, invalid

FILENAME = "prepared.parquet"


def prepare_dataset(
    *, actor: Actor, recipe: Recipe, name: str = "", into: Dataset | None = None, version: int | None = None
) -> DatasetVersion:
    """Queue a job that writes the recipe's outcome into a new data set of the recipe's department, or into the next
    version of one of its data sets.

    What another department granted stays under its conditions: it may be kept only with a grant that includes export.
    """
    require(actor, Verb.EDIT, recipe)
    require_in(actor, Verb.CREATE, recipe.department)
    quotas.require(recipe.department, "cpu")
    quotas.require(recipe.department, "storage")
    source = chosen_version(recipe, version)
    rule = require_copies(actor, recipe, source).rule
    _require_steps(recipe)
    if into is not None and into.department_id != recipe.department_id:
        raise invalid("into", _("choose a data set of the department that prepares"))
    with transaction.atomic():
        dataset = into or insert_dataset(
            department=recipe.department, name=name, is_simulated=recipe.dataset.is_simulated,
            description=_("Prepared from “%(source)s” with “%(recipe)s”.")
            % {"source": recipe.dataset.name, "recipe": recipe.name},
            created_by_id=actor.person_id,
        )  # fmt: skip
        if into is None:
            record("dataset.create", dataset, details={"prepared_from": str(source.pk)})
        else:
            require(actor, Verb.EDIT, into)
        made = DatasetVersion.objects.create(
            dataset=dataset, department_id=dataset.department_id, number=next_number(dataset), source_name=FILENAME,
            derived_from=source, derived_by=recipe, origin=_origin(recipe, source), created_by_id=actor.person_id,
        )  # fmt: skip
        made.job = enqueue(
            "datasets.prepare",
            actor=actor,
            department=recipe.department,
            payload={"version": str(made.pk)},
            about=dataset,
        )
        made.save(update_fields=["job"])
        record("recipe.prepare", recipe, rule=rule, version=source.number, details={"dataset": str(dataset.pk)})
    return made


def chosen_version(recipe: Recipe, number: int | None) -> DatasetVersion:
    if number is None:
        return latest(recipe.dataset)
    found: DatasetVersion | None = recipe.dataset.versions.filter(number=number, state="ready").first()
    if found is None:
        raise invalid("version", _("there is no ready version %(number)s of this data set") % {"number": number})
    return found


def require_copies(actor: Actor, recipe: Recipe, source: DatasetVersion) -> Decision:
    """The decision under which the source's rows are copied; every data set that is joined is asked for as well."""
    member = actor.within(recipe.department_id)
    joined = [REFERENCE.fullmatch(reference) for reference in tables_named(recipe.steps)]
    others = list(Dataset.objects.filter(pk__in=[named[1] for named in joined if named]))
    decisions = [(each, decide(member, Verb.EXPORT, each)) for each in [source.dataset, *others]]
    for each, decision in decisions:
        if not decision.allowed:
            detail = _(
                "“%(name)s” belongs to another department. A copy of what it granted may be kept only when the grant"
                " includes “export”: ask its owner."
            )
            raise Refused(decision.rule, detail % {"name": each.name}, status=403)
    return decisions[0][1]


def _require_steps(recipe: Recipe) -> None:
    """A copy holds real rows, and it knows no column to predict."""
    for place, entry in enumerate(recipe.steps):
        step = STEPS[entry["step"]]
        if entry.get("enabled", True) and (step.group == "Augment" or step.needs_target(entry.get("params") or {})):
            detail = _("“%(step)s” belongs to a training. Switch it off before the rows are kept as a data set.")
            raise invalid(f"steps[{place}]", detail % {"step": _(step.label)})


def _origin(recipe: Recipe, source: DatasetVersion) -> dict[str, Any]:
    return {
        "kind": "recipe", "recipe": recipe.name, "dataset": str(source.dataset_id), "version": source.number,
        "steps": recipe.steps,
    }  # fmt: skip
