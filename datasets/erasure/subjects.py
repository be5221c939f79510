"""Finding and removing one person in a table, by the key that names them: an e-mail address, a customer number, a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import parts
from datasets.ingestion.part_writer import PartWriter
from datasets.parts import Manifest
from datasets.schema import Column, Schema, arrow_schema

if TYPE_CHECKING:
    import polars as pl

_NUMBER = "__number__"
SHORTEST_MENTION = 4  # shorter keys stand inside too many words to be looked for there


@dataclass(frozen=True, slots=True)
class Traces:
    """Where a subject stands in one table: `rows` in all, by column, and rows whose text merely mentions the key."""

    rows: int
    by_column: dict[str, int] = field(default_factory=dict)
    mentions: dict[str, int] = field(default_factory=dict)


def find(table: Path, schema: Schema, subject: str, columns: Iterable[str] = ()) -> Traces:
    """Count the rows in which one of `columns` (all, if none is named) is the subject's key.

    Text is compared without surrounding spaces and without case; numbers, dates and times by value.
    """
    import polars as pl

    searched = _searched(schema, columns)
    tests = {column.name: _is_subject(column, subject) for column in searched}
    mentions = {
        c.name: _mentions(c, subject) for c in searched if c.type == "text" and len(subject) >= SHORTEST_MENTION
    }
    asked = [
        pl.any_horizontal([pl.lit(False), *tests.values()]).sum().alias("rows"),
        *(test.sum().alias(f"is {name}") for name, test in tests.items()),
        *((test & ~tests[name]).sum().alias(f"in {name}") for name, test in mentions.items()),
    ]
    counts = parts.scan(table).select(asked).collect(engine="streaming").row(0, named=True)
    return Traces(
        int(counts["rows"] or 0),
        {name: int(n) for name in tests if (n := counts[f"is {name}"])},
        {name: int(n) for name in mentions if (n := counts[f"in {name}"])},
    )


def places(table: Path, schema: Schema, subject: str, columns: Iterable[str] = ()) -> list[int]:
    """The numbers, from 0, of the rows that `find` counts."""
    import polars as pl

    tests = [_is_subject(column, subject) for column in _searched(schema, columns)]
    found = parts.scan(table, row_index=_NUMBER).filter(pl.any_horizontal([pl.lit(False), *tests])).select(_NUMBER)
    numbers: list[int] = found.collect(engine="streaming").to_series().sort().to_list()
    return numbers


def without(table: Path, target: Path, schema: Schema, subject: str, columns: Iterable[str] = ()) -> Manifest:
    """Write the table to the folder `target` in parts, without the rows that `find` counts, in their order."""
    import polars as pl

    tests = [_is_subject(column, subject) for column in _searched(schema, columns)]
    kept = ~pl.any_horizontal([pl.lit(False), *tests])
    writer = PartWriter(target, arrow_schema(schema))
    for batch in parts.batches(table):
        frame = pl.DataFrame(pl.from_arrow(batch)).filter(kept)
        writer.append(frame.to_arrow().cast(writer.schema))
    return writer.close()


def is_key(value: Any, subject: str) -> bool:
    """Answer whether one plain value, such as a cell of a request, is the subject's key."""
    if value is None or isinstance(value, bool | dict | list):
        return False
    if isinstance(value, str):
        return _folded(value) == _folded(subject)
    return bool(_number(subject) == value)


def _searched(schema: Schema, columns: Iterable[str]) -> list[Column]:
    wanted = set(columns)
    return [column for column in schema if not wanted or column.name in wanted]


def _is_subject(column: Column, subject: str) -> pl.Expr:
    """Whether the cell is the key; never null, and never true for a type that the key is not of."""
    import polars as pl

    cell = _cell(column.name)
    if column.type == "text":
        return (cell.str.strip_chars().str.to_lowercase() == _folded(subject)).fill_null(False)
    value = _READERS.get(column.type, _nothing)(subject)
    return pl.lit(False) if value is None else (cell == pl.lit(value)).fill_null(False)


def _mentions(column: Column, subject: str) -> pl.Expr:
    return _cell(column.name).str.to_lowercase().str.contains(_folded(subject), literal=True).fill_null(False)


def _cell(name: str) -> pl.Expr:
    """By its exact name: `pl.col` would read `*` as a pattern."""
    from polars import selectors

    return selectors.by_name(name).as_expr()


def _folded(text: str) -> str:
    return text.strip().lower()


def _nothing(_text: str) -> None:
    return None


def _number(text: str) -> float | int | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    value = _number(text)
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def _real(text: str) -> float | None:
    value = _number(text)
    return None if value is None else float(value)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return None


_READERS: dict[str, Any] = {"integer": _whole, "number": _real, "date": _day, "datetime": _moment}
