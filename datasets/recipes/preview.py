"""What a recipe does to a table, before anything is stored: the effect of each step, and the first rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.recipes.effects import Effect, Statistics
from datasets.recipes.errors import RecipeError
from datasets.recipes.fitted import entered, fitted_step
from datasets.recipes.layout import Layout
from datasets.recipes.plan import Plan, Planned, plan
from datasets.schema import Schema
from datasets.steps._around import NOTHING, Around
from datasets.steps._columns import col, cols

if TYPE_CHECKING:
    import polars as pl

MAX_CELLS = 50_000_000  # 400 MB: a preview is answered by the web process, within about a second
ROW = "\x00row"  # the row's place in the source; no file's column can have this name
Steps = list[dict[str, Any]]
Mistakes = dict[int, list[dict[str, str]]]  # by step


def preview(
    steps: Steps,
    parquet: Path,
    schema: Schema,
    limit: int = 50,
    *,
    target: str | None = None,
    focus: int | None = None,
    around: Around = NOTHING,
) -> dict[str, Any]:
    """Run the steps over the whole table and report.

    Returns `steps`, one report for each given step (`rows_before`, `rows_after`, `cells_changed`, `columns_added`,
    `columns_removed`, `columns` with statistics before and after, `summary`, and `error` with its `errors` where the
    step cannot work); `before` and `after`, the first `limit` rows around the step `focus`, or around the whole recipe
    without it, where a removed row is null in `after`; and the columns on both sides. Everything is measured on
    `rows_measured` of the table's `rows`: on all of them up to MAX_CELLS cells in the touched columns. A mistake in one
    step leaves the reports of the steps before it. Raises RecipeError when `steps` is not a list of steps at all.
    """
    planned, mistakes = _plan_as_far_as_possible(steps, schema, target, around)
    rows = parts.row_count(parquet)
    walk = _Walk(_load(parquet, schema, planned, rows), Layout.of(schema), limit, focus)
    reports: dict[int, dict[str, Any]] = {}
    for item in planned.steps:
        try:
            reports[item.index] = walk.take(item).to_json() if _learns_now(item) else walk.skip(item)
        except _refusals() as error:
            mistakes[item.index] = _errors(error, item.field)
            break
    return {
        "steps": [_report(i, entry, reports.get(i), mistakes) for i, entry in enumerate(steps)],
        "rows": rows,
        "rows_measured": walk.rows_measured,
        "rows_after": walk.frame.height,
        **_first_rows(parquet, schema, walk),
    }


@dataclass(frozen=True)
class _Side:
    """The first rows, and the columns, before or after."""

    layout: Layout
    rows: pl.DataFrame


class _Walk:
    """The table on its way through the steps: only the columns that some step touches are held."""

    def __init__(self, frame: pl.DataFrame, layout: Layout, limit: int, focus: int | None) -> None:
        self.frame, self.layout, self.limit, self.focus = frame, layout, limit, focus
        self.rows_measured = frame.height
        self.statistics = Statistics()
        self.before = self.after = self._side()

    def take(self, item: Planned) -> Effect:
        """Fit and apply one step; nothing changes when it fails."""
        fitted = fitted_step(item, self.layout, self.frame.lazy())
        changes = item.step.changes(fitted.use, fitted.learned)
        layout = self.layout.after(changes, item.field)
        after = fitted.train(self.frame.lazy()).collect()
        effect = Effect.of(fitted, changes, (self.frame, after), self.statistics)
        self._move(item.index, after, layout)
        return effect

    def skip(self, item: Planned) -> dict[str, Any]:
        """Leave the step to the training, which knows the column to predict."""
        self._move(item.index, self.frame, self.layout)
        return {"summary": "learned in training, from the column to predict", "in_training": True}

    def _move(self, index: int, frame: pl.DataFrame, layout: Layout) -> None:
        """Go on with the table after a step; in focus is one step, or everything."""
        if index == self.focus:
            self.before = self._side()
        self.frame, self.layout = frame, layout
        if self.focus is None or index == self.focus:
            self.after = self._side()
        elif index < self.focus:
            self.before = self.after = self._side()

    def _side(self) -> _Side:
        first = self.frame.head(self.limit).filter(col(ROW) < self.limit)
        return _Side(self.layout, first.unique(ROW, keep="first", maintain_order=True))


def _plan_as_far_as_possible(steps: Steps, schema: Schema, target: str | None, around: Around) -> tuple[Plan, Mistakes]:
    """The plan of the steps before the first mistake, and the mistakes by step."""
    try:
        return plan(steps, schema, target, around), {}
    except RecipeError as error:
        mistakes: Mistakes = {}
        for each in error.errors:
            head, bracket, _ = each["field"].removeprefix("steps[").partition("]")
            if not bracket:
                raise
            mistakes.setdefault(int(head), []).append(each)
        return plan(steps[: min(mistakes)], schema, target, around), mistakes


def _learns_now(item: Planned) -> bool:
    return item.use.target is not None or not item.step.needs_target(item.use.params)


def _target(item: Planned) -> list[str]:
    return [item.use.target] if item.use.target and item.step.needs_target(item.use.params) else []


def _load(parquet: Path, schema: Schema, planned: Plan, rows: int) -> pl.DataFrame:
    """The columns that the steps touch, and each row's place."""
    import polars as pl

    touched = {name for item in planned.steps for name in [*item.use.types, *_target(item)]}
    everything = any(item.everything for item in planned.steps)
    names = [name for name in schema.names if everything or name in touched]
    places = pl.DataFrame({ROW: pl.int_range(rows, dtype=pl.UInt32, eager=True)})
    if not names:
        return places
    weight = max([1, *(item.step.weight for item in planned.steps)])
    measured = min(rows, MAX_CELLS // (len(names) * weight))
    lazy = entered(parts.scan(parquet).head(measured), schema)
    return lazy.select(cols(names)).collect().rechunk().insert_column(0, places[ROW].head(measured))


def _refusals() -> tuple[type[Exception], ...]:
    """What a step may raise on data that nobody foresaw: shown beside the step, never a broken page."""
    import polars as pl

    return (RecipeError, pl.exceptions.PolarsError, OverflowError)


def _errors(error: Exception, where: str) -> list[dict[str, str]]:
    if isinstance(error, RecipeError):
        return error.errors
    return [{"field": where, "message": f"this step cannot work on these values: {str(error).splitlines()[0][:200]}"}]


def _report(index: int, entry: Any, report: dict[str, Any] | None, mistakes: Mistakes) -> dict[str, Any]:
    """One step's report: what it did, its mistakes, or why it did nothing."""
    shown = entry if isinstance(entry, Mapping) else {}
    about = {"index": index, "step": shown.get("step"), "enabled": shown.get("enabled", True) is not False}
    if report is not None:
        return {**about, **report}
    if errors := mistakes.get(index):
        return {**about, "error": "; ".join(error["message"] for error in errors), "errors": errors}
    if about["enabled"]:
        return {**about, "error": f"waits until step {min(mistakes) + 1} is mended", "errors": []}
    return {**about, "summary": "switched off"}


def _first_rows(parquet: Path, schema: Schema, walk: _Walk) -> dict[str, Any]:
    """The rows on both sides, in step: a row that is gone already before the focus is on neither."""

    source = entered(parts.scan(parquet).head(walk.limit), schema).collect().to_dicts()
    before, after = (_by_place(side, source) for side in (walk.before, walk.after))
    return {
        "columns": walk.before.layout.schema().to_json(),
        "columns_after": walk.after.layout.schema().to_json(),
        "before": list(before.values()),
        "after": [after.get(place) for place in before],
    }


def _by_place(side: _Side, source: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Rows by their place in the source; columns that no step touched are taken from the source."""
    rows = {}
    for touched in side.rows.iter_rows(named=True):
        place = touched[ROW]
        rows[place] = _plain({name: {**source[place], **touched}[name] for name in side.layout.types})
    return rows


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as JSON: dates as ISO text; a number that JSON cannot write as its name."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, float) and value - value != 0 else value
