"""A SQLite database: a file that was uploaded, or one in a folder that the platform's operator names."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.connectors._base import (
    MAX_TABLES,
    Ask,
    Config,
    ConnectError,
    Connector,
    ForeignColumn,
    ForeignTable,
    Stream,
    chosen,
    one_statement,
    unknown_table,
)
from datasets.connectors._rows import FIRST, batches
from plugins.params import Param

if TYPE_CHECKING:
    import pyarrow as pa

PARAMS = (
    Param(
        "path", "text", None,
        "Where no file is uploaded: its path below a folder named in ATRIUM_CONNECT_FOLDERS.", optional=True,
    ),
)  # fmt: skip
_MAGIC = b"SQLite format 3\0"
_MAX_CELL = 64 * 2**20
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_FORBIDDEN_FUNCTIONS = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}
# SQLite's own rules of affinity, first match wins; then words that say more than "numeric".
_AFFINITY = (
    ("int", "integer"), ("char", "text"), ("clob", "text"), ("text", "text"), ("blob", ""), ("real", "number"),
    ("floa", "number"), ("doub", "number"), ("bool", "boolean"), ("datetime", "datetime"), ("timestamp", "datetime"),
    ("date", "date"), ("dec", "number"), ("num", "number"),
)  # fmt: skip


def check(config: Config) -> str:
    tables = discover(config)
    return f"A SQLite database with {len(tables):,} tables and views; opened for reading only."


def discover(config: Config) -> list[ForeignTable]:
    with _connected(config) as connection:
        return [_foreign(connection, name, kind) for name, kind in _names(connection)]


@contextmanager
def read_batches(config: Config, ask: Ask) -> Iterator[Stream]:
    """Read a table or query; see _base.Connector."""
    with _connected(config) as connection:
        known: dict[str, ForeignColumn] = {}
        if not ask.query:
            kinds = dict(_names(connection))
            if ask.table not in kinds:
                raise unknown_table(ask.table)
            known = {column.name: column for column in _foreign(connection, ask.table, kinds[ask.table]).columns}
            chosen(tuple(known.values()), ask)
        connection.set_authorizer(_only_reading)
        cursor = connection.execute(*_statement(ask))
        rows = cursor.fetchmany(FIRST)
        names = [each[0] for each in cursor.description]
        columns = tuple(known.get(name) or _guessed(name, [row[i] for row in rows]) for i, name in enumerate(names))
        read, left_out = chosen(columns, ask)
        places = [names.index(column.name) for column in read]

        def more(count: int) -> list[list[str | None]]:
            return _texts(cursor.fetchmany(count), read, places)

        inside = range(len(read))
        yield Stream(read, batches(_texts(rows, read, places), more, read, inside, _array), left_out)


def _array(cells: pa.Array, column: ForeignColumn) -> pa.Array:
    """SQLite holds any value in any column, so every column is decided on when all its values have been seen."""
    return cells


def _texts(rows: list[Any], columns: tuple[ForeignColumn, ...], places: list[int]) -> list[list[str | None]]:
    try:
        return [[_text(row[place]) for place in places] for row in rows]
    except TypeError:
        name = next(
            column.name
            for column, place in zip(columns, places, strict=True)
            if any(isinstance(r[place], bytes) for r in rows)
        )
        raise ConnectError(
            "unreadable_column",
            f"The column “{name}” holds bytes in some rows.",
            "Leave the column out, or choose those rows away with a query.",
        ) from None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        raise TypeError
    return repr(value)


@contextmanager
def _connected(config: Config) -> Iterator[sqlite3.Connection]:
    """The file, opened so that nothing in it can be changed and nothing beside it can be reached."""
    path = _path(config)
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ConnectError("not_sqlite", "The file is not a SQLite database.", "Choose a file that SQLite wrote.")
    # A file that others write to is locked for the read, as SQLite does it; an uploaded one never changes.
    mode = "mode=ro&immutable=1" if config.file else "mode=ro"
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=10, isolation_level=None)
    except sqlite3.Error as error:
        raise _of_error(error) from None
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
        end = time.monotonic() + config.seconds
        connection.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        yield connection
    except sqlite3.Error as error:
        raise _of_error(error) from None
    finally:
        connection.close()


def _path(config: Config) -> Path:
    """The uploaded file, or a file that really lies below one of the named folders."""
    if config.file:
        return config.file
    given = str(config["path"] or "")
    if not given:
        raise ConnectError("no_file", "No file is given.", "Upload a SQLite file, or name one in an allowed folder.")
    for folder in config.folders:
        root = folder.resolve()
        path = (root / given).resolve()
        if path.is_relative_to(root) and path.is_file():
            return path
    raise ConnectError(
        "unknown_file",
        "There is no such file in a folder that sources may read.",
        "Check the path; the platform's operator names the folders in ATRIUM_CONNECT_FOLDERS.",
    )


def _only_reading(action: int, _first: str | None, second: str | None, _database: Any, _trigger: Any) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _names(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    found = connection.execute(
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " ORDER BY name LIMIT ?",
        (MAX_TABLES,),
    )
    return list(found)


def _foreign(connection: sqlite3.Connection, name: str, kind: str) -> ForeignTable:
    described = connection.execute(f"PRAGMA table_info({_quoted(name)})").fetchall()
    columns = tuple(ForeignColumn(row[1], _type_of(row[2]), row[2] or "any", row[5] > 0) for row in described)
    rows = None
    if kind == "table":
        try:
            (rows,) = connection.execute(f"SELECT max(rowid) FROM {_quoted(name)}").fetchone()  # noqa: S608
        except sqlite3.OperationalError:  # a table WITHOUT ROWID
            rows = None
    return ForeignTable(name, kind, columns, rows)


def _type_of(declared: str) -> str:
    word = (declared or "").lower()
    return next((kind for part, kind in _AFFINITY if part in word), "text")


def _guessed(name: str, values: list[Any]) -> ForeignColumn:
    """A query's column, by its first values; all of them are checked afterwards."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return ForeignColumn(name, "integer", "integer")
    if kinds and kinds <= {int, float}:
        return ForeignColumn(name, "number", "real")
    return ForeignColumn(name, "", "blob") if kinds == {bytes} else ForeignColumn(name, "text", "text")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _statement(ask: Ask) -> tuple[str, list[Any]]:
    if ask.query:
        text = f"SELECT * FROM (\n{one_statement(ask.query)}\n)"  # noqa: S608
    else:
        names = ", ".join(
            map(_quoted, dict.fromkeys([*ask.columns, *([ask.cursor] if ask.columns and ask.cursor else [])]))
        )
        text = f"SELECT {names or '*'} FROM {_quoted(ask.table)}"  # noqa: S608
    values: list[Any] = []
    if ask.since is not None:
        # Numbers and texts never compare equal here, so that the value is given as what it looks like.
        number = _number(ask.since)
        text += f" WHERE {_quoted(ask.cursor)} >= ?"
        values.append(ask.since if number is None else number)
    if ask.limit is not None:
        text += " LIMIT ?"
        values.append(ask.limit)
    return text, values


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _of_error(error: sqlite3.Error) -> ConnectError:
    said = str(error)[:300]
    for word, code, detail, hint, passing in _ERRORS:
        if word in said:
            return ConnectError(code, detail.format(said=said), hint, passing=passing)
    return ConnectError("database_error", f"SQLite says: {said}", "Check the file with sqlite3's integrity_check.")


_ERRORS = (
    ("interrupted", "too_slow", "Reading took longer than is allowed.", "Read fewer rows, or add an index.", True),
    ("locked", "locked", "Another program holds the database.", "Try again later.", True),
    ("not authorized", "not_a_select", "The query does more than read.", "Write one SELECT that only reads.", False),
    ("prohibited", "not_a_select", "The query does more than read.", "Write one SELECT that only reads.", False),
    ("malformed", "damaged", "The file is damaged: {said}", "Make a new copy with “VACUUM INTO”, and use that.", False),
    ("not a database", "not_sqlite", "The file is not a SQLite database, or is encrypted.", "Choose another file.", False),
    ("syntax error", "bad_query", "{said}", "Correct the query.", False),
    ("no such", "bad_query", "{said}", "Correct the query or the choice of columns.", False),
    ("decode", "not_text", "{said}", "The database holds text that is not UTF-8; convert it first.", False),
)  # fmt: skip


def place(values: Mapping[str, Any]) -> str:
    return str(values.get("file") or values.get("path") or "")


CONNECTOR = Connector(
    name="sqlite",
    label="SQLite",
    help="Tables, views and queries of a SQLite file.",
    icon="file-database",
    params=PARAMS,
    check=check,
    discover=discover,
    read_batches=read_batches,
    takes_query=True,
    takes_file=True,
    place=place,
)
