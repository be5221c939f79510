"""From a starting point and a table to a run: the columns are mapped, the recipe is written, the training begins."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.preparation.services import create_recipe
from datasets.services import create_dataset
from datasets.tables import Described
from departments.access import Actor, Verb, require_in
from departments.models import Department
from rest.problems import Refused
from training import services
from training.configuration import Request
from training.models import ModelVersion, TrainingRun
from training.starting_points import STARTING_POINTS
from training.starting_points._base import Mapped, StartingPoint, match, over


def proposed(point: StartingPoint, table: Described) -> dict[str, str]:
    """The likely mapping of the point's columns onto the table's."""
    return match(point, [(column.name, column.type) for column in table.schema])


def checked(point: StartingPoint, table: Described, mapping: Mapping[str, str]) -> Mapped:
    """The point over the table's columns. Raises Refused (422) with every column that does not fit, by its field."""
    known = {column.name: column for column in point.asked}
    errors = [_error(name, _("this starting point asks for no such column")) for name in mapping if name not in known]
    given = {name: column for name, column in mapping.items() if name in known and column}
    for name, column in given.items():
        if column not in table.schema:
            errors.append(_error(name, _("there is no column “%s”") % column[:80]))
        elif table.schema[column].type not in known[name].types:
            words = {"column": column[:80], "type": table.schema[column].type, "types": ", ".join(known[name].types)}
            errors.append(_error(name, _("“%(column)s” holds %(type)s; expected %(types)s") % words))
        elif list(given.values()).count(column) > 1:
            errors.append(_error(name, _("“%s” is chosen twice") % column[:80]))
    errors += [_error(c.name, _("choose the column")) for c in point.needed if c.name not in given]
    if errors:
        fields = ", ".join(sorted(error["field"] for error in errors))
        raise Refused("invalid", _("The columns do not fit yet: %s.") % fields, status=422, errors=errors)
    return over(point, given)


def _error(name: str, message: object) -> dict[str, str]:
    return {"field": f"mapping.{name[:80]}", "message": str(message)}


def begin(
    *,
    actor: Actor,
    department: Department,
    version: DatasetVersion,
    point: StartingPoint,
    mapping: Mapping[str, str],
    name: str = "",
) -> TrainingRun:
    """Write the recipe, where the use has one, and start the run."""
    decision = services.require_train(actor, version.dataset, department)
    asked = checked(point, services.table_for(actor, version, decision), mapping)
    with transaction.atomic():
        return services.start_run(
            actor=actor,
            department=department,
            version=version,
            recipe=_recipe(actor, department, version.dataset, point, asked),
            request=Request(target=asked.target, features=asked.features, **asked.training),
            name=name or f"{_(point.label)} · {version.dataset.name}",
            starting_point={"name": point.name, "mapping": {n: c for n, c in mapping.items() if c}},
        )


def _recipe(
    actor: Actor, department: Department, dataset: Dataset, point: StartingPoint, asked: Mapped
) -> Recipe | None:
    """The use's steps as a recipe of the department; one that says the same is used again."""
    if not asked.steps:
        return None
    for recipe in Recipe.objects.filter(department=department, dataset=dataset, name=_(point.label)):
        if _says(recipe, asked):
            return recipe
    return create_recipe(actor=actor, dataset=dataset, department=department, steps=asked.steps, name=_(point.label))


def _says(recipe: Recipe, asked: Mapped) -> bool:
    """Whether the recipe has these steps; what is kept with it names every parameter, also those left at their default."""
    return len(recipe.steps) == len(asked.steps) and all(
        (kept["step"], kept["columns"]) == (step["step"], step["columns"])
        and kept["params"].items() >= step["params"].items()
        for kept, step in zip(recipe.steps, asked.steps, strict=True)
    )


def example_for(*, actor: Actor, department: Department, point: StartingPoint) -> Dataset:
    """The use's example as a data set of the department: the one that is there, or a new one, whose job reads it."""
    require_in(actor, Verb.CREATE, department)
    there: Dataset | None = Dataset.objects.filter(department=department, name=point.example_name).first()
    if there is not None:
        return there
    file = ContentFile(point.example(), name=f"{point.name}.csv")
    return create_dataset(
        actor=actor,
        department=department,
        name=point.example_name,
        file=file,
        description=_(point.example_help),
        is_simulated=point.is_simulated,
    )


def of_version(version: ModelVersion) -> StartingPoint | None:
    """The starting point that a model version came from, if any."""
    name = (version.card.get("starting_point") or {}).get("name")
    return next((point for point in STARTING_POINTS if point.name == name), None)
