"""Databases of their own on a real PostgreSQL server, for tests that start worker processes."""

from __future__ import annotations

import os
import uuid

import psycopg2

SERVER = os.environ.get("DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/postgres"


def _do(statement: str) -> None:
    connection = psycopg2.connect(SERVER.replace("postgres://", "postgresql://"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def create(template_url: str = "") -> str:
    """Make a database, as a copy of another if one is given, and return its URL."""
    name = f"atrium_jobs_{uuid.uuid4().hex[:12]}"
    _do(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template_url.rpartition("/")[2]}"' if template_url else ""))
    return f"{SERVER.rpartition('/')[0]}/{name}"


def drop(url: str) -> None:
    _do(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')
