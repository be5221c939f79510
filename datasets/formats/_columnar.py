"""Tables that are typed by their file: Arrow's types become the six of this platform, without losing a digit.

What has no counterpart becomes text that says all of it: decimals and unsigned 64-bit numbers are read as text is, times
of day and durations are printed, lists and structures become JSON. Only bytes are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from datasets.errors import UnreadableFile
from datasets.formats._base import Block, TextTable
from datasets.formats._header import column_names, refuse_width

if TYPE_CHECKING:
    import pyarrow as pa

CELLS = 1 << 20  # in one block
BATCH = 1 << 16  # rows of one block at most
_TEXT_BYTES = 64 << 20  # of one block's longest text column
_MANY = 2_000_000_000  # cells; above this, a table as small as its file says is suspicious
_RATIO = 2_000  # cells to one byte of the file
Batches = Callable[[list[int] | None], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Given:
    """How one column is handed over: as values of `type`, or as text to be read where that is None."""

    type: str | None
    convert: Callable[[pa.Array], pa.Array]
    note: str = ""


def open_batches(schema: pa.Schema, batches: Batches, *, count: int | None) -> TextTable:
    """Return the table of a file that comes in record batches.

    batches(columns) reads the file from the start, the columns of those positions or all. count: how many, if known.
    """
    refuse_width(len(schema))
    if not len(schema):
        raise UnreadableFile("empty_file", "The file has no columns.", "Choose a file that holds a table.")
    names, notes = column_names(schema.names)
    fine = _finer_than_stored(schema, batches)
    given = [_given(field, i in fine) for i, field in enumerate(schema)]
    notes += [f"{name!r} {each.note}" for name, each in zip(names, given, strict=True) if each.note]
    typed = {name: each.type for name, each in zip(names, given, strict=True) if each.type}
    table = TextTable(names, lambda: iter(()), {}, count, notes, typed)
    said = _NotFinite(table)

    def blocks() -> Iterator[Callable[[], Block]]:
        rows = 0
        for batch in batches(None):
            rows += batch.num_rows
            for part in _parts(batch):
                yield partial(_block, part, names, given, said)
        if not rows:
            raise UnreadableFile("header_only", "The file has columns and no rows.", "Choose a file that has rows.")

    table.blocks = blocks
    return table


class _NotFinite:
    """Notes which columns of numbers hold NaN or infinity, in the table's order whichever block shows it first."""

    def __init__(self, table: TextTable) -> None:
        self.table, self.found, self.lock = table, set[str](), Lock()

    def add(self, name: str) -> None:
        with self.lock:
            if name not in self.found:
                self.found.add(name)
                ordered = [self._note(each) for each in self.table.columns if each in self.found]
                self.table.notes[:] = [note for note in self.table.notes if note not in ordered] + ordered

    def _note(self, name: str) -> str:
        return f"In {name!r} NaN and infinity mean a missing value."


def batch_rows(width: int) -> int:
    """How many rows make a block of a table of so many columns."""
    return max(256, min(BATCH, CELLS // max(1, width)))


def is_text(kind: pa.DataType) -> bool:
    """Answer whether a column of this type holds text."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def refuse_endless(rows: int, width: int, size: int) -> None:
    """Raise UnreadableFile for a file that states more cells than its bytes can mean."""
    if rows * max(1, width) > max(_MANY, _RATIO * size):
        raise UnreadableFile(
            "archive_bomb",
            f"The file of {size:,} bytes would unpack to {rows:,} rows of {width:,} columns.",
            "If it is a table after all, write it as several files.",
        )


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Say what a library's error about a file means."""
    import pyarrow as pa

    try:
        yield
    except (MemoryError, pa.ArrowMemoryError, pa.ArrowCapacityError):
        raise UnreadableFile(
            "too_large",
            f"Unpacking a part of {what} takes more memory than reading a file may.",
            "Write the table in smaller parts (row groups or batches), or as CSV.",
        ) from None
    except (pa.ArrowException, OSError, ValueError, LookupError, OverflowError, RecursionError) as error:
        raise damaged(what, str(error)) from None


def damaged(what: str, reason: str) -> UnreadableFile:
    """The refusal of a file whose content is not what its format says."""
    first = " ".join(reason.split())[:200]
    return UnreadableFile(
        "damaged_file", f"{what} is damaged or cut off ({first}).", "Write the file again, or export the table as CSV."
    )


def _block(batch: pa.RecordBatch, names: list[str], given: list[Given], said: _NotFinite) -> Block:
    import pyarrow as pa
    import pyarrow.compute as pc

    with readable("The file"):
        columns = []
        for name, each, cells in zip(names, given, batch.columns, strict=True):
            cells.validate(full=True)
            values = each.convert(cells)
            if each.type == "number" and not pc.all(finite := pc.is_finite(values)).as_py():
                said.add(name)
                values = pc.if_else(finite, values, None)
            columns.append(_without_nul(name, values))
        return Block(pa.table(columns, names=[str(i) for i in range(len(names))]), [])


def _without_nul(name: str, cells: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    data = cells.buffers()[2] if pa.types.is_string(cells.type) else None
    if data and b"\0" in memoryview(data).tobytes() and pc.any(pc.match_substring(cells, "\0")).as_py():
        raise UnreadableFile(
            "binary_file", f"The column {name!r} holds a NUL character, so it is not text.", "Leave the column out."
        )
    return cells


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch where its text would be too much at once: a dictionary makes many long texts of few bytes."""
    most = max((_text_bytes(cells) for cells in batch.columns), default=0)
    rows = max(1, min(BATCH, batch.num_rows * _TEXT_BYTES // most if most > _TEXT_BYTES else BATCH))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _text_bytes(cells: pa.Array) -> int:
    """How long the text of a dictionary column is, written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(cells.type) or not is_text(cells.type.value_type):
        return 0
    lengths = pc.cast(pc.binary_length(cells.dictionary), pa.int64())
    return pc.sum(pc.take(lengths, cells.indices)).as_py() or 0


def _finer_than_stored(schema: pa.Schema, batches: Batches) -> set[int]:
    """The columns of times that have a part smaller than a microsecond."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = [i for i, field in enumerate(schema) if pa.types.is_timestamp(field.type) and field.type.unit == "ns"]
    fine: set[int] = set()
    if not wanted:
        return fine
    for batch in batches(wanted):
        for i, cells in zip(wanted, batch.columns, strict=True):
            ticks = cells.view(pa.int64())
            if not pc.all(pc.equal(pc.multiply(pc.divide(ticks, 1000), 1000), ticks)).as_py():
                fine.add(i)
        if len(fine) == len(wanted):
            break
    return fine


def _given(field: pa.Field, fine: bool) -> Given:
    """How a column of this type is handed over."""
    import pyarrow as pa

    kind, types = field.type, pa.types
    if _is_uuid(kind):
        return Given("text", _uuids)
    if isinstance(kind, pa.BaseExtensionType):
        inner = _given(field.with_type(kind.storage_type), fine)
        return Given(inner.type, lambda cells: inner.convert(cells.storage), inner.note)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        inner = _given(field.with_type(kind.value_type), fine)
        return Given(inner.type, lambda cells: inner.convert(_decoded(cells)), inner.note)
    _refuse_bytes(field.name, kind)
    if types.is_timestamp(kind):
        return _time(kind, fine)
    for fits, each in _BY_TYPE:
        if any(getattr(types, name)(kind) for name in fits):
            return each
    return Given("text", _printed)


def _time(kind: pa.DataType, fine: bool) -> Given:
    """Times with a zone are stored in UTC; those finer than a microsecond stay text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = f"was written in the zone {kind.tz} and is stored in UTC." if kind.tz and kind.tz != "UTC" else ""
    bare = pa.timestamp(kind.unit)
    if fine:
        return Given(
            "text",
            lambda cells: pc.cast(pc.cast(cells, bare), pa.string()),
            "is finer than a microsecond and stays text.",
        )
    return Given("datetime", lambda cells: pc.cast(pc.cast(cells, bare), pa.timestamp("us")), zone)


def _refuse_bytes(column: str, kind: pa.DataType) -> None:
    import pyarrow as pa

    if any(
        getattr(pa.types, name)(kind)
        for name in ("is_binary", "is_large_binary", "is_fixed_size_binary", "is_binary_view")
    ):
        raise UnreadableFile(
            "binary_column",
            f"The column {column!r} holds bytes ({kind}), which are neither text nor numbers.",
            "Leave the column out, or write it as text, and upload the file again.",
        )
    for i in range(kind.num_fields):
        _refuse_bytes(column, kind.field(i).type)


def _is_uuid(kind: Any) -> bool:
    return getattr(kind, "extension_name", "") == "arrow.uuid"


def _uuids(cells: pa.Array) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if each is None else str(each) for each in cells.to_pylist()], pa.string())


def _decoded(cells: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.run_end_decode(cells) if pa.types.is_run_end_encoded(cells.type) else cells.dictionary_decode()


def _same(cells: pa.Array) -> pa.Array:
    return cells


def _cast(to: str) -> Callable[[pa.Array], pa.Array]:
    def convert(cells: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        return pc.cast(cells, getattr(pa, to)())

    return convert


def _printed(cells: pa.Array) -> pa.Array:
    """Each value as JSON, or as it is written where JSON has no such thing."""
    import pyarrow as pa

    return pa.array([None if each is None else _text(each) for each in cells.to_pylist()], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, date | datetime | time | timedelta):
        return _moment(value)
    return json.dumps(value, ensure_ascii=False, default=_moment)


def _moment(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


_WHOLE = ("is_int8", "is_int16", "is_int32", "is_int64", "is_uint8", "is_uint16", "is_uint32")
_BY_TYPE: tuple[tuple[Iterable[str], Given], ...] = (
    (("is_string", "is_large_string", "is_string_view", "is_null"), Given("text", _cast("string"))),
    (_WHOLE, Given("integer", _cast("int64"))),
    (("is_floating",), Given("number", _cast("float64"))),
    (("is_boolean",), Given("boolean", _same)),
    (("is_date",), Given("date", _cast("date32"))),
    (("is_uint64", "is_decimal"), Given(None, _cast("string"))),
)
