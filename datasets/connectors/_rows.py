"""From rows of text, as database drivers give them, to record batches of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from datasets.connectors._base import BATCH_BYTES, BATCH_ROWS, ForeignColumn

if TYPE_CHECKING:
    import pyarrow as pa

# How many rows are fetched before anything is known of their size.
FIRST = 50
Rows = Sequence[Sequence[Any]]
Cast = Callable[["pa.Array", ForeignColumn], "pa.Array"]


def batches(
    rows: Rows, more: Callable[[int], Rows], columns: Sequence[ForeignColumn], places: Sequence[int], cast: Cast
) -> Iterator[pa.RecordBatch]:
    """Yield record batches of `rows`, the first FIRST, and of what `more` brings until it brings less than asked.

    places: where each column stands in a row. Values are text or None; `cast` makes the column's array of them.
    """
    import pyarrow as pa

    names, asked = [column.name for column in columns], FIRST
    while True:
        by_place = list(zip(*rows, strict=True)) if rows else [()] * (max(places) + 1)
        texts = [pa.array(by_place[place], pa.string()) for place in places]
        size = sum(cells.nbytes for cells in texts)
        arrays = [cast(cells, column) for cells, column in zip(texts, columns, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, names)
        if len(rows) < asked:
            return
        # As many as fit by the size of the last ones, yet never suddenly many more than before.
        fitting = BATCH_BYTES * len(rows) // max(size, 1)
        asked = max(1, min(BATCH_ROWS, asked * 8, fitting))
        rows = more(asked)
