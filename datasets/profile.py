"""What a whole table holds, column by column. Counts are of every row, never of a sample, and equal pandas' exactly."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from datasets import parts
from datasets.personal_data import suspicions
from datasets.profiling.dates import dates, datetimes
from datasets.profiling.duplicates import duplicate_rows
from datasets.profiling.numbers import numbers
from datasets.profiling.ordered import QUANTILES
from datasets.profiling.source import Chunks, slices
from datasets.profiling.texts import booleans, texts
from datasets.schema import Column, Schema

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
    with ThreadPoolExecutor(_threads(rows)) as pool:
        for part in slices(parquet, schema.names, rows):
            work = [pool.submit(_column, schema[name], chunks, rows) for name, chunks in part]
            by_column |= {name: done.result() for (name, _), done in zip(part, work, strict=True)}
    return {
        "format": FORMAT,
        "rows": rows,
        "columns": len(schema),
        "duplicate_rows": _duplicates(parquet, schema, by_column, rows),
        "by_column": by_column,
    }


def _column(column: Column, chunks: Chunks, rows: int) -> dict[str, Any]:
    figures, _grid, sample = _FIGURES[column.type](chunks, rows)
    distinct, present = figures["distinct"], rows - figures["missing"]
    unique = present >= _ID_ROWS and distinct == present and column.type in ("integer", "text")
    whole = {
        "type": column.type, "missing": figures["missing"], "missing_share": figures["missing"] / rows if rows else 0.0,
        "present": present, "distinct_exact": True, **figures, "constant": distinct <= 1, "id_like": unique,
    }  # fmt: skip
    return {**whole, "personal": suspicions(column.name, whole, sample)}


def _duplicates(parquet: Path, schema: Schema, by_column: dict[str, dict[str, Any]], rows: int) -> int:
    """How many rows repeat an earlier one: none, where one column differs in every row."""
    if any(each["distinct_exact"] and each["distinct"] == rows for each in by_column.values()):
        return 0
    return duplicate_rows(parquet, schema.names)


def _threads(rows: int) -> int:
    """How many columns at a time: what polars' own threads leave of the cores, at most two."""
    import polars as pl

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(2, cores // pl.thread_pool_size())) if rows <= _ROWS_AT_ONCE else 1
