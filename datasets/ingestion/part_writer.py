"""Writing a table in parts whose bytes follow from their rows alone, however the rows arrive."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.parts import Manifest, Part

if TYPE_CHECKING:
    import pyarrow as pa

PART_ROWS = 1 << 19
GROUP_ROWS = 1 << 16
GROUP_BYTES = 64 << 20  # of text; a group of longer ones has fewer rows
_PART_CELLS, _GROUP_CELLS = 1 << 25, 1 << 22  # wide tables have fewer rows in both
_LEAST_ROWS = 1 << 10
_SAMPLES = (1 << 11, 1 << 15)  # rows that say whether a column's values repeat: few, and more where these leave it open
_REPEATING = 0.2  # distinct values a row, below which a dictionary is worth it


class PartWriter:
    """Cuts a stream of rows into parts, and these into row groups; at most one group waits in memory."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema = folder, schema
        self.part_rows = _bounded(PART_ROWS, _PART_CELLS, len(schema))
        self.group_rows = min(self.part_rows, _bounded(GROUP_ROWS, _GROUP_CELLS, len(schema)))
        self.written = 0  # parts begun
        self._left = 0  # rows that the open part still takes
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._file: Any = None
        self._pool = ThreadPoolExecutor(1)
        self._hashed: parts.Hashed  # of the open part; what is written is hashed while the next group is made
        self._parts: list[Future[Part]] = []
        folder.mkdir(exist_ok=True)

    def append(self, table: pa.Table) -> None:
        """Take more rows, and write the groups that they complete."""
        self._waiting.append(table)
        self._rows += table.num_rows
        while self._rows and (rows := self._full_group()):
            self._write(rows)

    def close(self) -> Manifest:
        """Write what waits, and name the parts; a table without rows has one part, for its schema."""
        if self._rows or not self.written:
            self._write(self._rows)
        self._finish()
        self._pool.shutdown()
        return Manifest(tuple(part.result() for part in self._parts))

    def _full_group(self) -> int:
        """How many of the waiting rows are a whole group; 0 while more could join."""
        whole = min(self.group_rows, self._left or self.part_rows)
        rows = min(self._rows, whole)
        if _text_bytes(self._waiting) > GROUP_BYTES:
            import pyarrow as pa

            rows = _fitting(pa.concat_tables(self._waiting).slice(0, rows))
            return rows if rows < self._rows or rows == whole else 0
        return rows if rows == whole else 0

    def _write(self, rows: int) -> None:
        import pyarrow as pa

        waiting = pa.concat_tables([self.schema.empty_table(), *self._waiting])
        group, rest = waiting.slice(0, rows), waiting.slice(rows)
        self._waiting, self._rows = [rest] if rest.num_rows else [], rest.num_rows
        if not self._file:
            self._begin(group)
        self._file.write_table(group, row_group_size=max(1, rows))
        self._pool.submit(self._hashed.catch_up)
        self._left -= rows
        if not self._left:
            self._finish()

    def _begin(self, group: pa.Table) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = dict(zip(self.schema.names, self.schema.types, strict=True))
        # A dictionary of values that seldom repeat costs time and makes the file larger.
        repeating = {name for name, column in zip(kinds, group.columns, strict=True) if _repeats(column)}
        self._file = pq.ParquetWriter(
            self.folder / parts.name(self.written), self.schema, compression="zstd", use_dictionary=list(repeating) or False,
            column_encoding={name: way for name, kind in kinds.items() if name not in repeating and (way := _encoding(kind))},
            # The least and the greatest of texts are never asked for.
            write_statistics=[name for name, kind in kinds.items() if not pa.types.is_string(kind)] or False,
        )  # fmt: skip
        self._hashed = parts.Hashed(self.folder / parts.name(self.written))
        self.written += 1
        self._left = self.part_rows

    def _finish(self) -> None:
        if self._file:
            self._file.close()
            self._parts.append(self._pool.submit(self._hashed.finish))
        self._file, self._left = None, 0


def _bounded(rows: int, cells: int, columns: int) -> int:
    while rows > _LEAST_ROWS and rows * columns > cells:
        rows //= 2
    return rows


def _encoding(kind: pa.DataType) -> str:
    """How values that seldom repeat are written: whole ones by their differences, doubles byte by byte."""
    import pyarrow as pa

    if pa.types.is_floating(kind):
        return "BYTE_STREAM_SPLIT"
    if pa.types.is_string(kind):
        return "DELTA_LENGTH_BYTE_ARRAY"
    return "DELTA_BINARY_PACKED" if pa.types.is_integer(kind) or pa.types.is_temporal(kind) else ""


def _repeats(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        return False
    few, many = _SAMPLES
    share = _distinct(column.slice(0, few))
    open_ = _REPEATING / 4 <= share <= 0.98
    return (_distinct(column.slice(0, many)) if open_ else share) < _REPEATING


def _distinct(sample: pa.ChunkedArray) -> float:
    """Distinct values a row, without the missing one."""
    import pyarrow.compute as pc

    found = len(pc.unique(sample)) - bool(sample.null_count)  # count_distinct takes ten times as long when it is new
    return found / max(1, len(sample))


def _text_bytes(tables: Sequence[pa.Table]) -> int:
    import pyarrow as pa

    return sum(column.nbytes for table in tables for column in table.columns if pa.types.is_string(column.type))


def _fitting(table: pa.Table) -> int:
    """The least number of rows whose texts reach the bound of a group, or all of them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    lengths = sum(pc.fill_null(pc.binary_length(column), 0).to_numpy().astype(np.int64) for column in texts)
    return int(min(np.searchsorted(np.cumsum(lengths), GROUP_BYTES) + 1, table.num_rows))
