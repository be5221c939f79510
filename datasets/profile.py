"""What a whole table holds, column by column. Counts are of every row, never of a sample, and equal pandas' exactly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.personal_data import suspicions
from datasets.profiling.associations import Associations
from datasets.profiling.dates import dates, datetimes
from datasets.profiling.duplicates import Duplicates
from datasets.profiling.grid import Grid
from datasets.profiling.numbers import numbers
from datasets.profiling.ordered import QUANTILES
from datasets.profiling.source import CELLS, CHUNK, Chunks, batches, slices
from datasets.profiling.texts import booleans, texts
from datasets.profiling.together import MissingTogether
from datasets.schema import Column, Schema

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FORMAT", "QUANTILES", "profile"]

FORMAT = 2  # of the profile: raised when a key changes its meaning
_ID_ROWS = 20  # below this, all values being different says nothing
_ROWS_AT_ONCE = 12_000_000  # up to so many rows, two columns are in memory at a time, else one
_FIGURES: dict[str, Callable[[Chunks, int], tuple[Any, ...]]] = {
    "integer": numbers,
    "number": numbers,
    "boolean": booleans,
    "date": dates,
    "datetime": datetimes,
    "text": texts,
}


def profile(parquet: Path, schema: Schema) -> dict[str, Any]:
    """Return the figures of a stored table as plain JSON; docs/quality.md describes every key.

    Depends on the table and its schema alone. Memory is bounded by two columns, whatever the number of columns.
    """
    rows = parts.row_count(parquet)
    by_column: dict[str, dict[str, Any]] = {}
    grids: dict[str, Grid] = {}
    columns = {column.name: column for column in schema}
    with ThreadPoolExecutor(_threads(rows)) as pool:
        for part in slices(parquet, schema.names, rows):
            work = [pool.submit(_column, columns[name], chunks, rows) for name, chunks in part]
            for (name, _), done in zip(part, work, strict=True):
                by_column[name], grid = done.result()
                grids |= {name: grid} if grid else {}
    return {"format": FORMAT, "rows": rows, "columns": len(schema), **_across(parquet, schema, by_column, grids),
            "by_column": by_column}  # fmt: skip


def _column(column: Column, chunks: Chunks, rows: int) -> tuple[dict[str, Any], Grid | None]:
    figures, grid, sample = _FIGURES[column.type](chunks, rows)
    distinct, present = figures["distinct"], rows - figures["missing"]
    unique = present >= _ID_ROWS and distinct == present and column.type in ("integer", "text")
    whole = {
        "type": column.type, "missing": figures["missing"], "missing_share": figures["missing"] / rows if rows else 0.0,
        "present": present, "distinct_exact": True, **figures, "constant": distinct <= 1, "id_like": unique,
    }  # fmt: skip
    return {**whole, "personal": suspicions(column.name, whole, sample)}, grid


def _across(
    parquet: Path, schema: Schema, by_column: dict[str, dict[str, Any]], grids: dict[str, Grid]
) -> dict[str, Any]:
    """What shows only in whole rows: copies, associations, values that are missing together. One pass for all."""
    rows = parts.row_count(parquet)
    # Where one column differs in every row, no row is a copy.
    copies = None if any(_unique(each, rows) for each in by_column.values()) else Duplicates(rows)
    associations = Associations(by_column, grids)
    together = MissingTogether([name for name, each in by_column.items() if each["missing"]])
    needed = schema.names if copies else list(dict.fromkeys([*associations.names, *together.names]))

    def frames() -> Iterator[pl.DataFrame]:
        return batches(parquet, needed, max(1, min(CHUNK, CELLS // len(needed))))

    for frame in frames() if needed else ():
        if copies:
            copies.add(frame)
        associations.add(frame)
        together.add(frame)
    return {
        "duplicate_rows": copies.count(frames) if copies else 0,
        "missing_together": together.figures(),
        "associations": associations.figures(),
    }


def _unique(figures: dict[str, Any], rows: int) -> bool:
    return bool(figures["distinct_exact"] and figures["distinct"] == rows)


def _threads(rows: int) -> int:
    """How many columns at a time: what polars' own threads leave of the cores, at most two."""
    import polars as pl

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(2, cores // pl.thread_pool_size())) if rows <= _ROWS_AT_ONCE else 1
