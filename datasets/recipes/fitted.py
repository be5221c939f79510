"""A recipe with what it learned from the training rows, and its readers: a whole table, or one row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from datasets.recipes.errors import RecipeError
from datasets.recipes.layout import Layout
from datasets.recipes.plan import Planned, plan, relocated
from datasets.schema import Column, Schema
from datasets.steps._around import NOTHING, Around
from datasets.steps._base import STEPS, Learned, Step, StepError, Use, nothing_learned
from datasets.steps._columns import col, cols, dtype
from datasets.steps._rowcode import Row, RowCode
from plugins.params import validate_params

if TYPE_CHECKING:
    import polars as pl

FORMAT = 1


@dataclass(frozen=True, slots=True)
class FittedStep:
    """One step with what it learned."""

    step: Step
    use: Use
    learned: Learned

    @property
    def training_only(self) -> bool:
        return self.step.training_only(self.use.params)

    def bulk(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return self.step.bulk(frame, self.use, self.learned)

    def train(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """What the training rows get, which may be other than what every other row gets."""
        return (self.step.train or self.step.bulk)(frame, self.use, self.learned)

    def to_json(self) -> dict[str, Any]:
        parts = {"columns": list(self.use.columns), "params": dict(self.use.params), "learned": self.learned}
        return {"step": self.step.name, **parts}


@dataclass(frozen=True)
class FittedRecipe:
    """The preparation as data: the incoming schema and the fitted steps, nothing else."""

    schema: Schema
    steps: tuple[FittedStep, ...]

    @cached_property
    def layout(self) -> Layout:
        """The columns that come out, with their sources among the columns that go in."""
        layout = Layout.of(self.schema)
        for index, fitted in enumerate(self.steps):
            layout = layout.after(fitted.step.changes(fitted.use, fitted.learned), f"steps[{index}]")
        return layout

    @property
    def output_schema(self) -> Schema:
        return self.layout.schema()

    def derived(self, columns: Iterable[str]) -> list[str]:
        """The outgoing columns that are computed from the given incoming ones and no others, in the table's order."""
        wanted = set(columns)
        return [name for name, sources in self.layout.sources.items() if sources <= wanted]

    def sources(self, outputs: Iterable[str]) -> list[str]:
        """The incoming columns that the given outgoing ones are computed from, in the table's order."""
        needed = frozenset[str]().union(*(self.layout.sources[name] for name in outputs))
        return [column.name for column in self.schema.columns if column.name in needed]

    def transform(self, frame: pl.LazyFrame | pl.DataFrame, training: bool) -> pl.LazyFrame:
        """Add the recipe to a table; an absent column is all missing.

        `training` is for the rows that the recipe was fitted on: only they are removed, added to, or told apart by fold.
        """
        lazy = entered(frame, self.schema)
        for fitted in self.steps:
            if training:
                lazy = fitted.train(lazy)
            elif not fitted.training_only:
                lazy = fitted.bulk(lazy)
        return lazy.select(cols(self.layout.types))

    def row(self) -> Row:
        """The function for one row: a dict of incoming values to a dict of outgoing ones.

        Missing is None, NaN or an absent key; dates are ISO text or date objects.
        """
        code = RowCode({column.name: column.type for column in self.schema.columns})
        for fitted in self.steps:
            if not fitted.training_only:
                fitted.step.row(code, fitted.use, fitted.learned)
        return code.function(self.layout.types)

    def to_json(self) -> dict[str, Any]:
        """What recipe.json holds; `dumps` gives its canonical text."""
        steps = [fitted.to_json() for fitted in self.steps]
        return {"format": FORMAT, "input": self.schema.to_json(), "steps": steps}

    def dumps(self) -> str:
        """Canonical JSON: equal recipes give equal bytes."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> FittedRecipe:
        """Read what `to_json` or `dumps` wrote. Raises RecipeError for anything else."""
        try:
            read: Mapping[str, Any] = json.loads(data) if isinstance(data, str) else data
            if read["format"] != FORMAT:
                raise RecipeError.at("format", f"got {read['format']!r}; this version reads {FORMAT}")
            schema = Schema.from_json(read["input"])
            return cls(schema, tuple(_fitted_steps(read["steps"], schema)))
        except RecipeError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RecipeError.at("", f"this is not a fitted recipe: {error}") from error


def _fitted_steps(entries: Iterable[Mapping[str, Any]], schema: Schema) -> Iterator[FittedStep]:
    layout = Layout.of(schema)
    for index, entry in enumerate(entries):
        step = STEPS[entry["step"]]
        types = {name: layout.types[name] for name in entry["columns"]}
        params = validate_params(step.params, entry["params"])
        read = {name: layout.types[name] for _, name in step.named(params)}
        use = Use(types, params, frozenset(layout.types), read)
        layout = layout.after(step.changes(use, entry["learned"]), f"steps[{index}]")
        yield FittedStep(step, use, entry["learned"])


def fit(
    steps: list[dict[str, Any]],
    frame: pl.LazyFrame | pl.DataFrame,
    schema: Schema,
    *,
    target: str | None = None,
    around: Around = NOTHING,
) -> FittedRecipe:
    """Learn each step's statistics from `frame`, which must hold the training rows and no others.

    A step learns from the table as the steps before it leave it, without the rows that they remove. Raises RecipeError
    when the steps do not fit the schema or would change the target.
    """
    lazy, layout, fitted = entered(frame, schema), Layout.of(schema), []
    for item in plan(steps, schema, target, around).steps:
        done = fitted_step(item, layout, lazy)
        layout = layout.after(item.step.changes(done.use, done.learned), item.field)
        lazy = done.train(lazy)
        if done.training_only:  # once for all the steps that follow
            lazy = lazy.collect().lazy()
        fitted.append(done)
    return FittedRecipe(schema, tuple(fitted))


def fitted_step(item: Planned, layout: Layout, frame: pl.LazyFrame) -> FittedStep:
    """One step with what it learns from the rows that have reached it. Raises RecipeError with its path."""
    use = relocated(item, layout)
    try:
        return FittedStep(item.step, use, _learn(item.step, use, frame))
    except StepError as error:
        raise RecipeError.at(f"{item.field}.{error.field}", error.message) from None


def _learn(step: Step, use: Use, frame: pl.LazyFrame) -> Learned:
    """Fit one step. Each column is brought into one chunk, so that sums never depend on how the table was read."""
    if step.fit is nothing_learned:
        return {}
    names = dict.fromkeys(use.types)
    if step.needs_target(use.params):
        if use.target is None:
            raise StepError("columns", "this step learns from the column to predict, which only a training names")
        names[use.target] = None
    return step.fit(frame.select(cols(names)).collect().rechunk(), use)


def entered(frame: pl.LazyFrame | pl.DataFrame, schema: Schema) -> pl.LazyFrame:
    """The schema's columns of the table: NaN becomes missing, an absent column is all missing."""
    lazy = frame.lazy()
    there = set(lazy.collect_schema().names())
    return lazy.select(_entering(column, column.name in there) for column in schema.columns)


def _entering(column: Column, is_there: bool) -> pl.Expr:
    import polars as pl

    if not is_there:
        return pl.lit(None, dtype=dtype(column.type)).alias(column.name)
    return col(column.name).fill_nan(None) if column.type == "number" else col(column.name)
