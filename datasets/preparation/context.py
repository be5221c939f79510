"""What the recipe page is drawn from: the version, the preview, the chosen step's form, and what a newer version changes."""

from __future__ import annotations

from typing import Any

from datasets.models import Dataset, DatasetVersion, Recipe
from datasets.preparation import pages, services
from datasets.preparation.around import around, offered
from datasets.recipe import RecipeError, columns_named
from datasets.schema import Schema
from datasets.tables import described
from departments.access import Actor, Decision, Verb, decide
from departments.models import Department
from rest.problems import Refused

SHOWN_ROWS = 20


def context_of(actor: Actor, dataset: Dataset, chosen: Recipe | None, place: int | None) -> dict[str, Any]:
    """The page of one recipe, or of one that is still to be made, with the step at `place` in focus."""
    context = {
        "dataset": dataset, "recipe": chosen, "menu": pages.menu(), "may_edit": services.may_prepare(actor, dataset, chosen),
        "may_train": decide(actor, Verb.TRAIN, dataset).allowed,
    }  # fmt: skip
    try:
        version = services.version_of(chosen) if chosen else services.latest(dataset)
    except Refused as refused:
        return {**context, "not_ready": refused.detail, "may_edit": False}
    steps = chosen.steps if chosen else []
    place = place if place is not None and place < len(steps) else None
    home = chosen.department if chosen else services.home_of(actor, dataset)
    report = services.preview_steps(
        actor=actor, dataset=dataset, steps=steps, version=version.number, limit=SHOWN_ROWS, focus=place,
        target=(chosen.target or None) if chosen else None, department=home,
    )  # fmt: skip
    listed = pages.listed(steps, report, place)
    reads = decide(actor, Verb.PREVIEW, dataset)
    schema = services.schema_for(version, reads)
    return {
        **context, "version": version, "report": report, "place": place, "steps": listed,
        "broken": [step["number"] for step in listed if step["error"]],
        "settings": None if place is None else pages.settings_of(
            steps, report, place, _offers(actor, version, home, schema, steps)
        ),
        "table": pages.table_of(report), "target_columns": schema.names, "newer": _newer(chosen, version, reads),
    }  # fmt: skip


def _offers(actor: Actor, version: DatasetVersion, home: Department, schema: Schema, steps: Any) -> pages.Offers:
    """What the chosen step's form offers: columns, data sets to join, and a warning at personal data."""
    table = described(version, decide(actor, Verb.PREVIEW, version.dataset))
    return pages.Offers(
        schema=schema,
        around=around(actor=actor, department=home, steps=steps),
        tables=offered(actor=actor, department=home, besides=version.dataset),
        personal=pages.personal_in(table.profile),
    )


def _newer(chosen: Recipe | None, version: DatasetVersion, reads: Decision) -> dict[str, Any] | None:
    """What awaits the recipe in the newest version, if that is another one."""
    newest = services.latest(version.dataset)
    if chosen is None or newest.number <= version.number:
        return None
    before, after = services.schema_for(version, reads), services.schema_for(newest, reads)
    named = _named(chosen)
    return {
        "number": newest.number,
        "gone": [name for name in before.names if name not in after],
        "used": [name for name in before.names if name not in after and name in named],
        "new": [name for name in after.names if name not in before],
        "retyped": [c.name for c in before if c.name in after and after[c.name].type != c.type],
    }


def _named(recipe: Recipe) -> set[str]:
    try:
        return columns_named(recipe.steps)
    except RecipeError:
        return set()
