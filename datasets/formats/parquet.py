"""Apache Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.formats import _columnar
from datasets.formats._base import Format, TextTable

_MAGIC = b"PAR1"
_WHAT = "The Parquet file"
_FEW_BYTES = 12
# Of the file's own description; what Arrow allows by itself is more than any table needs.
_MOST_TEXT, _MOST_ITEMS = 100 << 20, 1_000_000


def recognise(head: bytes) -> bool:
    return head.startswith(_MAGIC)


def open_parquet(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open a Parquet file; see formats._base.Format.open."""
    with _columnar.readable(_WHAT):
        file = _opened(source, [])
        schema, rows = file.schema_arrow, file.metadata.num_rows
        _columnar.refuse_endless(rows, len(schema), source.stat().st_size)
        size = _columnar.batch_rows(len(schema))
        texts = _repeating(file.metadata, [field.name for field in schema if _columnar.is_text(field.type)])

        def batches(columns: list[int] | None) -> Iterator[Any]:
            with _columnar.readable(_WHAT):
                file = _opened(source, texts if columns is None else [])
                names = None if columns is None else [schema.names[i] for i in columns]
                yield from file.iter_batches(size, columns=names, use_threads=False)

        return _columnar.open_batches(schema, batches, count=-(-rows // size))


def _repeating(metadata: Any, texts: list[str]) -> list[str]:
    """The columns of text that take few bytes a row: those stay in their dictionary until their length is known."""
    size, rows = Counter[str](), max(1, metadata.num_rows)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            size[column.path_in_schema] += column.total_uncompressed_size
    return [name for name in texts if size[name] < _FEW_BYTES * rows]


def _opened(source: Path, dictionaries: list[str]) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(
        source,
        read_dictionary=dictionaries,
        thrift_string_size_limit=_MOST_TEXT,
        thrift_container_size_limit=_MOST_ITEMS,
    )


FORMAT = Format(
    name="parquet",
    label="Parquet",
    suffixes=(".parquet", ".pq"),
    params=(),
    recognise=recognise,
    open=open_parquet,
)
