"""Apache Arrow: files and streams of record batches, and Feather, which is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.errors import UnreadableFile
from datasets.formats import _columnar
from datasets.formats._base import Format, TextTable

_FILE, _STREAM, _FEATHER_1 = b"ARROW1\0\0", b"\xff\xff\xff\xff", b"FEA1"
_WHAT = "The Arrow file"


def recognise(head: bytes) -> bool:
    stream = head.startswith(_STREAM) and head[6:8] == b"\0\0"  # then comes the length of the schema
    return stream or head.startswith((_FILE, _FEATHER_1))


def open_arrow(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open an Arrow file or stream; see formats._base.Format.open."""
    with source.open("rb") as file:
        head = file.read(8)
    if head.startswith(_FEATHER_1):
        raise UnreadableFile(
            "old_version", "This is a Feather file of version 1, which is not read any more.",
            "Write it again as Feather version 2, Parquet or CSV.",
        )  # fmt: skip
    whole, size = head == _FILE, source.stat().st_size
    with _columnar.readable(_WHAT):
        reader = _opened(source, whole)
        schema = reader.schema

        def batches(columns: list[int] | None) -> Iterator[Any]:
            rows = 0
            with _columnar.readable(_WHAT):
                for batch in _each(_opened(source, whole), whole):
                    rows += batch.num_rows
                    _columnar.refuse_endless(rows, len(schema), size)
                    batch.validate(full=True)
                    yield batch if columns is None else batch.select(columns)

        return _columnar.open_batches(schema, batches, count=reader.num_record_batches if whole else None)


def _opened(source: Path, whole: bool) -> Any:
    import pyarrow as pa

    mapped = pa.memory_map(str(source))
    return pa.ipc.open_file(mapped) if whole else pa.ipc.open_stream(mapped)


def _each(reader: Any, whole: bool) -> Iterator[Any]:
    if not whole:
        return iter(reader)
    return (reader.get_batch(i) for i in range(reader.num_record_batches))


FORMAT = Format(
    name="arrow",
    label="Arrow and Feather",
    suffixes=(".arrow", ".arrows", ".feather", ".ipc"),
    params=(),
    recognise=recognise,
    open=open_arrow,
)
