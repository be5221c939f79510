"""Tables as files for other programs, safe for spreadsheets.

Read with the option `apostrophes: remove`, a downloaded file comes back identical.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from datasets import parts
from rest.spreadsheets import RISKY, csv_line, defused


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
