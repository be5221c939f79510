"""What a connector is: a declaration, and ways to check, to look around in, and to read an outside system.

docs/adding-a-connector.md walks through one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.connectors._guard import Guard
from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa

MAX_TABLES = 5_000
BATCH_ROWS = 20_000
BATCH_BYTES = 16 * 2**20


class ConnectError(Exception):
    """The outside system cannot be used. `code` is stable, `detail` says what happened, `hint` what to do.

    Neither holds a secret. `passing` says that the same may work later without anybody changing anything.
    """

    def __init__(self, code: str, detail: str, hint: str, *, passing: bool = False) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.passing = passing


@dataclass(frozen=True, slots=True)
class ForeignColumn:
    """A column as the outside system has it. `type` is one of schema.TYPES; "" where it cannot be imported."""

    name: str
    type: str
    native: str
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """What can be read: a table, view or file. `rows` is the system's own estimate; `columns` empty where unknown."""

    name: str
    kind: str
    columns: tuple[ForeignColumn, ...] = ()
    rows: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What to read: a table or a query, all its columns or some, from a value of the cursor column on."""

    table: str = ""
    query: str = ""
    columns: tuple[str, ...] = ()
    cursor: str = ""
    since: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """An open read. Each batch has the columns in this order, as their stored type or as text.

    A column that comes as text although its type is another gets that type only if every value of the whole read
    prints back; otherwise it stays text.
    """

    columns: tuple[ForeignColumn, ...]
    batches: Iterator[pa.RecordBatch]
    left_out: tuple[ForeignColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was brought here: its name, which tells the format, and what the system says about its state."""

    filename: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """A source's parameters and secrets, validated, with the guard that every connection goes through.

    `file` is the uploaded file of a connector that takes one; `folders` are those in which files may be read;
    `workdir` holds temporary files; `max_bytes` bounds what is fetched and `seconds` how long one statement may take.
    """

    values: Mapping[str, Any]
    guard: Guard
    workdir: Path
    file: Path | None = None
    folders: tuple[Path, ...] = ()
    max_bytes: int = 10 * 2**30
    seconds: int = 1800

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, slots=True)
class Connector:
    """One kind of outside system.

    `check` answers with one sentence about what was reached, or raises ConnectError, as do all others. A connector of
    tables has `read_batches`, one of files has `fetch(config, name, target, tick)`, which calls `tick(bytes)` as it goes.
    """

    name: str
    label: str
    help: str
    icon: str
    params: tuple[Param, ...]
    check: Callable[[Config], str]
    discover: Callable[[Config], list[ForeignTable]]
    read_batches: Callable[[Config, Ask], AbstractContextManager[Stream]] | None = None
    fetch: Callable[[Config, str, Path, Callable[[int], None]], Fetched] | None = None
    takes_query: bool = False
    takes_file: bool = False
    # Which parameters say where it is, for people: "db.example.com/sales".
    place: Callable[[Mapping[str, Any]], str] = field(default=lambda values: "")

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(param.name for param in self.params if param.secret)


def unknown_table(name: str) -> ConnectError:
    return ConnectError(
        "unknown_table",
        f"There is no table “{name[:200]}” that this account may read.",
        "Look the tables up again, and choose one of them.",
    )


def chosen(columns: tuple[ForeignColumn, ...], ask: Ask) -> tuple[tuple[ForeignColumn, ...], tuple[ForeignColumn, ...]]:
    """The columns that are read, and those left out because they hold bytes; raises for a name that is not there."""
    by_name = {column.name: column for column in columns}
    for name in (*ask.columns, *([ask.cursor] if ask.cursor else [])):
        if name not in by_name:
            raise ConnectError(
                "unknown_column",
                f"There is no column “{name[:200]}” any more.",
                f"Choose from: {', '.join(list(by_name)[:50])}.",
            )
        if not by_name[name].type:
            raise ConnectError(
                "unreadable_column",
                f"The column “{name}” is of type {by_name[name].native}, which holds bytes and not text or numbers.",
                "Leave the column out, or turn it into text in a view or a query.",
            )
    wanted = [by_name[name] for name in ask.columns] if ask.columns else list(columns)
    read = tuple(column for column in wanted if column.type)
    if not read:
        raise ConnectError("no_columns", "There is no column that can be imported.", "Choose another table.")
    return read, tuple(column for column in wanted if not column.type)


def one_statement(query: str) -> str:
    """A query that cannot become two: the text before a closing semicolon, if it begins like a SELECT."""
    text = query.strip().rstrip(";").strip()
    if ";" in text:
        raise ConnectError(
            "several_statements",
            "The query has a semicolon, so it may be more than one statement.",
            "Write one SELECT. A semicolon inside a text can be written as CHR(59), or CHAR(59) in MySQL.",
        )
    first = text.split(None, 1)[0].lower() if text else ""
    if first not in {"select", "with", "values", "table"} and not text.startswith("("):
        raise ConnectError(
            "not_a_select",
            f"The query begins with “{first[:40]}”; only reading is possible.",
            "Write one SELECT, or WITH … SELECT.",
        )
    return text
