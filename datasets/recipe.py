"""Preparation of a table, declared as data: the plain Python entry, usable from a notebook.

    fitted = fit(steps, training_rows, schema)       # learns from the training rows only
    fitted.transform(rows, training=False)           # a whole table
    fitted.row()({"age": 41, "city": "Lyon"})        # one row, in about a microsecond a step
    FittedRecipe.from_json(fitted.to_json())         # the recipe is JSON

A step is `{"step": "missing", "columns": ["age"], "params": {"method": "mean"}, "enabled": true}`; an empty list of
columns means every column that the step suits.
"""

from datasets.recipes.complete import complete
from datasets.recipes.errors import RecipeError
from datasets.recipes.fitted import FittedRecipe, FittedStep, fit
from datasets.recipes.plan import columns_named, plan, read_steps, tables_named
from datasets.recipes.preview import preview
from datasets.steps._around import NOTHING, Around
from datasets.steps._base import GROUPS, STEPS, Step

__all__ = [
    "GROUPS",
    "NOTHING",
    "STEPS",
    "Around",
    "FittedRecipe",
    "FittedStep",
    "RecipeError",
    "Step",
    "columns_named",
    "complete",
    "fit",
    "plan",
    "preview",
    "read_steps",
    "tables_named",
]
