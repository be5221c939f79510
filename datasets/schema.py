"""The columns of a table and their types: the six words that the platform knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["integer", "number", "boolean", "date", "datetime", "text"]
TYPES: tuple[str, ...] = get_args(ColumnType)
NUMERIC: tuple[str, ...] = ("integer", "number")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, unique in its table, and its type."""

    name: str
    type: str

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"column {self.name!r} has type {self.type!r}; known types are {', '.join(TYPES)}")

    @property
    def numeric(self) -> bool:
        return self.type in NUMERIC


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in the order of the file. Iterates over columns; indexes by name."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Schema:
        """Make a schema from (name, type) pairs."""
        return cls(tuple(Column(name, kind) for name, kind in pairs))

    @classmethod
    def from_json(cls, items: Iterable[Mapping[str, Any]]) -> Schema:
        """Read `[{"name", "type"}, …]`."""
        return cls.of((item["name"], item["type"]) for item in items)

    def to_json(self) -> list[dict[str, str]]:
        return [{"name": column.name, "type": column.type} for column in self.columns]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """Return the column of that name; KeyError names the known ones."""
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(self.names[:20])
        raise KeyError(f"no column {name!r}; known are {known}")


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return how the six types are stored."""
    import pyarrow as pa

    stored = {
        "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
        "datetime": pa.timestamp("us"), "text": pa.string(),
    }  # fmt: skip
    return pa.schema([(column.name, stored[column.type]) for column in schema])
