"""MySQL and MariaDB: an unbuffered cursor in a read-only transaction."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from datasets.connectors._server import server_params

if TYPE_CHECKING:
    import pyarrow as pa

PARAMS = server_params(3306)
_TYPES = {
    "tinyint": "integer", "smallint": "integer", "mediumint": "integer", "int": "integer", "bigint": "integer",
    "year": "integer", "bit": "integer", "float": "number", "double": "number", "decimal": "number", "date": "date",
    "datetime": "datetime", "timestamp": "datetime", "binary": "", "varbinary": "", "tinyblob": "", "blob": "",
    "mediumblob": "", "longblob": "", "geometry": "", "point": "", "linestring": "", "polygon": "", "multipoint": "",
    "multilinestring": "", "multipolygon": "", "geomcollection": "", "geometrycollection": "",
}  # fmt: skip
# What a query's result says of a column: the protocol's type codes.
_CODES = {
    0: "decimal", 1: "tinyint", 2: "smallint", 3: "int", 4: "float", 5: "double", 7: "timestamp", 8: "bigint",
    9: "mediumint", 10: "date", 12: "datetime", 13: "year", 16: "bit", 246: "decimal", 255: "geometry",
}  # fmt: skip
_BLOBS = (249, 250, 251, 252, 253, 254)
_COLUMNS = """
SELECT c.TABLE_NAME, t.TABLE_TYPE, t.TABLE_ROWS, t.DATA_LENGTH, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE,
       c.NUMERIC_SCALE, c.COLUMN_KEY = 'PRI'
FROM information_schema.COLUMNS c
JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = DATABASE() AND (%s IS NULL OR BINARY c.TABLE_NAME = %s)
ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION
LIMIT 100000
"""


def check(config: Config) -> str:
    with _connected(config) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), CURRENT_USER()")
        version, user = cursor.fetchone()
        product = "MariaDB" if "MariaDB" in version else "MySQL"
        secured = "encrypted" if _is_encrypted(connection) else "not encrypted"
    return f"{product} {version.partition('-')[0]} answers; signed in as {user}; {secured}."


def discover(config: Config) -> list[ForeignTable]:
    with _connected(config) as connection:
        return _tables(connection)


@contextmanager
def read_batches(config: Config, ask: Ask) -> Iterator[Stream]:
    """Read a table or query; see _base.Connector."""
    from pymysql.cursors import SSCursor

    with _connected(config) as connection:
        read: tuple[ForeignColumn, ...] = ()
        left_out: tuple[ForeignColumn, ...] = ()
        if not ask.query:
            found = _tables(connection, ask.table)
            if len(found) != 1:
                raise unknown_table(ask.table)
            read, left_out = chosen(found[0].columns, ask)
        cursor = connection.cursor(SSCursor)
        try:
            cursor.execute(_of_query(connection, ask) if ask.query else _of_table(connection, ask, read))
            if ask.query:
                read, left_out = chosen(tuple(map(_described, cursor._result.fields)), ask)
            names = [each[0] for each in cursor.description]
            places = [names.index(column.name) for column in read]
            first = cursor.fetchmany(FIRST)
            yield Stream(read, batches(first, cursor.fetchmany, read, places, _array), left_out)
        finally:
            _abandon(cursor)


def _abandon(cursor: Any) -> None:
    """On closing, the driver would read an unbuffered result to its end; the connection is closed instead."""
    if cursor._result is not None:
        cursor._result.unbuffered_active = False
    cursor.connection = None


def _array(cells: pa.Array, column: ForeignColumn) -> pa.Array:
    """Types whose text always reads back; the others are decided on when all of them have been seen."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = re.split(r"[ (]", column.native)[0]
    if kind in {"float", "double"}:
        return pc.cast(cells, pa.float64())
    if kind in {"tinyint", "smallint", "mediumint", "int", "year"}:
        return pc.cast(cells, pa.int64())
    return cells


@contextmanager
def _connected(config: Config) -> Iterator[Any]:
    """A connection whose one transaction can only read, over a socket to the address that the guard has pinned."""
    import pymysql
    from pymysql.converters import conversions

    pinned = config.guard.pin(str(config["host"]), config["port"])
    # Every value arrives in the server's own spelling.
    as_sent: Any = {key: value for key, value in conversions.items() if not isinstance(key, int)}
    try:
        connection: Any = pymysql.connect(
            host=pinned.host, port=pinned.port, user=config["user"], password=config["password"] or "",
            database=config["database"], charset="utf8mb4", conv=as_sent, local_infile=False, ssl=_tls(config["tls"]),
            connect_timeout=10, read_timeout=config.seconds, write_timeout=60, autocommit=True, defer_connect=True,
            program_name="Atrium",
        )  # fmt: skip
        connection.connect(pinned.connect(10))
    except (pymysql.Error, OSError) as error:
        raise _of_error(error, pinned.host) from None
    try:
        _only_read(connection, config.seconds)
        yield connection
    except (pymysql.Error, OSError) as error:
        raise _of_error(error, pinned.host) from None
    finally:
        connection._force_close()


def _tls(wanted: str) -> ssl.SSLContext | None:
    """None lets the driver encrypt where the server can."""
    if wanted == "prefer":
        return None
    context = ssl.create_default_context()
    if wanted != "verify":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _is_encrypted(connection: Any) -> bool:
    return isinstance(connection._sock, ssl.SSLSocket)


def _only_read(connection: Any, seconds: int) -> None:
    is_mariadb = "MariaDB" in connection.get_server_info()
    limit = f"max_statement_time = {seconds}" if is_mariadb else f"max_execution_time = {seconds * 1000}"
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION {limit}, time_zone = '+00:00', net_write_timeout = 600, lock_wait_timeout = 10")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _tables(connection: Any, name: str | None = None) -> list[ForeignTable]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, (name, name))
        rows = cursor.fetchall()
    tables: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        tables.setdefault(row[0], []).append(row)
    return [_foreign(table, found) for table, found in list(tables.items())[:MAX_TABLES]]


def _foreign(name: str, rows: list[tuple[Any, ...]]) -> ForeignTable:
    _name, kind, estimate, size, *_rest = rows[0]
    columns = tuple(
        ForeignColumn(column, _type_of(data_type, native, scale), native, is_key == "1")
        for *_of_table, column, data_type, native, scale, is_key in rows
    )
    is_view = "VIEW" in kind
    rows_there = None if is_view or estimate is None else int(estimate)
    return ForeignTable(name, "view" if is_view else "table", columns, rows_there, int(size) if size else None)


def _type_of(data_type: str, native: str, scale: str | None) -> str:
    if data_type == "decimal" and scale == "0":
        return "integer"
    return "boolean" if native == "bit(1)" else _TYPES.get(data_type, "text")


def _described(field: Any) -> ForeignColumn:
    """A query's column, from what the server says of its result."""
    binary = 63
    if field.type_code in _BLOBS and field.charsetnr == binary:
        return ForeignColumn(field.name, "", "blob")
    native = _CODES.get(field.type_code, "text")
    if native == "bit":
        return ForeignColumn(field.name, "", "bit")
    whole = native == "decimal" and field.scale == 0
    return ForeignColumn(field.name, "integer" if whole else _TYPES.get(native, "text"), native)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _read_as(column: ForeignColumn) -> str:
    """How a column is selected so that no digit is lost: FLOAT alone prints six digits, BIT prints bytes."""
    name = _quoted(column.name)
    if column.native.startswith("float"):
        return f"{name} + 0e0 AS {name}"
    return f"{name} + 0 AS {name}" if column.native.startswith("bit") else name


def _of_table(connection: Any, ask: Ask, columns: tuple[ForeignColumn, ...]) -> str:
    names = ", ".join(map(_read_as, columns))
    return _narrowed(connection, f"SELECT {names} FROM {_quoted(ask.table)}", ask)  # noqa: S608


def _of_query(connection: Any, ask: Ask) -> str:
    text = one_statement(ask.query)
    if re.search(r"\binto\s+(outfile|dumpfile|@)", text, re.I) or "/*" in text:
        raise ConnectError(
            "not_a_select",
            "The query writes elsewhere (INTO), or has a /* comment.",
            "Write one SELECT that only reads.",
        )
    return _narrowed(connection, f"SELECT * FROM (\n{text}\n) AS q", ask)  # noqa: S608


def _narrowed(connection: Any, statement: str, ask: Ask) -> str:
    if ask.since is not None:
        statement += f" WHERE {_quoted(ask.cursor)} >= {connection.escape(ask.since)}"
    return statement if ask.limit is None else f"{statement} LIMIT {int(ask.limit)}"


def _of_error(error: Exception, host: str) -> ConnectError:
    """What a person can do about the driver's error."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    said = " ".join(str(error.args[1] if len(error.args) > 1 else error).split())[:400]
    code, detail, hint, passing = _ERRORS.get(number) or _by_words(error, said)
    return ConnectError(code, detail.format(host=host, said=said), hint, passing=passing)


def _by_words(error: Exception, said: str) -> tuple[str, str, str, bool]:
    if "SSL is required" in said:
        hint = "Choose “prefer” for the encryption if the network between is trusted."
        return "no_tls", "{host} does not encrypt connections.", hint, False
    if isinstance(error, ssl.SSLError) or "SSL" in said or "certificate" in said:
        hint = "Check the server's certificate, or choose “require” to encrypt without checking it."
        return "tls", "The encrypted connection to {host} failed: {said}", hint, False
    if isinstance(error, ConnectionRefusedError) or "refused" in said:
        return (
            "connection_refused",
            "{host} refuses connections on this port.",
            "Check host and port, and that the server runs.",
            True,
        )
    if isinstance(error, OSError) or "timed out" in said:
        hint = "Check host and port, and whether a firewall stands between."
        return "unreachable", "{host} does not answer.", hint, True
    return "database_error", "The database says: {said}", "Ask whoever runs the database.", True


_ACCOUNT = ("wrong_password", "{host} does not accept this user name and password.", "Enter both again.", False)
_ADMIT = ("not_admitted", "{host} admits no connection from here.", "Ask whoever runs the database.", False)
_RIGHT = ("permission", "{said}", "Ask for the right to read it (GRANT SELECT).", False)
_QUERY = ("bad_query", "{said}", "Correct the query or the choice of columns.", False)
_SLOW = (
    "too_slow", "The database needed longer than is allowed for one statement.",
    "Read fewer rows or columns, or add an index on the cursor column.", True,
)  # fmt: skip
_GONE = ("unreachable", "{host} does not answer.", "Check host and port, and whether a firewall stands between.", True)
_ERRORS = {
    1044: _RIGHT, 1045: _ACCOUNT, 1049: ("unknown_database", "{said}", "Check the database's name.", False),
    1054: _QUERY, 1064: _QUERY, 1130: _ADMIT, 1142: _RIGHT, 1143: _RIGHT, 1146: _QUERY, 1227: _RIGHT, 1248: _QUERY,
    1060: _QUERY, 1370: _RIGHT, 1698: _ACCOUNT, 1969: _SLOW, 3024: _SLOW, 1317: _SLOW,
    1792: ("read_only", "{said}", "A source only reads; write a query that changes nothing.", False), 2013: _GONE,
    2006: _GONE,
}  # fmt: skip


def place(values: Mapping[str, Any]) -> str:
    return f"{values.get('host', '')}:{values.get('port', '')}/{values.get('database', '')}"


CONNECTOR = Connector(
    name="mysql",
    label="MySQL or MariaDB",
    help="Tables, views and queries of a MySQL or MariaDB database.",
    icon="database",
    params=PARAMS,
    check=check,
    discover=discover,
    read_batches=read_batches,
    takes_query=True,
    place=place,
)
