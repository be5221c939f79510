"""The columns of a stored table, a part at a time, so that memory stays bounded however long or wide the table is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datasets import parts

if TYPE_CHECKING:
    import polars as pl

Chunks = Callable[[], "Iterable[pl.Series]"]

CELLS = 4_000_000  # of whole rows that pass by at a time
SLICE = 1_000_000  # cells of columns that are read together; a longer table is read column by column, in parts
CHUNK = 131_072  # rows: what is worked on stays near the processor


def batches(parquet: Path, names: Sequence[str], rows: int = CHUNK) -> Iterator[pl.DataFrame]:
    """Yield the named columns, at most `rows` rows at a time."""
    import polars as pl
    import pyarrow as pa

    for batch in parts.batches(parquet, names, rows):
        yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))


def slices(parquet: Path, names: Sequence[str], rows: int) -> Iterator[list[tuple[str, Chunks]]]:
    """Yield columns with what reads their values: narrow slices of a long table, wide ones of a short table."""
    width = max(1, min(SLICE // max(rows, 1), 1000))
    if width == 1:
        yield [(name, _of_one(parquet, name)) for name in names]
        return
    for start in range(0, len(names), width):
        yield _together(parquet, names[start : start + width], rows)


def _of_one(parquet: Path, name: str) -> Chunks:
    return lambda: (frame.to_series() for frame in batches(parquet, [name]))


def _together(parquet: Path, names: Sequence[str], rows: int) -> list[tuple[str, Chunks]]:
    import polars as pl

    frames = list(batches(parquet, names, max(rows, 1)))
    frame = pl.concat(frames, rechunk=True) if frames else None
    return [(name, _known(None if frame is None else frame[name])) for name in names]


def _known(series: pl.Series | None) -> Chunks:
    return lambda: () if series is None else (series,)
