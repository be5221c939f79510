"""What a recipe does to a table, before anything is stored: the effect of each step, and the first rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.recipes.effects import Effect, Statistics
from datasets.recipes.errors import RecipeError
from datasets.recipes.fitted import FittedStep, entered, learn
from datasets.recipes.layout import Layout
from datasets.recipes.plan import Plan, Planned, plan, relocated
from datasets.schema import Schema
from datasets.steps._columns import col, cols

if TYPE_CHECKING:
    import polars as pl

ROW = "\x00row"  # the row's place in the source; no file's column can have this name
Steps = list[dict[str, Any]]
Mistakes = dict[int, list[dict[str, str]]]  # by step


def preview(
    steps: Steps, parquet: Path, schema: Schema, limit: int = 50, *, target: str | None = None
) -> dict[str, Any]:
    """Run the steps over the whole table and report.

    Returns `steps`, one report for each given step (`rows_before`, `rows_after`, `cells_changed`, `columns_added`,
    `columns_removed`, `columns` with whole-table statistics before and after, `summary`, and `error` with its `errors`
    where the step cannot work); `before` and `after`, the first `limit` rows, where a removed row is null in `after`;
    and `columns` and `columns_after`. A mistake in one step leaves the reports of the steps before it. Raises
    RecipeError when `steps` is not a list of steps at all.
    """
    planned, mistakes = _plan_as_far_as_possible(steps, schema, target)
    walk = _Walk(_load(parquet, schema, planned), Layout.of(schema), Statistics())
    reports: dict[int, dict[str, Any]] = {}
    for item in planned.steps:
        try:
            reports[item.index] = walk.take(item).to_json()
        except _REFUSALS() as error:
            mistakes[item.index] = _errors(error, item.field)
            break
    return {
        "steps": [_report(i, entry, reports.get(i), mistakes) for i, entry in enumerate(steps)],
        "rows": walk.rows_at_first,
        "rows_after": walk.frame.height,
        "columns": schema.to_json(),
        "columns_after": walk.layout.schema().to_json(),
        **_first_rows(parquet, schema, walk, limit),
    }


@dataclass
class _Walk:
    """The table on its way through the steps: only the columns that some step touches are held."""

    frame: pl.DataFrame
    layout: Layout
    statistics: Statistics
    rows_at_first: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows_at_first = self.frame.height

    def take(self, item: Planned) -> Effect:
        """Fit and apply one step; nothing changes when it fails."""
        use = relocated(item, self.layout)
        fitted = FittedStep(item.step, use, learn(item.step, use, self.frame.lazy()))
        changes = item.step.changes(use, fitted.learned)
        layout = self.layout.after(changes, item.field)
        after = fitted.bulk(self.frame.lazy()).collect()
        effect = Effect.of(fitted, changes, (self.frame, after), self.statistics)
        self.frame, self.layout = after, layout
        return effect


def _plan_as_far_as_possible(steps: Steps, schema: Schema, target: str | None) -> tuple[Plan, Mistakes]:
    """The plan of the steps before the first mistake, and the mistakes by step."""
    try:
        return plan(steps, schema, target), {}
    except RecipeError as error:
        mistakes: Mistakes = {}
        for each in error.errors:
            head, bracket, _ = each["field"].removeprefix("steps[").partition("]")
            if not bracket:
                raise
            mistakes.setdefault(int(head), []).append(each)
        return plan(steps[: min(mistakes)], schema, target), mistakes


def _load(parquet: Path, schema: Schema, planned: Plan) -> pl.DataFrame:
    """The columns that the steps touch, and each row's place."""
    import polars as pl

    touched = {name for item in planned.steps for name in item.use.columns}
    everything = any(item.everything for item in planned.steps)
    names = [name for name in schema.names if everything or name in touched]
    if not names:
        return _places(parquet)
    return entered(pl.scan_parquet(parquet), schema).select(cols(names)).with_row_index(ROW).collect()


def _places(parquet: Path) -> pl.DataFrame:
    import polars as pl

    rows = pl.scan_parquet(parquet).select(pl.len()).collect().item()
    return pl.DataFrame({ROW: range(rows)}, schema={ROW: pl.UInt32})


def _REFUSALS() -> tuple[type[Exception], ...]:  # noqa: N802 a constant, but for the import
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


def _first_rows(parquet: Path, schema: Schema, walk: _Walk, limit: int) -> dict[str, Any]:
    import polars as pl

    before = entered(pl.scan_parquet(parquet).head(limit), schema).collect()
    touched = {row.pop(ROW): row for row in walk.frame.head(limit).filter(col(ROW) < limit).iter_rows(named=True)}
    rows = [_plain(row) for row in before.iter_rows(named=True)]
    after = [_after(row, touched.get(place), walk.layout.types) for place, row in enumerate(rows)]
    return {"before": rows, "after": after}


def _after(before: dict[str, Any], touched: dict[str, Any] | None, names: Iterable[str]) -> dict[str, Any] | None:
    """The row as it leaves the recipe, None when it was removed; columns that no step touched are as before."""
    if touched is None:
        return None
    row = {**before, **_plain(touched)}
    return {name: row[name] for name in names}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as JSON: dates as ISO text; a number that JSON cannot write as its name."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, float) and value - value != 0 else value
