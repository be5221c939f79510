"""The target: which task it asks for, which classes it has, and why it cannot be learned, if it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine.errors import TrainError
from training.engine.family import BINARY, MULTICLASS, REGRESSION, TASKS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MIN_ROWS = 10
FEW_VALUES = 10  # a whole-number column with at most so many values is taken for a category
MAX_CLASSES = 1000
NUMERIC = ("integer", "number")


@dataclass(frozen=True)
class Target:
    """What is predicted. `classes` are the values in order (empty for regression); a class's code is its place."""

    name: str
    type: str
    task: str
    classes: tuple[Any, ...] = ()

    def numbers(self, column: pl.Series) -> np.ndarray:
        """Shape: (rows,) float64 values, or int64 class codes."""
        import polars as pl

        if self.task == REGRESSION:
            return column.cast(pl.Float64).to_numpy(writable=True)
        codes = column.replace_strict(list(self.classes), list(range(len(self.classes))), return_dtype=pl.Int64)
        return codes.to_numpy(writable=True)


def infer_task(type_: str, distinct: int) -> str:
    """Text, truth values and whole numbers with few values are classes; other numbers are regression."""
    if type_ in {"text", "boolean"} or (type_ == "integer" and distinct <= FEW_VALUES):
        return BINARY if distinct <= 2 else MULTICLASS
    return REGRESSION


def understand(column: pl.Series, type_: str, wanted: str | None) -> Target:
    """Return the target of the rows where it is known. Raises TrainError for one that nothing can be learned from."""
    name = column.name
    if wanted is not None and wanted not in TASKS:
        raise _refuse("unknown_task", f"There is no task {wanted!r}.", f"Known are {', '.join(TASKS)}.")
    if len(column) == 0:
        raise _refuse("target_missing", f"“{name}” has no value in any row.", "Choose a target that is filled in.")
    if len(column) < MIN_ROWS:
        hint = f"Training needs at least {MIN_ROWS} rows with a known target."
        raise _refuse("too_few_rows", f"“{name}” is known in {len(column)} rows only.", hint)
    distinct = column.n_unique()
    if distinct == 1:
        hint = "Choose a target that differs between rows."
        kind = "one_class" if type_ in {"text", "boolean"} else "target_constant"
        raise _refuse(kind, f"“{name}” has the same value in all {len(column):,} rows.", hint)
    task = wanted or infer_task(type_, distinct)
    if task == REGRESSION:
        _refuse_unmeasured(column, type_)
        return Target(name, type_, task)
    return _classes(column, type_, task, distinct)


def _refuse_unmeasured(column: pl.Series, type_: str) -> None:
    if type_ not in NUMERIC:
        hint = "Choose classification, or a target that holds numbers."
        raise _refuse("target_not_numeric", f"“{column.name}” holds {type_}; regression needs numbers.", hint)
    if not column.cast(float).is_finite().all():
        hint = "Remove those rows in the recipe, or mend the source."
        raise _refuse("target_not_finite", f"“{column.name}” holds infinite values.", hint)


def _classes(column: pl.Series, type_: str, task: str, distinct: int) -> Target:
    if type_ in {"date", "datetime"}:
        hint = "Turn it into a number or a category in the recipe."
        raise _refuse("target_is_date", f"“{column.name}” holds dates.", hint)
    if distinct > min(MAX_CLASSES, len(column) // 2):
        hint = "A class needs several rows; choose a target with fewer values, or regression if it holds numbers."
        detail = f"“{column.name}” has {distinct:,} classes in {len(column):,} rows."
        raise _refuse("too_many_classes", detail, hint)
    if task == BINARY and distinct != 2:
        hint = "Choose multiclass."
        raise _refuse("not_binary", f"“{column.name}” has {distinct} classes; a binary task has two.", hint)
    classes = column.unique().sort().to_list()
    return Target(column.name, type_, BINARY if distinct == 2 else MULTICLASS, tuple(classes))


def _refuse(code: str, detail: str, hint: str) -> TrainError:
    return TrainError(code, detail, hint, "target")
