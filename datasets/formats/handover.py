"""Tables that a connector has read: Parquet with the platform's own types, written by datasets.handover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.formats._base import Block, Format, TextTable
from datasets.schema import TYPES, Schema, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 100_000


def open_table(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
    """Open a hand-over; see formats._base.Format.open."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(source) as file:
        stored, rows = file.schema_arrow, file.metadata.num_rows
    words = {arrow_schema(Schema.of([("x", kind)])).field(0).type: kind for kind in TYPES}
    typed = {field.name: words[field.type] for field in stored}
    return TextTable(stored.names, partial(_blocks, source), {}, -(-rows // _ROWS), typed=typed)


def _blocks(source: Path) -> Iterator[Callable[[], Block]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_ROWS):
            yield partial(_block, pa.Table.from_batches([batch]))


def _block(cells: pa.Table) -> Block:
    return Block(cells, [])


FORMAT = Format(
    name="handover",
    label="Table from a source",
    suffixes=(".handover",),
    params=(),
    recognise=lambda head: head.startswith(b"PAR1"),
    open=open_table,
)
