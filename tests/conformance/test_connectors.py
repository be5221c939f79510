"""What every connector must do, run over everything registered, against real servers.

A connector needs a case in tests/connectors/servers.py: a server with the small table, and settings that fail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from datasets.connectors import CONNECTORS
from datasets.connectors import _guard as guard
from datasets.connectors._base import BATCH_BYTES, BATCH_ROWS, Ask, Config, ConnectError, Connector
from datasets.connectors._guard import Guard
from datasets.schema import TYPES as KNOWN_TYPES
from datasets.sources.handover import write
from tests.connectors.servers import CASES, ROWS, SECRET, TYPES

pytestmark = pytest.mark.servers
OF_TABLES = [connector.name for connector in CONNECTORS if connector.read_batches]
OF_FILES = [connector.name for connector in CONNECTORS if connector.fetch]
OVER_NETWORK = [connector.name for connector in CONNECTORS if connector.name != "sqlite"]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`cases("s3")`: the connector's case, started once."""
    open_ones: dict[str, Any] = {}

    def start(name: str) -> SimpleNamespace:
        if name not in open_ones:
            manager = CASES[name](tmp_path_factory.mktemp(name))
            open_ones[name] = (manager, manager.__enter__())
        return open_ones[name][1]

    yield start
    for manager, _case in open_ones.values():
        manager.__exit__(None, None, None)


@pytest.fixture
def subject(request: Any, cases: Any, tmp_path: Any) -> SimpleNamespace:
    """The connector with its case and a working configuration."""
    case, connector = cases(request.param), CONNECTORS[request.param]
    config = Config(
        case.values,
        Guard.of(["127.0.0.1"]),
        tmp_path,
        folders=getattr(case, "folders", ()),
        seconds=20,
        max_bytes=10**6,
    )
    return SimpleNamespace(connector=connector, case=case, config=config)


def each(names: list[str]) -> Any:
    return pytest.mark.parametrize("subject", names, indirect=True)


def read(subject: Any, **ask: Any) -> tuple[list[dict[str, Any]], Any]:
    import pyarrow.parquet as pq

    ask = {"table": subject.case.table} | ask if "query" not in ask else ask
    target = subject.config.workdir / "out.parquet"
    with subject.connector.read_batches(subject.config, Ask(**ask)) as stream:
        done = write(stream, target)
    return pq.read_table(target).to_pylist(), done


def expected(row: dict[str, Any]) -> dict[str, Any]:
    born = dt.date.fromisoformat(row["born"]) if row["born"] else None
    return {**row, "born": born, "at": dt.datetime.fromisoformat(row["at"])}


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.name)
def test_it_is_declared(connector: Connector) -> None:
    assert connector.label
    assert connector.help.endswith(".")
    assert all(param.help.endswith(".") for param in connector.params)
    assert len({param.name for param in connector.params}) == len(connector.params)
    assert bool(connector.read_batches) != bool(connector.fetch)
    assert all(param.optional and param.default is None for param in connector.params if param.secret)
    assert connector.name in CASES, "add a case to tests/connectors/servers.py"


@each(CONNECTORS.names())
def test_check_says_what_answers_and_no_secret(subject: Any) -> None:
    said = subject.connector.check(subject.config)
    assert said.endswith(".")
    assert SECRET not in said


@each(CONNECTORS.names())
def test_settings_that_fail_say_why_and_what_to_do(subject: Any) -> None:
    for changes, code in subject.case.broken:
        config = replace(subject.config, values={**subject.config.values, **changes})
        with pytest.raises(ConnectError) as caught:
            subject.connector.check(config)
        error = caught.value
        assert error.code == code, (changes, error.code, error.detail)
        assert error.detail and error.hint
        assert SECRET not in error.detail + error.hint + repr(error.__cause__)


@each(OVER_NETWORK)
def test_a_host_that_is_not_allowed_is_not_even_dialled(subject: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def dial(*_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(guard.Pinned, "connect", dial)
    monkeypatch.setattr("psycopg2.connect", dial)
    config = replace(subject.config, guard=Guard())
    for act in (subject.connector.check, subject.connector.discover):
        with pytest.raises(ConnectError) as caught:
            act(config)
        assert caught.value.code == "address_not_allowed"
        assert "admin" in caught.value.hint


@each(CONNECTORS.names())
def test_discover_lists_what_can_be_read(subject: Any) -> None:
    found = {table.name: table for table in subject.connector.discover(subject.config)}
    if subject.connector.fetch:
        assert subject.case.file in found
        assert len(found) == subject.case.count
        assert found[subject.case.file].size == len(subject.case.content)
        return
    table = found[subject.case.table]
    assert {column.name: column.type for column in table.columns if column.type} == TYPES
    assert [column.name for column in table.columns if column.is_key] == ["id"]
    assert all(column.type in (*KNOWN_TYPES, "") for each in found.values() for column in each.columns)
    assert any(each.kind == "view" for each in found.values())


@each(OF_TABLES)
def test_values_arrive_as_they_are(subject: Any) -> None:
    rows, done = read(subject)
    assert [(column.name, column.type) for column in done.schema] == list(TYPES.items())
    assert sorted(rows, key=lambda row: row["id"]) == [expected(row) for row in ROWS]
    assert any(subject.case.left_out in note for note in done.notes)


@each(OF_TABLES)
def test_a_query_reads_the_same_values(subject: Any) -> None:
    rows, done = read(
        subject, query="SELECT id, zip, sku, note, wide FROM people WHERE note <> '%' OR note IS NULL ORDER BY id"
    )
    assert rows == [{key: row[key] for key in ("id", "zip", "sku", "note", "wide")} for row in ROWS]
    assert [column.type for column in done.schema] == ["integer", "text", "text", "text", "integer"]


@each(OF_TABLES)
def test_columns_cursor_and_limit_narrow_a_read(subject: Any) -> None:
    rows, _done = read(subject, columns=("id", "zip"))
    assert [set(row) for row in rows] == [{"id", "zip"}] * 3
    rows, _done = read(subject, cursor="id", since="2")
    assert sorted(row["id"] for row in rows) == [2, 3]
    rows, _done = read(subject, cursor="at", since="2000-01-01 00:00:00")
    assert sorted(row["id"] for row in rows) == [1, 3]
    rows, _done = read(subject, limit=2)
    assert len(rows) == 2
    rows, _done = read(subject, query="SELECT id, zip FROM people", cursor="id", since="3")
    assert [row["id"] for row in rows] == [3]


@each(OF_TABLES)
def test_what_is_not_there_is_named(subject: Any) -> None:
    for ask, code in (
        ({"table": "no_such_table"}, "unknown_table"),
        ({"columns": ("nope",)}, "unknown_column"),
        ({"cursor": "nope"}, "unknown_column"),
        ({"columns": (subject.case.left_out,)}, "unreadable_column"),
        ({"query": "SELECT nope FROM people"}, "bad_query"),
        ({"query": "SELEC 1"}, "not_a_select"),
    ):
        with pytest.raises(ConnectError) as caught:
            read(subject, **ask)
        assert caught.value.code == code, (ask, caught.value.code, caught.value.detail)
        assert caught.value.hint


@each(OF_TABLES)
def test_nothing_can_be_written(subject: Any) -> None:
    for query in subject.case.writes:
        with pytest.raises(ConnectError):
            read(subject, query=query)
    assert len(list(subject.case.execute("SELECT id FROM people"))) == 3


@each(OF_TABLES)
def test_batches_are_small_and_the_rest_is_never_read(subject: Any) -> None:
    rows = BATCH_ROWS + 5
    subject.case.execute("DROP TABLE IF EXISTS long_one")
    subject.case.execute(
        f"CREATE TABLE long_one AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
        " SELECT i FROM n"
        if subject.connector.name != "mysql"
        else f"CREATE TABLE long_one AS SELECT seq AS i FROM seq_1_to_{rows}"
    )
    name = "public.long_one" if subject.connector.name == "postgresql" else "long_one"
    with subject.connector.read_batches(subject.config, Ask(table=name)) as stream:
        sizes = [batch.num_rows for batch in stream.batches]
    assert sum(sizes) == rows
    with subject.connector.read_batches(subject.config, Ask(table=name)) as stream:
        assert next(stream.batches).num_rows


@each(OF_TABLES)
def test_long_rows_come_in_smaller_batches(subject: Any) -> None:
    subject.case.execute("DROP TABLE IF EXISTS wide_one")
    subject.case.execute(f"CREATE TABLE wide_one (a {'longtext' if subject.connector.name == 'mysql' else 'text'})")
    for _row in range(130):
        subject.case.execute(f"INSERT INTO wide_one VALUES ('{'x' * 500_000}')")
    name = "public.wide_one" if subject.connector.name == "postgresql" else "wide_one"
    with subject.connector.read_batches(subject.config, Ask(table=name)) as stream:
        sizes = [batch.nbytes for batch in stream.batches]
    assert sum(sizes) > 130 * 500_000
    assert max(sizes) < 2 * BATCH_BYTES


@each(OF_TABLES)
def test_a_table_without_rows_is_empty(subject: Any) -> None:
    name = "public.empty_one" if subject.connector.name == "postgresql" else "empty_one"
    with subject.connector.read_batches(subject.config, Ask(table=name)) as stream:
        assert [batch.num_rows for batch in stream.batches] == [0]
        assert [column.type for column in stream.columns] == ["integer"]


@each(OF_FILES)
def test_a_file_arrives_byte_for_byte(subject: Any) -> None:
    target, counted = subject.config.workdir / "file", []
    fetched = subject.connector.fetch(subject.config, subject.case.file, target, counted.append)
    assert target.read_bytes() == subject.case.content
    assert sum(counted) == len(subject.case.content)
    assert fetched.filename == subject.case.filename


@each(OF_FILES)
def test_a_file_that_is_too_large_or_elsewhere_is_refused(subject: Any) -> None:
    target = subject.config.workdir / "file"
    for config, name, code in (
        (replace(subject.config, max_bytes=10), subject.case.file, "too_large"),
        (subject.config, "../secret.csv", "unknown_file"),
        (subject.config, f"{subject.case.file}.none", "unknown_file"),
    ):
        with pytest.raises(ConnectError) as caught:
            subject.connector.fetch(config, name, target, lambda size: None)
        assert caught.value.code == code
