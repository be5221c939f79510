"""What comes out of an outside database, written to one Parquet file: the version's source, read like an uploaded file.

A column keeps the type it has there only if every value of the whole read prints back; otherwise it is handed over as
text. With changes only, the file is the one before with the changed rows in place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.connectors._base import ForeignColumn, Stream
from datasets.ingestion.readings import READINGS
from datasets.parts import row_count
from datasets.schema import TYPES, Schema, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

Tick = Callable[[int], None]


@dataclass(slots=True)
class Handover:
    """What was written: its columns, how many rows, the largest value of the cursor, and notes for people."""

    schema: Schema
    rows: int = 0
    newest: str | None = None
    notes: list[str] = field(default_factory=list)


def stored_type(kind: str) -> pa.DataType:
    """How one of the platform's types is stored."""
    return arrow_schema(Schema.of([("", kind)])).field(0).type


def write(
    stream: Stream,
    target: Path,
    *,
    cursor: str = "",
    texts: Collection[str] = (),
    tick: Tick = lambda rows: None,
) -> Handover:
    """Write a whole read to `target`. tick(rows) is called after each batch.

    `texts` names columns that stay text whatever they hold, because an earlier hand-over has them as text.
    """
    import pyarrow.parquet as pq

    scratch = target.with_name(f"{target.name}.scratch")
    trial = _Trial(stream.columns, texts)
    writer, rows = None, 0
    try:
        for batch in stream.batches:
            checked = trial.look_at(batch)
            writer = writer or pq.ParquetWriter(scratch, checked.schema, compression="zstd")
            writer.write_batch(checked)
            rows += batch.num_rows
            tick(rows)
    finally:
        if writer:
            writer.close()
    schema = trial.schema()
    _convert(scratch, target, schema)
    scratch.unlink(missing_ok=True)
    done = Handover(schema, rows, notes=trial.notes())
    done.notes += [_left_out(column) for column in stream.left_out]
    done.newest = newest(target, cursor) if cursor else None
    return done


class _Trial:
    """Which of the columns that came as text hold only values of the type they have outside."""

    def __init__(self, columns: tuple[ForeignColumn, ...], texts: Collection[str] = ()) -> None:
        self.columns = columns
        self.as_text: dict[str, bool] = dict.fromkeys(texts, True)
        self.infinite: dict[str, int] = {}

    def look_at(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        arrays = []
        for column, cells in zip(self.columns, batch.columns, strict=True):
            if self.as_text.get(column.name) and cells.type != pa.string():
                cells = pc.cast(cells, pa.string())  # noqa: PLW2901
            elif cells.type == pa.float64():
                cells = self._finite(column.name, cells)  # noqa: PLW2901
            elif cells.type == pa.string() and column.type != "text" and not self.as_text.get(column.name):
                self.as_text[column.name] = parse(cells, column.type) is None
            arrays.append(cells)
        return pa.RecordBatch.from_arrays(arrays, [column.name for column in self.columns])

    def _finite(self, name: str, cells: pa.Array) -> pa.Array:
        """Not-a-number and infinity mean no value; how many there were is noted."""
        import pyarrow.compute as pc

        finite = pc.is_finite(cells)
        if odd := len(cells) - cells.null_count - (pc.sum(finite).as_py() or 0):
            self.infinite[name] = self.infinite.get(name, 0) + odd
            return pc.if_else(finite, cells, None)
        return cells

    def schema(self) -> Schema:
        return Schema.of((each.name, "text" if self.as_text.get(each.name) else each.type) for each in self.columns)

    def notes(self) -> list[str]:
        types = {each.name: (each.type, each.native) for each in self.columns}
        texts = [
            f"{name!r} is {types[name][1]} and holds values that no {types[name][0]} prints back exactly; it stays text."
            for name, kept in self.as_text.items()
            if kept and name in types and types[name][0] != "text"
        ]
        odd = [
            f"In {name!r} NaN and infinity mean a missing value ({count:,})." for name, count in self.infinite.items()
        ]
        return texts + odd


def parse(cells: pa.Array, kind: str) -> pa.Array | None:
    """Text as values of a type, or None where one of them would not print back."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.null_count == len(cells):
        return pa.nulls(len(cells), stored_type(kind))
    if kind == "boolean":
        truths = pa.array(["t", "true", "1"])
        fits = pc.all(pc.is_in(cells.drop_null(), pa.array(["t", "true", "1", "f", "false", "0"]))).as_py()
        return pc.if_else(pc.is_null(cells), None, pc.is_in(cells, truths)) if fits else None
    found = READINGS[kind].parse(cells)
    return pc.cast(found, stored_type(kind)) if found is not None else None


def _convert(scratch: Path, target: Path, schema: Schema) -> None:
    """Give the columns their types, batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = arrow_schema(schema)
    with pq.ParquetFile(scratch) as source:
        if source.schema_arrow.equals(stored):
            scratch.rename(target)
            return
        with pq.ParquetWriter(target, stored, compression="zstd") as writer:
            for batch in source.iter_batches():
                writer.write_batch(pa.RecordBatch.from_arrays(list(_typed(batch, stored)), schema=stored))


def _typed(batch: pa.RecordBatch, stored: pa.Schema) -> Iterator[pa.Array]:
    words = {stored_type(kind): kind for kind in TYPES}
    for column, wanted in zip(batch.columns, stored, strict=True):
        typed = column if column.type == wanted.type else parse(column, words[wanted.type])
        if typed is None:  # the first pass has seen every value
            raise AssertionError(f"{wanted.name} changed between two passes")
        yield typed


def newest(table: Path, column: str) -> str | None:
    """The largest value of a column, as text that goes back into a query."""
    import polars as pl

    value = pl.scan_parquet(table).select(pl.col(column).max()).collect(engine="streaming").item()
    return None if value is None else value.isoformat(sep=" ") if hasattr(value, "hour") else str(value)


def _left_out(column: ForeignColumn) -> str:
    return f"{column.name!r} is {column.native}, which holds bytes; it is left out."


@dataclass(frozen=True, slots=True)
class Merged:
    """How a table changed: rows that are new, rows that replaced one with the same key, rows that are gone."""

    rows: int
    added: int
    changed: int
    removed: int


def newest_of_each(table: Path, target: Path, *, keys: list[str], cursor: str) -> int:
    """Keep of each key the row with the largest cursor, in place; return how many rows were dropped."""
    import polars as pl

    rows = pl.scan_parquet(table).with_row_index("__place")
    by_age = rows.select("__place", *keys, cursor).sort(cursor, "__place", nulls_last=False)
    kept = (
        by_age.unique(keys, keep="last", maintain_order=True)
        .select("__place")
        .sort("__place")
        .collect(engine="streaming")
    )
    dropped = row_count(table) - len(kept)
    if dropped:
        newest_rows = rows.join(kept.lazy(), on="__place", how="semi").sort("__place").drop("__place")
        newest_rows.sink_parquet(target, compression="zstd", maintain_order=True)
    return dropped


def merge(before: Path, changes: Path, target: Path, *, keys: list[str], present: Path | None = None) -> Merged:
    """Write the table before with the changes in it. A key occurs once on either side.

    Rows that were read again and are as they were stay where they are; changed and new ones come last, so that stored
    parts of the table stay the same. present: the keys that are still there; rows of other keys are removed.
    """
    import polars as pl

    old, new = pl.scan_parquet(before), pl.scan_parquet(changes)
    columns = old.collect_schema().names()
    same = old.join(new, on=columns, how="semi", nulls_equal=True).select(keys).collect(engine="streaming").lazy()
    fresh = new.join(same, on=keys, how="anti", nulls_equal=True).select(columns)
    if present is not None:
        there = pl.scan_parquet(present).unique(keys)
        fresh = fresh.join(there, on=keys, how="semi", nulls_equal=True)
    fresh = fresh.collect(engine="streaming").lazy()
    replaced = (
        old.join(fresh, on=keys, how="semi", nulls_equal=True).select(pl.len()).collect(engine="streaming").item()
    )
    kept = old.join(fresh, on=keys, how="anti", nulls_equal=True, maintain_order="left")
    if present is not None:
        kept = kept.join(there, on=keys, how="semi", nulls_equal=True, maintain_order="left")
    pl.concat([kept, fresh]).sink_parquet(target, compression="zstd", maintain_order=True)
    rows, came = row_count(target), fresh.select(pl.len()).collect(engine="streaming").item()
    removed = row_count(before) - replaced - (rows - came)
    return Merged(rows, came - replaced, replaced, removed)


def types_of(table: Path) -> dict[str, str]:
    """The columns of a hand-over and their types."""
    import pyarrow.parquet as pq

    words = {stored_type(kind): kind for kind in TYPES}
    # polars writes text as Arrow's large strings
    return {field.name: words.get(field.type, "text") for field in pq.read_schema(table)}


def earlier(value: str, kind: str, overlap: float) -> str:
    """A value of the cursor, moved back by the overlap: seconds, days or numbers, as its type has it."""
    if not overlap or kind == "text":
        return value
    if kind == "datetime":
        return (datetime.fromisoformat(value) - timedelta(seconds=overlap)).isoformat(sep=" ")
    if kind == "date":
        return (date.fromisoformat(value) - timedelta(days=overlap)).isoformat()
    return str(int(value) - int(overlap)) if kind == "integer" else repr(float(value) - overlap)
