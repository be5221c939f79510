"""Tables as files for other programs. A spreadsheet must not take a cell for a formula.

A text cell that a spreadsheet would run (= + - @, tab or return first) gets an apostrophe before it, and so does one
that begins with such an apostrophe already; read with the option `apostrophes: remove`, the file comes back identical.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

RISKY = r"^'*[=+\-@\t\r]"


def defused(text: str) -> str:
    """Return text that a spreadsheet shows instead of running."""
    bare = text.lstrip("'")
    return f"'{text}" if bare and bare[0] in "=+-@\t\r" else text


def undefused(text: str) -> str:
    """Return what `defused` was given."""
    return text[1:] if text.startswith("'") and defused(text) != text else text


def csv_parts(parquet: Path) -> Iterator[bytes]:
    """Yield the table as UTF-8 CSV, one row group at a time."""
    import polars as pl
    import pyarrow.parquet as pq

    with pq.ParquetFile(parquet) as file:
        yield _line(defused(name) for name in file.schema_arrow.names)
        for group in range(file.num_row_groups):
            frame = pl.DataFrame(pl.from_arrow(file.read_row_group(group)))
            texts = [pl.col(name) for name, kind in frame.schema.items() if kind == pl.String]
            risky = [pl.when(text.str.contains(RISKY)).then(pl.lit("'") + text).otherwise(text) for text in texts]
            safe = frame.with_columns(
                each.alias(text.meta.output_name()) for each, text in zip(risky, texts, strict=True)
            )
            yield safe.write_csv(include_header=False).encode()


def rejects_parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a stored list of rejected lines with its texts defused."""
    text = io.TextIOWrapper(cast(IO[bytes], _Joined(chunks)), encoding="utf-8", newline="")
    for line in csv.reader(text):
        yield _line(defused(cell) for cell in line)


def _line(cells: Iterable[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


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
