"""From a Parquet file to arrays: read, split, fit the recipe on the training rows only, and transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.parts import read as read_columns
from datasets.parts import scan
from datasets.recipe import NOTHING, Around, FittedRecipe, RecipeError, columns_named, complete, fit
from datasets.schema import Column, Schema
from training.engine import demands, split
from training.engine.demands import Demands
from training.engine.errors import TrainError
from training.engine.family import REGRESSION, Needs, Rows
from training.engine.targets import Target, understand

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ORIGIN = "__row__"  # carries a row's place through a recipe that removes, adds or reorders training rows


@dataclass(frozen=True)
class Prepared:
    """The numbers of one recipe: its fitted form, the names of the matrix's columns, and the rows of each part.

    `origins` holds, for each part (rows,), each row's place among the part's rows before the recipe; −1 for a row that
    the recipe made up. `monotone` holds −1, 0 or 1 for each column; empty where nothing was asked.
    """

    recipe: FittedRecipe
    features: list[str]
    rows: Mapping[str, Rows]
    origins: Mapping[str, np.ndarray]
    monotone: tuple[int, ...] = ()


@dataclass
class Source:
    """A table ready to be split and prepared, with what was left out and why.

    `places` (rows,) int64 is where each row of `frame` stood in the table that was read; `parts` are places in `frame`.
    """

    frame: pl.DataFrame
    schema: Schema
    target: Target
    features: list[str]
    places: np.ndarray
    parts: Mapping[str, np.ndarray]
    steps: list[dict[str, Any]]
    around: Around = NOTHING
    findings: list[dict[str, Any]] = field(default_factory=list)
    demands: Demands = field(default_factory=Demands)
    _prepared: dict[Needs, Prepared] = field(default_factory=dict)

    def part(self, name: str) -> pl.DataFrame:
        return self.frame[self.parts[name]]

    def held_out(self) -> pl.DataFrame:
        """The rows that nothing is learned from: validation and test."""
        import numpy as np

        return self.frame[np.sort(np.concatenate([self.parts["validation"], self.parts["test"]]))]

    def places_of(self, part: str, prepared: Prepared) -> np.ndarray:
        """Where a part's prepared rows stood in the table that was read; −1 for one that the recipe made up."""
        import numpy as np

        origin = prepared.origins[part]
        places: np.ndarray = self.places[self.parts[part]]
        found: np.ndarray = np.where(origin >= 0, places[np.maximum(origin, 0)] if len(places) else -1, -1)
        return found

    def prepare(self, needs: Needs) -> Prepared:
        """Fit the recipe, completed for what a family needs, on the training rows; transform every part."""
        if needs not in self._prepared:
            self._prepared[needs] = self._prepare(needs)
        return self._prepared[needs]

    def _prepare(self, needs: Needs) -> Prepared:
        name = self.target.name
        try:
            steps = complete(self.steps, self.schema, self.features, needs, target=name, around=self.around)
            recipe = fit(steps, self.part("train"), self.schema, target=name, around=self.around)
        except RecipeError as error:
            raise _bad_recipe(error) from error
        columns = recipe.derived(self.features)
        if not columns:
            raise TrainError("no_features", "The recipe leaves no column to learn from.", "Keep a feature.", "features")
        tables, origins = {}, {}
        for part in split.PARTS:
            tables[part], origins[part] = self._rows(recipe, columns, part)
        kept = _varying(tables["train"].X)
        if not kept.any():
            raise TrainError("no_features", "No feature differs between the training rows.", "Add one.", "features")
        self._note_constant(recipe, [column for column, keep in zip(columns, kept, strict=True) if not keep])
        rows = {part: Rows(_ordered(table.X, kept), table.y, table.w) for part, table in tables.items()}
        _refuse_gaps(rows, columns, kept, needs)
        features = [column for column, keep in zip(columns, kept, strict=True) if keep]
        sources = {column: recipe.layout.sources[column] for column in features}
        monotone = demands.monotone(
            self.demands, self.part("train"), origins["train"], rows["train"].X, features, sources
        )
        return Prepared(recipe, features, rows, origins, monotone)

    def _note_constant(self, recipe: FittedRecipe, columns: list[str]) -> None:
        """Every column that is left out has a recorded reason, once: its own, or that of the column it was made from."""
        noted = {name for found in self.findings if found["check"] == "constant_column" for name in found["columns"]}
        if new := [name for name in columns if not {name, *recipe.sources([name])} & noted]:
            self.findings.append(_constant_columns(new))

    def _rows(self, recipe: FittedRecipe, columns: Sequence[str], part: str) -> tuple[Rows, np.ndarray]:
        """The part's numbers with their weights, and the rows' places in the part before the recipe."""
        import numpy as np
        import polars as pl

        raw = self.part(part)
        frame = raw.with_columns(pl.int_range(raw.height, dtype=pl.Int64).alias(ORIGIN))
        table = _tracked(recipe).transform(frame, training=part == "train").collect()
        if part == "train" and table.height < 2:
            detail = "The recipe leaves fewer than two training rows."
            raise TrainError("too_few_rows", detail, "Remove the step that drops the rows.", "steps")
        X = table.select(pl.col(columns).cast(pl.Float64)).to_numpy()
        y, origin = self.target.numbers(table[self.target.name]), table[ORIGIN].fill_null(-1).to_numpy()
        learned = self.target.numbers(self.part("train")[self.target.name])
        w = demands.weights(self.demands, raw, origin, y, self.part("train"), learned)
        return Rows(np.ascontiguousarray(X, dtype=np.float64), y, w), origin


def read(
    path: Path,
    schema: Schema,
    *,
    target: str,
    features: Sequence[str],
    steps: list[dict[str, Any]],
    task: str | None,
    shares: Mapping[str, Any],
    seed: int,
    every: int = 1,
    around: Around = NOTHING,
    asked: Demands | None = None,
) -> Source:
    """Read the columns that are used, leave out rows without a target, and split. Raises TrainError.

    `shares` is the split, see split.check. `every` = n takes each n-th row only, for a first look at a large table.
    """
    import polars as pl

    asked, by = asked or Demands(), shares.get("by")
    wanted = _check_columns(schema, target, features, demands.not_features(asked, shares))
    demands.check(asked, schema, target, wanted, by)
    used = [n for n in schema.names if n in {*wanted, target, by, asked.weight, *_named(steps)}]
    frame = read_columns(path, used) if every == 1 else scan(path).select(used).gather_every(every).collect()
    findings = []
    numbered = frame.with_columns((every * pl.int_range(pl.len(), dtype=pl.Int64)).alias(ORIGIN))
    frame = _without_repeats(numbered, schema, steps)
    known = frame.filter(_known(frame, target, schema[target].type))
    if known.height < frame.height:
        findings.append(_unknown_target(target, frame.height - known.height, frame.height))
    understood = understand(known[target], schema[target].type, task)
    empty = [name for name in wanted if known[name].null_count() == known.height]
    if empty:
        findings.append(_empty_columns(empty))
    left = [name for name in wanted if name not in empty]
    if not left:
        raise TrainError("no_features", "Every feature is empty.", "Choose columns that hold values.", "features")
    demands.check_task(asked, understood.task)
    parts = _split(known, understood, shares, seed)
    own = Schema(tuple(column for column in schema if column.name in used and column.name not in empty))
    places = known[ORIGIN].to_numpy()
    return Source(known.drop(ORIGIN), own, understood, left, places, parts, steps, around, findings, asked)


def _split(known: pl.DataFrame, target: Target, asked: Mapping[str, Any], seed: int) -> dict[str, np.ndarray]:
    kind, shares = asked.get("kind") or split.RANDOM, split.shares(asked)
    if kind == split.GROUPED:
        return split.split_groups(demands.group_codes(known[asked["by"]]), shares, seed)
    if kind == split.TIMED:
        return split.split_times(demands.times(known[asked["by"]]), shares)
    return split.split(target.numbers(known[target.name]), shares, seed, stratified=target.task != REGRESSION)


def _tracked(recipe: FittedRecipe) -> FittedRecipe:
    """The recipe for a table that also has the column ORIGIN, which it carries along."""
    return FittedRecipe(Schema((*recipe.schema.columns, Column(ORIGIN, "integer"))), recipe.steps)


def _without_repeats(frame: pl.DataFrame, schema: Schema, steps: list[dict[str, Any]]) -> pl.DataFrame:
    """Carry out the removals of repeated rows with which a recipe begins, before the split.

    They learn nothing, and after the split it would be too late: one of two equal rows would already be held back.
    The column ORIGIN is not compared.
    """
    enabled = [step for step in steps if step.get("enabled", True)]
    first = list(takewhile(lambda step: step["step"] == "duplicates", enabled))
    if not first:
        return frame
    present = Schema(tuple(column for column in schema if column.name in frame.columns))
    try:
        removals = fit(first, frame.drop(ORIGIN), present)
        return _tracked(removals).transform(frame, training=True).collect()
    except RecipeError as error:
        raise _bad_recipe(error) from error


def _known(frame: pl.DataFrame, target: str, type_: str) -> pl.Expr:
    import polars as pl

    known = pl.col(target).is_not_null()
    return known & pl.col(target).is_not_nan() if type_ == "number" and frame[target].dtype.is_float() else known


def _check_columns(schema: Schema, target: str, features: Sequence[str], apart: frozenset[str]) -> list[str]:
    """Return the features: those given, or every column but the target and those that serve another purpose."""
    if target not in schema:
        known = ", ".join(schema.names[:20])
        raise TrainError("unknown_target", f"There is no column “{target}”.", f"Known are {known}.", "target")
    wanted = list(dict.fromkeys(features)) or [n for n in schema.names if n not in {target, *apart}]
    for name in wanted:
        if name not in schema:
            raise TrainError("unknown_feature", f"There is no column “{name}”.", "Choose existing columns.", "features")
        if name == target:
            hint = "Take the target out of the features."
            raise TrainError("target_in_features", f"“{name}” is the target.", hint, "features")
    if not wanted:
        raise TrainError("no_features", "The table has no column besides the target.", "Add one.", "features")
    return wanted


def _named(steps: list[dict[str, Any]]) -> set[str]:
    """Columns that the recipe names although they are not features, for a row to be removed by."""
    try:
        return columns_named(steps)
    except RecipeError as error:
        raise _bad_recipe(error) from error


def _bad_recipe(error: RecipeError) -> TrainError:
    first = error.errors[0]
    return TrainError("bad_recipe", f"The recipe cannot be used: {first['message']}", "", first["field"])


def _varying(X: np.ndarray) -> np.ndarray:
    """Which columns differ between training rows; one that is missing here and there differs too."""
    import numpy as np

    gaps = np.isnan(X)
    first = X[0]
    same = (first == X) | (gaps & np.isnan(first))
    result: np.ndarray = ~same.all(axis=0)
    return result


def _ordered(X: np.ndarray, kept: np.ndarray) -> np.ndarray:
    import numpy as np

    return X if kept.all() else np.ascontiguousarray(X[:, kept])


def _refuse_gaps(rows: Mapping[str, Rows], columns: Sequence[str], kept: np.ndarray, needs: Needs) -> None:
    import numpy as np

    names = [column for column, keep in zip(columns, kept, strict=True) if keep]
    for table in rows.values():
        bad = np.isinf(table.X).any(axis=0)
        if needs.complete:
            bad |= np.isnan(table.X).any(axis=0)
        if bad.any():
            name = names[int(np.argmax(bad))]
            hint = "Fill or clip it in the recipe (missing values, outliers)."
            detail = f"After the recipe, “{name}” still holds missing or infinite values."
            raise TrainError("not_finite", detail, hint, "features")


def _unknown_target(target: str, rows: int, total: int) -> dict[str, Any]:
    return finding(
        "missing_target", "info", f"{rows:,} of {total:,} rows have no “{target}” and were left out.", [target],
        test="rows without a target", value=rows, threshold=0,
    )  # fmt: skip


def _empty_columns(names: list[str]) -> dict[str, Any]:
    listed = ", ".join(names[:10])
    return finding(
        "empty_column", "warning", f"Left out because no row has a value: {listed}.", names,
        test="share missing", value=1.0, threshold=1.0, fix="Take these columns out of the features.",
    )  # fmt: skip


def _constant_columns(names: list[str]) -> dict[str, Any]:
    listed = ", ".join(names[:10])
    return finding(
        "constant_column", "info", f"Left out because all training rows agree: {listed}.", names,
        test="distinct values", value=1, threshold=2, fix="Take these columns out of the features.",
    )  # fmt: skip


def finding(
    check: str,
    severity: str,
    message: str,
    columns: Sequence[str] = (),
    *,
    test: str,
    value: float,
    threshold: float,
    fix: str = "",
    action: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A named check that failed, as data. `action`, where there is one, is the fix that a button carries out."""
    what = {"check": check, "severity": severity, "message": message, "columns": list(columns)}
    return {**what, "test": test, "value": value, "threshold": threshold, "fix": fix, "action": action}


def leave_out(*columns: str) -> dict[str, Any]:
    """The action that takes columns out of the features."""
    return {"kind": "leave_out", "columns": list(columns)}


def add_step(step: str, *columns: str, **params: Any) -> dict[str, Any]:
    """The action that puts a step at the beginning of the recipe."""
    return {"kind": "add_step", "step": {"step": step, "columns": list(columns), "params": params, "enabled": True}}
