"""Files of buckets, web servers and uploaded databases become versions like any upload."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from datasets.models import DatasetVersion, Feed, Source
from tests.connectors.servers import CSV, SECRET, http_case, s3_case, sqlite_case


@pytest.fixture
def alice(api_of: Any) -> Any:
    return api_of("alice")


def imported(client: Any, run_jobs: Any, source: dict[str, Any], table: str) -> DatasetVersion:
    run_jobs()
    assert Source.objects.get().checked["ok"], Source.objects.get().checked
    answer = client.post(f"{source['url']}datasets/", {"table": table, "name": "From outside"})
    assert answer.status_code == 201, answer.json()
    run_jobs()
    return DatasetVersion.objects.get(dataset=answer.json()["dataset"])


@pytest.mark.parametrize(("name", "case"), [("s3", s3_case), ("http", http_case)])
def test_a_file_is_kept_byte_for_byte_and_read_with_options(alice, run_jobs, tmp_path, name, case):
    with case(tmp_path) as server:
        params = {key: value for key, value in server.values.items() if value is not None}
        body = {"name": "Files", "department": "credit-risk", "connector": name, "params": params}
        version = imported(alice, run_jobs, alice.post("/api/v1/sources/", body).json(), server.file)
        assert version.state == "ready", version.error
        assert (version.source_name, version.rows) == (server.filename, 2)
        assert [column["type"] for column in version.schema] == ["integer", "text", "number"]
        assert (tmp_path / "files" / version.source_key).read_bytes() == CSV
        # The same bytes again make no version.
        feed = Feed.objects.get()
        alice.post(f"/api/v1/feeds/{feed.pk}/refresh/")
        run_jobs()
        assert DatasetVersion.objects.count() == 1
        feed.refresh_from_db()
        assert feed.last_outcome == "unchanged"
    assert SECRET not in version.origin["place"]


def test_an_uploaded_sqlite_file_is_a_source(alice, run_jobs, tmp_path):
    with sqlite_case(tmp_path):
        data = (tmp_path / "people.sqlite3").read_bytes()
    file = SimpleUploadedFile("people.sqlite3", data)
    body = {"name": "Uploaded", "department": "credit-risk", "connector": "sqlite", "file": file}
    answer = alice.post("/api/v1/sources/", body, format="multipart")
    assert answer.status_code == 201, answer.json()
    version = imported(alice, run_jobs, answer.json(), "people")
    assert version.state == "ready", version.error
    assert version.rows == 3
    assert any("'raw'" in note for note in version.notes)
    source = Source.objects.get()
    kept = tmp_path / "files" / source.file_key
    assert kept.exists()
    Feed.objects.all().delete()
    assert alice.delete(f"/api/v1/sources/{source.pk}/").status_code == 204


def test_a_file_that_is_no_database_is_refused_by_its_check(alice, run_jobs):
    file = SimpleUploadedFile("people.sqlite3", b"name,age\nAda,36\n")
    body = {"name": "Uploaded", "department": "credit-risk", "connector": "sqlite", "file": file}
    alice.post("/api/v1/sources/", body, format="multipart")
    run_jobs()
    assert Source.objects.get().checked["code"] == "not_sqlite"


@pytest.mark.parametrize(
    "path", ["../outside.sqlite3", "/etc/passwd", "link.sqlite3", "folder/../../outside.sqlite3", "\0", "missing"]
)
def test_a_path_outside_the_allowed_folder_is_refused(alice, run_jobs, tmp_path, settings, path):
    allowed, outside = tmp_path / "allowed", tmp_path / "outside.sqlite3"
    allowed.mkdir()
    sqlite3.connect(outside).execute("CREATE TABLE t (a)").connection.commit()
    (allowed / "link.sqlite3").symlink_to(outside)
    settings.CONNECT_FOLDERS = [str(allowed)]
    body = {"name": "F", "department": "credit-risk", "connector": "sqlite", "params": {"path": path}}
    if alice.post("/api/v1/sources/", body).status_code == 422:
        return
    run_jobs()
    assert Source.objects.get().checked["code"] == "unknown_file"


def test_a_database_that_changes_while_it_is_read_gives_one_moment(tmp_path: Path):
    """SQLite's own locks hold: a read sees one state, although others write."""
    from datasets.connectors._base import Ask, Config
    from datasets.connectors._guard import Guard
    from datasets.connectors.sqlite import CONNECTOR

    path = tmp_path / "a.sqlite3"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE t (a INTEGER)")
    writer.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(30_000)])
    config = Config({"path": "a.sqlite3"}, Guard(), tmp_path, folders=(tmp_path,))
    with CONNECTOR.read_batches(config, Ask(table="t")) as stream:
        writer.execute("DELETE FROM t")
        assert sum(batch.num_rows for batch in stream.batches) == 30_000
