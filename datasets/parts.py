"""A stored table at hand: one Parquet file, or a folder of parts in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

BATCH = 1 << 16


def files(path: Path) -> list[Path]:
    """The table's Parquet files in the order of its rows."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def name(number: int) -> str:
    """What a part is called in its folder."""
    return f"{number:05}.parquet"


def scan(path: Path, *, row_index: str | None = None) -> pl.LazyFrame:
    """The table for polars, unread; `row_index` adds a column with the rows' numbers under that name."""
    import polars as pl

    return pl.scan_parquet(files(path), row_index_name=row_index, glob=False, hive_partitioning=False)


def read(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The table, or some of its columns, in memory."""
    import polars as pl

    return pl.read_parquet(files(path), columns=list(columns) if columns else None, glob=False, hive_partitioning=False)


def schema(path: Path) -> pa.Schema:
    """The columns as they are stored."""
    import pyarrow.parquet as pq

    return pq.read_schema(files(path)[0])


def row_count(path: Path) -> int:
    """How many rows the table has, by what its files say of themselves."""
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(file).num_rows for file in files(path))


def batches(path: Path, columns: Sequence[str] | None = None, rows: int = BATCH) -> Iterator[pa.RecordBatch]:
    """The rows in order, at most `rows` at a time: one row group is in memory."""
    import pyarrow.parquet as pq

    for each in files(path):
        with pq.ParquetFile(each) as file:
            yield from file.iter_batches(rows, columns=list(columns) if columns else None)
