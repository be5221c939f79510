"""Tables as files for other programs, safe for spreadsheets.

Read with the option `apostrophes: remove`, a downloaded file comes back identical.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from datasets import parts
from rest.spreadsheets import RISKY, csv_line, defused

_CHUNK = 1 << 20


def csv_parts(parquet: Path) -> Iterator[bytes]:
    """Yield the table as UTF-8 CSV, some rows at a time."""
    import polars as pl

    yield csv_line(defused(name) for name in parts.schema(parquet).names)
    for batch in parts.batches(parquet):
        frame = pl.DataFrame(pl.from_arrow(batch))
        texts = [pl.col(name) for name, kind in frame.schema.items() if kind == pl.String]
        risky = [pl.when(text.str.contains(RISKY)).then(pl.lit("'") + text).otherwise(text) for text in texts]
        safe = frame.with_columns(each.alias(text.meta.output_name()) for each, text in zip(risky, texts, strict=True))
        yield safe.write_csv(include_header=False).encode()


def parquet_parts(path: Path) -> Iterator[bytes]:
    """Yield the table as one Parquet file; a table of one part is that part."""
    files = parts.files(path)
    if len(files) > 1:
        yield from _merged(path)
        return
    with files[0].open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _merged(path: Path) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    sink = _Sink()
    with pq.ParquetWriter(sink, parts.schema(path), compression="zstd") as writer:
        for batch in parts.batches(path):
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file that is handed on while it is written."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        self._at += len(self._chunks[-1])
        return len(self._chunks[-1])

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._chunks = b"".join(self._chunks), []
        return taken


def rejects_parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a stored list of rejected lines with its texts defused."""
    text = io.TextIOWrapper(cast(IO[bytes], _Joined(chunks)), encoding="utf-8", newline="")
    for line in csv.reader(text):
        yield csv_line(defused(cell) for cell in line)


class _Joined(io.RawIOBase):
    """Chunks as one readable stream."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
