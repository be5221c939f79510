"""What one step did to the whole table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datasets.recipes.fitted import FittedStep
from datasets.steps._base import Changes
from datasets.steps._columns import col

if TYPE_CHECKING:
    import polars as pl

Numbers = dict[str, Any]
SHOWN_ADDED = 8  # made columns whose statistics are shown: a step may make hundreds


@dataclass
class Statistics:
    """Whole-table statistics of columns, kept until a step changes the column or the rows."""

    known: dict[str, Numbers] = field(default_factory=dict)

    def of(self, frame: pl.DataFrame, columns: Iterable[str]) -> dict[str, Numbers]:
        """Missing, and mean, sd, lowest and highest of numbers, of dates the range, of text the distinct values."""
        wanted = [name for name in columns if name in frame.columns]
        new = [name for name in wanted if name not in self.known]
        if new:
            self.known.update(_measure(frame, new))
        return {name: self.known[name] for name in wanted}

    def forget(self, columns: Iterable[str] | None = None) -> None:
        """Forget the columns, or everything."""
        for name in list(self.known) if columns is None else columns:
            self.known.pop(name, None)


def _measure(frame: pl.DataFrame, names: list[str]) -> dict[str, Numbers]:
    asked = [(name, what, expression) for name in names for what, expression in _questions(frame, name)]
    answers = frame.lazy().select(e.alias(str(i)) for i, (_, _, e) in enumerate(asked)).collect().row(0)
    measured: dict[str, Numbers] = {name: {} for name in names}
    for (name, what, _), answer in zip(asked, answers, strict=True):
        measured[name][what] = answer.isoformat() if hasattr(answer, "isoformat") else _finite(answer)
    return measured


def _questions(frame: pl.DataFrame, name: str) -> list[tuple[str, pl.Expr]]:
    column, dtype = col(name), frame.schema[name]
    asked = [("missing", column.null_count())]
    if dtype.is_numeric():
        asked += [("mean", column.mean()), ("sd", column.std()), ("minimum", column.min()), ("maximum", column.max())]
    elif dtype.is_temporal():
        asked += [("minimum", column.min()), ("maximum", column.max())]
    else:
        asked += [("distinct", column.drop_nulls().n_unique())]
    return asked


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and value - value != 0 else value


@dataclass(frozen=True)
class Effect:
    """Rows, cells and columns that a step changed, and the statistics of its columns before and after."""

    rows_before: int
    rows_after: int
    cells_changed: int
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns: list[dict[str, Any]]

    @classmethod
    def of(
        cls, fitted: FittedStep, changes: Changes, sides: tuple[pl.DataFrame, pl.DataFrame], statistics: Statistics
    ) -> Effect:
        """Compare the table on both sides of a step; `statistics` moves on with it."""
        before, after = sides
        names = list(fitted.use.types)
        added = tuple(made.name for made in changes.made if made.name not in fitted.use.taken)
        first = statistics.of(before, names)
        statistics.forget(None if after.height != before.height else [*names, *(made.name for made in changes.made)])
        shown = [*names, *added[:SHOWN_ADDED]]
        last = statistics.of(after, shown)
        return cls(
            before.height,
            after.height,
            0 if fitted.training_only else _cells_changed(before, after, names),
            added,
            tuple(name for name in changes.removed if name not in added),
            [{"name": name, "before": first.get(name), "after": last.get(name)} for name in shown],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "cells_changed": self.cells_changed,
            "columns_added": list(self.columns_added),
            "columns_removed": list(self.columns_removed),
            "columns": self.columns,
            "summary": self.summary,
        }

    @property
    def summary(self) -> str:
        """One line in words."""
        removed = self.rows_before - self.rows_after
        parts = [
            f"removes {removed:,} of {self.rows_before:,} rows" if removed > 0 else "",
            f"adds {-removed:,} rows" if removed < 0 else "",
            f"changes {self.cells_changed:,} cells" if self.cells_changed else "",
            f"adds {len(self.columns_added):,} columns" if self.columns_added else "",
            f"removes {len(self.columns_removed):,} columns" if self.columns_removed else "",
        ]
        return ", ".join(part for part in parts if part) or "changes nothing"


def _cells_changed(before: pl.DataFrame, after: pl.DataFrame, names: list[str]) -> int:
    return sum(_changed(before[name], after[name]) for name in names if name in after.columns)


def _changed(before: pl.Series, after: pl.Series) -> int:
    """Cells whose value differs; where the type is another kind, every present cell does."""
    if before.dtype == after.dtype or (before.dtype.is_numeric() and after.dtype.is_numeric()):
        return int(before.cast(after.dtype).ne_missing(after).sum())
    return len(before) - before.null_count()
