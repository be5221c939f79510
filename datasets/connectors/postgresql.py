"""PostgreSQL, and what speaks its protocol: tables by COPY, queries by a server-side cursor, in a read-only transaction."""

from __future__ import annotations

import re
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
from datasets.connectors._copy import copied
from datasets.connectors._rows import FIRST, batches
from datasets.connectors._server import server_params

if TYPE_CHECKING:
    import pyarrow as pa

PARAMS = server_params(5432)
_SSLMODE = {"prefer": "prefer", "require": "require", "verify": "verify-full"}
# By the catalogue's short names. Whatever is not named here is read as text, in PostgreSQL's own spelling.
_TYPES = {
    "int2": "integer", "int4": "integer", "int8": "integer", "oid": "integer", "float4": "number", "float8": "number",
    "numeric": "number", "bool": "boolean", "date": "date", "timestamp": "datetime", "timestamptz": "datetime",
    "bytea": "",
}  # fmt: skip
_OIDS = {
    16: "bool", 17: "bytea", 20: "int8", 21: "int2", 23: "int4", 26: "oid", 700: "float4", 701: "float8", 1082: "date",
    1114: "timestamp", 1184: "timestamptz", 1700: "numeric",
}  # fmt: skip
_CATALOGUE = """
SELECT n.nspname, c.relname, c.relkind::text, c.reltuples::bigint, pg_relation_size(c.oid), a.attname, b.typname,
       format_type(a.atttypid, a.atttypmod), a.atttypmod, coalesce(a.attnum = ANY (i.indkey::int2[]), false)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_toast%%' AND NOT c.relispartition
  AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
  AND (%(name)s IS NULL OR n.nspname || '.' || c.relname = %(name)s)
ORDER BY n.nspname, c.relname, a.attnum
LIMIT 100000
"""
_KINDS = {"r": "table", "p": "table", "v": "view", "m": "view", "f": "table"}


def check(config: Config) -> str:
    with _connected(config) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version(), current_user")
        version, user = cursor.fetchone()
    secured = "encrypted" if connection.info.ssl_in_use else "not encrypted"
    return f"{' '.join(version.split()[:2])} answers; signed in as {user}; {secured}."


def discover(config: Config) -> list[ForeignTable]:
    with _connected(config) as connection:
        return _tables(connection)


@contextmanager
def read_batches(config: Config, ask: Ask) -> Iterator[Stream]:
    """Read a table or query; see _base.Connector."""
    with _connected(config) as connection:
        if ask.query:
            with connection.cursor(name="atrium") as cursor:
                yield _queried(cursor, ask)
            return
        table = _table(connection, ask.table)
        read, left_out = chosen(table.columns, ask)
        with copied(connection, _of_table(connection, ask, read).as_string(connection), len(read)) as texts:
            yield Stream(read, (_typed(batch, read) for batch in texts), left_out)


def _queried(cursor: Any, ask: Ask) -> Stream:
    """A person's query goes into a server-side cursor, where it can be nothing but one query."""
    cursor.execute(_of_query(ask))
    first = cursor.fetchmany(FIRST)
    read, left_out = chosen(tuple(_described(each) for each in cursor.description), ask)
    places = [[each.name for each in cursor.description].index(column.name) for column in read]
    return Stream(read, batches(first, cursor.fetchmany, read, places, _array), left_out)


def _typed(batch: pa.RecordBatch, columns: tuple[ForeignColumn, ...]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [_array(cells, column) for cells, column in zip(batch.columns, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def _array(cells: pa.Array, column: ForeignColumn) -> pa.Array:
    """Types whose text always reads back; the others are decided on when all of them have been seen."""
    import pyarrow as pa
    import pyarrow.compute as pc

    native = column.native
    if native in {"smallint", "integer", "bigint", "oid"}:
        return pc.cast(cells, pa.int64())
    if native in {"real", "double precision"}:
        return pc.cast(cells, pa.float64())
    if native == "boolean":
        return pc.equal(cells, "t")
    if native.endswith("with time zone") and column.type == "datetime":
        # The session's time zone is UTC.
        return pc.replace_substring_regex(cells, r"\+00$", "")
    return cells


@contextmanager
def _connected(config: Config) -> Iterator[Any]:
    """A connection whose one transaction can only read, to the address that the guard has pinned."""
    import psycopg2
    from psycopg2 import extensions

    host, database = str(config["host"]), str(config["database"])
    if not database or "=" in database or "://" in database:
        raise ConnectError("bad_database", f"“{database[:80]}” is not a database's name.", "Give the name alone.")
    pinned = config.guard.pin(host, config["port"])
    milliseconds = config.seconds * 1000
    try:
        connection = psycopg2.connect(
            # Every setting that the environment, a service file or the home folder could otherwise fill in is named.
            host=pinned.host, hostaddr=pinned.address, port=pinned.port, dbname=database, user=config["user"],
            password=config["password"] or "", sslmode=_SSLMODE[config["tls"]],
            sslrootcert="system" if config["tls"] == "verify" else "", sslcert="", sslkey="", passfile="/nonexistent",
            gssencmode="disable", krbsrvname="", requirepeer="", channel_binding="prefer", target_session_attrs="any",
            application_name="Atrium", client_encoding="UTF8", connect_timeout=10, tcp_user_timeout=60_000,
            options=f"-c statement_timeout={milliseconds} -c lock_timeout=10000 -c default_transaction_read_only=on"
            " -c idle_in_transaction_session_timeout=600000 -c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601"
            " -c extra_float_digits=1 -c bytea_output=hex",
        )  # fmt: skip
    except psycopg2.Error as error:
        raise _of_error(error, pinned.host) from None
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        # Every value arrives in the server's own spelling.
        raw = extensions.new_type(tuple(extensions.string_types), "TEXT", extensions.UNICODE)
        extensions.register_type(raw, connection)
        yield connection
    except psycopg2.Error as error:
        raise _of_error(error, pinned.host) from None
    finally:
        connection.close()


def _tables(connection: Any, name: str | None = None) -> list[ForeignTable]:
    with connection.cursor() as cursor:
        cursor.execute(_CATALOGUE, {"name": name})
        rows = cursor.fetchall()
    tables: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        tables.setdefault(row[:2], []).append(row)
    return [_foreign(*key, found) for key, found in list(tables.items())[:MAX_TABLES]]


def _foreign(schema: str, table: str, rows: list[tuple[Any, ...]]) -> ForeignTable:
    _schema, _table, kind, estimate, size, *_rest = rows[0]
    columns = tuple(
        ForeignColumn(column, _type_of(base, int(modifier)), native, is_key == "t")
        for *_of_table, column, base, native, modifier, is_key in rows
    )
    known = int(estimate) >= 0 and kind in "rm"
    return ForeignTable(
        f"{schema}.{table}", _KINDS[kind], columns, int(estimate) if known else None, int(size or 0) or None
    )


def _type_of(base: str, modifier: int) -> str:
    # A numeric's modifier holds its precision and, in the lower half, its scale.
    if base == "numeric" and modifier >= 0 and (modifier - 4) & 0xFFFF == 0:
        return "integer"
    return _TYPES.get(base, "text")


def _table(connection: Any, name: str) -> ForeignTable:
    found = _tables(connection, name)
    if len(found) != 1:
        raise unknown_table(name)
    return found[0]


def _described(column: Any) -> ForeignColumn:
    """A query's column, from what the server says of its result."""
    base = _OIDS.get(column.type_code, "text")
    whole = base == "numeric" and column.precision not in (None, 65535) and column.scale == 0
    native = {
        "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
        "bool": "boolean", "timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
    }.get(base, base)  # fmt: skip
    return ForeignColumn(column.name, "integer" if whole else _TYPES.get(base, "text"), native)


def _of_table(connection: Any, ask: Ask, columns: tuple[ForeignColumn, ...]) -> Any:
    from psycopg2 import sql

    with connection.cursor() as cursor:
        cursor.execute(_CATALOGUE, {"name": ask.table})
        schema, table = cursor.fetchone()[:2]
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    return _narrowed(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(schema, table)), ask)


def _of_query(ask: Ask) -> Any:
    from psycopg2 import sql

    text = sql.SQL(one_statement(ask.query))
    if ask.since is None and ask.limit is None:
        return text
    return _narrowed(sql.SQL("SELECT * FROM (\n{}\n) AS q").format(text), ask)


def _narrowed(statement: Any, ask: Ask) -> Any:
    """The statement from the cursor's value on. Values are quoted as literals, so that a % is nothing but itself."""
    from psycopg2 import sql

    if ask.since is not None:
        statement += sql.SQL(" WHERE {} >= {}").format(sql.Identifier(ask.cursor), sql.Literal(ask.since))
    if ask.limit is not None:
        statement += sql.SQL(" LIMIT {}").format(sql.Literal(ask.limit))
    return statement


def _of_error(error: Any, host: str) -> ConnectError:
    """What a person can do about psycopg2's error."""
    said = re.sub(r"^connection to server .*? failed: (FATAL: )?", "", " ".join(str(error).split()))[:400]
    for pattern, code, detail, hint, passing in _ERRORS:
        if re.search(pattern, said):
            return ConnectError(code, detail.format(host=host, said=said), hint, passing=passing)
    return ConnectError("database_error", f"The database says: {said}", "Ask whoever runs the database.", passing=True)


_ERRORS = (
    ("password authentication failed|no password supplied|role .* does not exist", "wrong_password",
     "{host} does not accept this user name and password.", "Enter both again.", False),
    ("no pg_hba.conf entry", "not_admitted", "{host} admits no such connection: {said}",
     "Ask whoever runs the database to admit this platform's address and user.", False),
    ("database .* does not exist", "unknown_database", "{said}", "Check the database's name.", False),
    ("Connection refused", "connection_refused", "{host} refuses connections on this port.",
     "Check host and port, and that the server runs.", True),
    ("timeout expired|timed out|Network is unreachable|No route to host", "unreachable", "{host} does not answer.",
     "Check host and port, and whether a firewall stands between.", True),
    ("does not support SSL|server does not support", "no_tls", "{host} does not encrypt connections.",
     "Choose “prefer” for the encryption if the network between is trusted.", False),
    ("certificate|SSL", "tls", "The encrypted connection to {host} failed: {said}",
     "Check the server's certificate, or choose “require” to encrypt without checking it.", False),
    ("permission denied", "permission", "{said}", "Ask for the right to read it (GRANT SELECT).", False),
    ("statement timeout", "too_slow", "The database needed longer than is allowed for one statement.",
     "Read fewer rows or columns, or add an index on the cursor column.", True),
    ("read-only transaction", "read_only", "{said}", "A source only reads; write a query that changes nothing.", False),
    ("syntax error|does not exist|must appear in|ambiguous|operator does not|invalid input", "bad_query", "{said}",
     "Correct the query or the choice of columns.", False),
)  # fmt: skip


def place(values: Mapping[str, Any]) -> str:
    return f"{values.get('host', '')}:{values.get('port', '')}/{values.get('database', '')}"


CONNECTOR = Connector(
    name="postgresql",
    label="PostgreSQL",
    help="Tables, views and queries of a PostgreSQL database.",
    icon="database",
    params=PARAMS,
    check=check,
    discover=discover,
    read_batches=read_batches,
    takes_query=True,
    place=place,
)
