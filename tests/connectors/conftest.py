"""Real servers with a small table each, and the platform that may reach them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

SERVER = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    """The servers of the tests stand on this machine."""
    settings.CONNECT_ALLOW = ["127.0.0.1"]


def postgres(database: str = "postgres") -> Any:
    try:
        connection = psycopg2.connect(**SERVER, dbname=database, connect_timeout=3)
    except psycopg2.OperationalError as error:
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432: {error}")
    connection.autocommit = True
    return connection


@pytest.fixture
def shop() -> Iterator[Any]:
    """A PostgreSQL database with orders; yields a cursor, and `shop.name`."""
    name = f"atrium_shop_{uuid.uuid4().hex[:10]}"
    with postgres().cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection = postgres(name)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(10,2), customer text, paid boolean,"
            " placed date, updated_at timestamptz NOT NULL DEFAULT now());"
            "INSERT INTO orders SELECT i, i * 1.25, 'customer ' || i, i % 2 = 0, date '2024-01-01' + i,"
            " timestamptz '2024-05-01 12:00:00+02' + i * interval '1 hour' FROM generate_series(1, 40) AS i;"
            "ANALYZE orders"
        )
    yield Shop(name, connection)
    connection.close()
    with postgres().cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Shop:
    def __init__(self, name: str, connection: Any) -> None:
        self.name, self.connection = name, connection

    @property
    def params(self) -> dict[str, Any]:
        return {**SERVER, "database": self.name, "tls": "prefer", "password": "zqsecret"}

    def do(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
