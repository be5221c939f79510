"""Recipes: made, changed with undo, previewed and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from datasets import tables
from datasets.granting.masking import schema_under
from datasets.models import Dataset, DatasetVersion, Recipe, VersionState
from datasets.preparation.around import around
from datasets.recipe import Around, RecipeError, plan, preview, read_steps
from datasets.schema import Schema
from datasets.services import record_read
from departments.access import Actor, Decision, Verb, decide, decide_in, require, require_in
from departments.models import Department
from rest.problems import Refused, invalid

Steps = list[dict[str, Any]]
HISTORY = 100  # states that undo remembers


@transaction.atomic
def create_recipe(
    *,
    actor: Actor,
    dataset: Dataset,
    steps: Any,
    name: str = "",
    department: Department | None = None,
    draft: bool = False,
) -> Recipe:
    """Make a recipe on a data set that the department may read.

    A draft may hold steps that do not fit the table yet; its shape is checked all the same. Raises Refused (422) with
    the path of each mistake, 404 or 403 where the actor may not.
    """
    home = department or home_of(actor, dataset)
    decision = require_in(actor, Verb.EDIT, home)
    reads = require(actor.within(home.pk), Verb.PREVIEW, dataset)
    others = around(actor=actor, department=home, steps=steps)
    checked = _checked(steps, latest(dataset), reads, draft, others)
    made = Recipe.objects.create(
        dataset=dataset,
        department=home,
        name=name.strip() or _free_name(dataset, home),
        steps=checked,
        version=latest(dataset).number,
        created_by_id=actor.person_id,
    )
    record("recipe.create", made, rule=decision.rule, details=_outline(checked))
    return made


@transaction.atomic
def update_recipe(
    *,
    actor: Actor,
    recipe: Recipe,
    steps: Any = None,
    name: str | None = None,
    target: str | None = None,
    version: int | None = None,
    draft: bool = False,
) -> Recipe:
    """Rename the recipe or replace its steps; the steps before go on the undo history.

    `version` takes it over to another version of the data set, `target` names the column that its preview predicts.
    """
    decision, reads = _require_edit(actor, recipe)
    changed = Recipe.objects.select_for_update().get(pk=recipe.pk)
    if name is not None:
        changed.name = name.strip() or changed.name
    if target is not None:
        changed.target = target
    if version is not None:
        changed.version = _numbered(changed.dataset, version).number
    if steps is not None:
        others = around(actor=actor, department=changed.department, steps=steps)
        checked = _checked(steps, version_of(changed), reads, draft, others)
        if checked != changed.steps:
            changed.history = [*changed.history, changed.steps][-HISTORY:]
            changed.future, changed.steps = [], checked
    changed.save()
    record("recipe.update", changed, rule=decision.rule, details=_outline(changed.steps))
    return changed


@transaction.atomic
def undo_recipe(*, actor: Actor, recipe: Recipe, redo: bool = False) -> Recipe:
    """Go back to the steps before the last change, or forward again. At the end of the history nothing changes."""
    decision, _reads = _require_edit(actor, recipe)
    changed = Recipe.objects.select_for_update().get(pk=recipe.pk)
    source, target = (changed.future, changed.history) if redo else (changed.history, changed.future)
    if source:
        target.append(changed.steps)
        changed.steps = source.pop()
        changed.save()
        record("recipe.redo" if redo else "recipe.undo", changed, rule=decision.rule, details=_outline(changed.steps))
    return changed


@transaction.atomic
def delete_recipe(*, actor: Actor, recipe: Recipe) -> None:
    """Delete the recipe. Models that were trained with it keep their own copy of its steps."""
    decision = require(actor, Verb.EDIT, recipe)
    record("recipe.delete", recipe, rule=decision.rule)
    recipe.delete()


def preview_steps(
    *,
    actor: Actor,
    dataset: Dataset,
    steps: Any,
    version: int | None = None,
    limit: int = 20,
    focus: int | None = None,
    target: str | None = None,
    department: Department | None = None,
) -> dict[str, Any]:
    """Run steps over a version, the latest ready one by default, and report what each does; nothing is stored.

    `department` is the one that prepares: its data sets may be joined, and the pseudonyms are its own.
    """
    decision = require(actor, Verb.PREVIEW, dataset)
    chosen = latest(dataset) if version is None else _numbered(dataset, version)
    home = department or home_of(actor, dataset)
    with _mistakes_as_refusals(), tables.opened(chosen, decision, actor=actor) as table, TemporaryDirectory() as folder:
        others = around(actor=actor, department=home, steps=steps, folder=Path(folder))
        report = preview(read_steps(steps), table.path, table.schema, limit, target=target, focus=focus, around=others)
    record_read(chosen, decision, "recipe_preview", **_outline(steps))
    return {"version": chosen.number, **report}


def latest(dataset: Dataset) -> DatasetVersion:
    """The newest version that is ready. Raises Refused when there is none yet."""
    found: DatasetVersion | None = (
        dataset.versions.defer("profile").filter(state=VersionState.READY).order_by("-number").first()
    )
    if found is None:
        raise Refused(
            "no-ready-version", _("This data set has no version that is ready. Wait for its import, or upload a file.")
        )
    return found


def version_of(recipe: Recipe) -> DatasetVersion:
    """The version that the recipe was written for; the newest where it is gone or was never written down."""
    own = recipe.dataset.versions.defer("profile").filter(number=recipe.version, state=VersionState.READY)
    found: DatasetVersion | None = own.first()
    return found or latest(recipe.dataset)


def home_of(actor: Actor, dataset: Dataset) -> Department:
    """The department in which the actor prepares this data set: its owner's, else the one that it was granted to."""
    if dataset.department_id in actor.roles:
        return Department.objects.get(pk=dataset.department_id)
    require(actor, Verb.PREVIEW, dataset)
    own = Department.objects.filter(pk__in=actor.department_ids).order_by("name")
    return next(d for d in own if decide(actor.within(d.pk), Verb.PREVIEW, dataset).allowed)


def may_prepare(actor: Actor, dataset: Dataset, recipe: Recipe | None = None) -> bool:
    """Whether the actor may change a recipe, or make one, on a data set that they may read."""
    if actor.through is not None:
        return False
    home = recipe.department_id if recipe else home_of(actor, dataset).pk
    return decide_in(actor, Verb.EDIT, home).allowed


def _numbered(dataset: Dataset, number: int) -> DatasetVersion:
    found: DatasetVersion | None = (
        dataset.versions.defer("profile").filter(number=number, state=VersionState.READY).first()
    )
    if found is None:
        raise invalid("version", _("there is no ready version %(number)s of this data set") % {"number": number})
    return found


def _require_edit(actor: Actor, recipe: Recipe) -> tuple[Decision, Decision]:
    """Changing a recipe takes the role in its department, and the data set must still be readable from there: one
    department's right is not used for another's recipe.
    """
    decision = require(actor, Verb.EDIT, recipe)
    return decision, require(actor.within(recipe.department_id), Verb.PREVIEW, recipe.dataset)


def schema_for(version: DatasetVersion, decision: Decision) -> Schema:
    """The columns that the decision gives, without opening the table."""
    return schema_under(Schema.from_json(version.schema), decision.projection)


def _checked(steps: Any, version: DatasetVersion, decision: Decision, draft: bool, others: Around) -> Steps:
    with _mistakes_as_refusals():
        shaped = read_steps(steps)
        if not draft:
            plan(shaped, schema_for(version, decision), around=others)
    return shaped


@contextmanager
def _mistakes_as_refusals() -> Iterator[None]:
    try:
        yield
    except RecipeError as error:
        detail = _("The recipe does not fit: %(first)s.") % {"first": "{field}: {message}".format(**error.errors[0])}
        raise Refused("invalid-recipe", detail, status=422, errors=error.errors) from None


def _free_name(dataset: Dataset, department: Department) -> str:
    count = Recipe.objects.filter(dataset=dataset, department=department).count()
    return _("Recipe %(number)s") % {"number": count + 1}


def _outline(steps: Any) -> dict[str, Any]:
    """For the audit trail: which steps, never their values."""
    return {"steps": [str(step.get("step"))[:40] for step in steps if isinstance(step, dict)]}
