"""Tables at rest: a folder of Parquet parts in the order of the rows, or, for older ones, a single Parquet file.

A part's bytes follow from its rows and the schema alone, and every part but the last has the same number of rows. So
versions that begin alike share their parts, which are stored once by their hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

BATCH = 1 << 16
_CHUNK = 1 << 18  # bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a table: the hash of its file, its rows, its bytes."""

    sha256: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of a table in order."""

    parts: tuple[Part, ...]

    @property
    def sha256(self) -> str:
        """The hash that names the table: of its parts' hashes, one after another."""
        return hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in self.parts)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {"format": 1, "parts": [asdict(part) for part in self.parts]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Manifest:
        return cls(tuple(Part(**part) for part in value["parts"]))


def name(number: int) -> str:
    """What a part is called in its folder."""
    return f"{number:05}.parquet"


def files(path: Path) -> list[Path]:
    """The table's Parquet files in the order of its rows."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


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
            # One reader over all row groups would keep what it read of each until its end.
            for group in range(file.num_row_groups):
                yield from file.iter_batches(rows, row_groups=[group], columns=list(columns) if columns else None)


class Hashed:
    """The hash of a part that is still being written, and grows at its end only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        self._sha256 = hashlib.sha256()
        self._buffer = memoryview(bytearray(_CHUNK))

    def catch_up(self) -> None:
        """Take in what was written since."""
        while size := self._file.readinto(self._buffer):
            self._sha256.update(self._buffer[:size])

    def finish(self) -> Part:
        """The part, of which everything is written."""
        import pyarrow.parquet as pq

        with self._file:
            self.catch_up()
        return Part(self._sha256.hexdigest(), pq.read_metadata(self.path).num_rows, self.path.stat().st_size)
