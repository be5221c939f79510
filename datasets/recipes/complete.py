"""The steps that a recipe still needs before a model can read its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from datasets.recipes.layout import Layout
from datasets.recipes.plan import Plan, plan
from datasets.schema import NUMERIC, Schema
from datasets.steps._around import NOTHING, Around

Steps = list[dict[str, Any]]


class Needs(Protocol):
    """What a model family asks of its columns: no gaps, a common scale."""

    @property
    def complete(self) -> bool: ...

    @property
    def scaled(self) -> bool: ...


def complete(
    steps: Steps,
    schema: Schema,
    features: Sequence[str],
    needs: Needs,
    *,
    target: str | None = None,
    around: Around = NOTHING,
) -> Steps:
    """The given steps and, marked automatic, those that make every feature numeric, complete and scaled as needed.

    `features` are columns of the raw table; those that the recipe leaves out stay out. Raises RecipeError.
    """
    made = list(steps)
    for completion in (_dates, _gaps, _truth_gaps, _categories, _truths, _scale):
        made += completion(plan(made, schema, target, around), set(features), needs)
    return made


def _dates(so_far: Plan, features: set[str], _needs: Needs) -> Steps:
    times = _of_types(so_far.layout, features, ("date", "datetime"))
    hour = any(so_far.layout.types[name] == "datetime" for name in times)
    return _automatic("dates", times, {"day": True, "elapsed": True, "hour": hour})


def _gaps(so_far: Plan, features: set[str], needs: Needs) -> Steps:
    wanted = _of_types(so_far.layout, features, NUMERIC) if needs.complete else []
    return _automatic("missing", _without(wanted, _covered(so_far, "missing", "knn")), {"method": "median"})


def _truth_gaps(so_far: Plan, features: set[str], needs: Needs) -> Steps:
    wanted = _of_types(so_far.layout, features, ("boolean",)) if needs.complete else []
    return _automatic("missing", _without(wanted, _covered(so_far, "missing", "knn")), {"method": "mode"})


def _categories(so_far: Plan, features: set[str], _needs: Needs) -> Steps:
    return _automatic("encode", _of_types(so_far.layout, features, ("text",)), {"method": "onehot"})


def _truths(so_far: Plan, features: set[str], _needs: Needs) -> Steps:
    truths = _of_types(so_far.layout, features, ("boolean",))
    return _automatic("encode", truths, {"method": "ordinal", "unseen": "missing"})


def _scale(so_far: Plan, features: set[str], needs: Needs) -> Steps:
    wanted = _of_types(so_far.layout, features, NUMERIC) if needs.scaled else []
    return _automatic(
        "normalise", _without(wanted, _covered(so_far, "normalise", "quantile", "power")), {"method": "zscore"}
    )


def _of_types(layout: Layout, features: set[str], types: Sequence[str]) -> list[str]:
    """The features' columns of these types; columns of 0 and 1 are already fit for a model."""
    names = (name for name, sources in layout.sources.items() if sources <= features and name not in layout.flags)
    return [name for name in names if layout.types[name] in types]


def _covered(so_far: Plan, *steps: str) -> set[str]:
    """Columns that the recipe already treats with one of these steps for every row, also at prediction."""
    items = [item for item in so_far.steps if item.step.name in steps and not item.step.training_only(item.use.params)]
    return {name for item in items for name in item.use.columns}


def _without(names: Iterable[str], covered: set[str]) -> list[str]:
    return [name for name in names if name not in covered]


def _automatic(step: str, columns: list[str], params: dict[str, Any]) -> Steps:
    return [{"step": step, "columns": columns, "params": params, "automatic": True}] if columns else []
