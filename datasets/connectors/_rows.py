"""From rows of text, as database drivers give them, to record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from datasets.connectors._base import BATCH_ROWS, ForeignColumn

if TYPE_CHECKING:
    import pyarrow as pa

Rows = Sequence[Sequence[Any]]
Cast = Callable[["pa.Array", ForeignColumn], "pa.Array"]


def batches(
    rows: Rows, more: Callable[[int], Rows], columns: Sequence[ForeignColumn], places: Sequence[int], cast: Cast
) -> Iterator[pa.RecordBatch]:
    """Yield record batches of `rows` and of what `more` brings until it brings less than a batch.

    places: where each column stands in a row. Values are text or None; `cast` makes the column's array of them.
    """
    import pyarrow as pa

    names = [column.name for column in columns]
    while True:
        by_place = list(zip(*rows, strict=True)) if rows else [()] * (max(places) + 1)
        texts = [pa.array(by_place[place], pa.string()) for place in places]
        arrays = [cast(cells, column) for cells, column in zip(texts, columns, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, names)
        if len(rows) < BATCH_ROWS:
            return
        rows = more(BATCH_ROWS)
