"""Real servers for the tests of connectors, each with the same small table, and what a source of it needs."""

from __future__ import annotations

import base64
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

SECRET = "zqsecret"
# Values that careless readers change: empty and missing text, leading zeros, 29E5, wide numbers, a moment with a zone.
ROWS: list[dict[str, Any]] = [
    {"id": 1, "zip": "01234", "sku": "29E5", "amount": 1.10, "wide": 9007199254740993, "paid": True, "born": "2024-02-29",
     "at": "2024-05-01 10:00:00.123456", "note": "line\nbreak, \"quoted\" ünï ✓"},
    {"id": 2, "zip": "00000", "sku": "1e3", "amount": -0.05, "wide": -9007199254740993, "paid": False, "born": "1999-12-31",
     "at": "1970-01-01 00:00:00", "note": ""},
    {"id": 3, "zip": "NULL", "sku": "NA", "amount": None, "wide": None, "paid": None, "born": None,
     "at": "2038-01-19 03:14:07", "note": None},
]  # fmt: skip
TYPES = {
    "id": "integer", "zip": "text", "sku": "text", "amount": "number", "wide": "integer", "paid": "boolean",
    "born": "date", "at": "datetime", "note": "text",
}  # fmt: skip
CSV = b"id,zip,amount\n1,01234,1.10\n2,00000,-0.05\n"


def postgresql(database: str = "postgres") -> Any:
    import psycopg2

    try:
        connection = psycopg2.connect(host="127.0.0.1", user="postgres", dbname=database, connect_timeout=3)
    except psycopg2.OperationalError as error:
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432: {error}")
    connection.autocommit = True
    return connection


@contextmanager
def postgresql_case(_folder: Path) -> Iterator[SimpleNamespace]:
    name = f"atrium_source_{uuid.uuid4().hex[:10]}"
    with postgresql().cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection = postgresql(name)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE people (id int PRIMARY KEY, zip text, sku varchar(9), amount numeric(9,2), wide bigint,"
            ' paid boolean, born date, "at" timestamptz, note text, raw bytea)'
        )
        for row in ROWS:
            values = {**row, "at": f"{row['at']}+00"}
            cursor.execute(
                "INSERT INTO people VALUES (%(id)s, %(zip)s, %(sku)s, %(amount)s, %(wide)s, %(paid)s, %(born)s, %(at)s,"
                " %(note)s, 'bytes')", values,
            )  # fmt: skip
        cursor.execute("CREATE VIEW grown AS SELECT * FROM people; CREATE TABLE empty_one (a int)")
    yield SimpleNamespace(
        values={"host": "127.0.0.1", "port": 5432, "database": name, "user": "postgres", "password": SECRET, "tls": "prefer"},
        table="public.people", left_out="raw", execute=lambda text: _execute(connection, text),
        broken=[
            ({"database": "no_such_database"}, "unknown_database"), ({"port": 1}, "connection_refused"),
            ({"user": "nobody_here"}, "wrong_password"), ({"tls": "verify"}, "no_tls"),
            ({"host": "nowhere.invalid"}, "unknown_host"),
        ],
        writes=[
            "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone", "SELECT 1; DELETE FROM people",
            "DELETE FROM people", "SELECT 1) AS q) TO PROGRAM 'touch /tmp/zq' --", "SELECT nextval('s') FROM people",
        ],
    )  # fmt: skip
    connection.close()
    with postgresql().cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def mysql(database: str | None = None) -> Any:
    import pymysql

    try:
        return pymysql.connect(host="127.0.0.1", user="root", database=database, autocommit=True, connect_timeout=3)
    except pymysql.Error as error:
        pytest.skip(f"no MySQL or MariaDB at 127.0.0.1:3306: {error}")


@contextmanager
def mysql_case(_folder: Path) -> Iterator[SimpleNamespace]:
    name = f"atrium_source_{uuid.uuid4().hex[:10]}"
    _execute(mysql(), f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    connection = mysql(name)
    user = f"u{uuid.uuid4().hex[:8]}"
    _execute(connection, f"CREATE USER {user}@'%' IDENTIFIED BY '{SECRET}'")
    _execute(connection, f"GRANT ALL ON {name}.* TO {user}@'%'")
    _execute(
        connection,
        "CREATE TABLE people (id int PRIMARY KEY, zip varchar(9), sku varchar(9), amount decimal(9,2), wide bigint,"
        " paid bit(1), born date, `at` datetime(6), note text, raw blob)",
    )
    with connection.cursor() as cursor:
        for row in ROWS:
            cursor.execute(
                "INSERT INTO people VALUES (%(id)s, %(zip)s, %(sku)s, %(amount)s, %(wide)s, %(paid)s, %(born)s, %(at)s,"
                " %(note)s, 'bytes')", row,
            )  # fmt: skip
    _execute(connection, "CREATE VIEW grown AS SELECT * FROM people")
    _execute(connection, "CREATE TABLE empty_one (a int)")
    yield SimpleNamespace(
        values={"host": "127.0.0.1", "port": 3306, "database": name, "user": user, "password": SECRET, "tls": "prefer"},
        table="people", left_out="raw", execute=lambda text: _execute(connection, text),
        broken=[
            ({"database": "no_such_database"}, "permission"), ({"port": 1}, "connection_refused"),
            ({"password": "zqwrong"}, "wrong_password"), ({"tls": "require"}, "no_tls"),
            ({"host": "nowhere.invalid"}, "unknown_host"),
        ],
        writes=[
            "DELETE FROM people", "SELECT 1; DELETE FROM people", "SELECT 1 INTO OUTFILE '/tmp/zq'",
            "SELECT 1) AS q; DELETE FROM people", "WITH a AS (SELECT 1) DELETE FROM people",
        ],
    )  # fmt: skip
    _execute(connection, f"DROP DATABASE {name}")
    _execute(connection, f"DROP USER {user}@'%'")
    connection.close()


@contextmanager
def sqlite_case(folder: Path) -> Iterator[SimpleNamespace]:
    path = folder / "people.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, zip TEXT, sku TEXT, amount REAL, wide BIGINT, paid BOOLEAN, born DATE,"
        ' "at" DATETIME, note TEXT, raw BLOB)'
    )
    for row in ROWS:
        connection.execute(
            "INSERT INTO people VALUES (:id, :zip, :sku, :amount, :wide, :paid, :born, :at, :note, x'00')", row
        )
    connection.execute("CREATE VIEW grown AS SELECT * FROM people")
    connection.execute("CREATE TABLE empty_one (a int)")
    yield SimpleNamespace(
        values={"path": "people.sqlite3"}, folders=(folder,), table="people", left_out="raw", execute=connection.execute,
        broken=[({"path": "other.sqlite3"}, "unknown_file"), ({"path": "../../etc/passwd"}, "unknown_file")],
        writes=[
            "DELETE FROM people", "SELECT 1; DELETE FROM people", "WITH a AS (SELECT 1) DELETE FROM people",
            "SELECT load_extension('/tmp/zq')",
        ],
    )  # fmt: skip
    connection.close()


@contextmanager
def s3_case(_folder: Path) -> Iterator[SimpleNamespace]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="zqkey", aws_secret_access_key=SECRET
    )
    client.create_bucket(Bucket="exports")
    for key in ("2024/people ünï+1.csv", "2024/other.csv", "2023/old.csv"):
        client.put_object(Bucket="exports", Key=key, Body=CSV)
    yield SimpleNamespace(
        values={
            "endpoint": endpoint, "region": "us-east-1", "bucket": "exports", "prefix": "2024/", "access_key": "zqkey",
            "secret_key": SECRET,
        },
        file="2024/people ünï+1.csv", filename="people ünï+1.csv", content=CSV, count=2,
        broken=[
            ({"bucket": "no-such-bucket"}, "unknown_bucket"), ({"endpoint": "http://127.0.0.1:1"}, "connection_refused"),
            ({"endpoint": "http://nowhere.invalid"}, "unknown_host"), ({"bucket": "a/b"}, "bad_bucket"),
        ],
    )  # fmt: skip
    server.stop()


class _Files(BaseHTTPRequestHandler):
    """Files behind a password, and redirects."""

    redirects: dict[str, str] = {}
    seen: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization", "")))
        if target := self.redirects.get(self.path):
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
            return
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode():
            self.send_error(401)
            return
        if not self.path.endswith("people.csv"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(CSV)))
        self.end_headers()
        self.wfile.write(CSV)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def web_server() -> Iterator[SimpleNamespace]:
    handler = type("Files", (_Files,), {"redirects": {}, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield SimpleNamespace(url=url, redirects=handler.redirects, seen=handler.seen, port=server.server_port)
    server.shutdown()
    server.server_close()


@contextmanager
def http_case(_folder: Path) -> Iterator[SimpleNamespace]:
    with web_server() as server:
        yield SimpleNamespace(
            values={"url": f"{server.url}/data/people.csv", "user": "reader", "password": SECRET, "token": None},
            file="people.csv", filename="people.csv", content=CSV, count=1,
            broken=[
                ({"password": "zqwrong"}, "not_permitted"), ({"url": f"{server.url}/none.csv"}, "unknown_file"),
                ({"url": "http://127.0.0.1:1/a.csv"}, "connection_refused"), ({"url": "ftp://example.com/a"}, "bad_url"),
                ({"url": f"https://127.0.0.1:{server.port}/a.csv"}, "tls"), ({"url": "http://nowhere.invalid/a"}, "unknown_host"),
            ],
        )  # fmt: skip


def _execute(connection: Any, text: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else None


CASES = {
    "postgresql": postgresql_case, "mysql": mysql_case, "sqlite": sqlite_case, "s3": s3_case, "http": http_case,
}  # fmt: skip
