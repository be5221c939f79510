"""Tables in parts: cut by their rows alone, stored once, merged for a download, gone with the last that names them."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.storage import default_storage
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from datasets import parts, storage
from datasets.formats import _lines
from datasets.ingestion import part_writer
from datasets.ingestion.part_writer import PartWriter
from datasets.models import Dataset, DatasetVersion
from jobs.testing import run_pending
from tests.datasets.uploads import post_dataset, upload

Api = Callable[..., APIClient]
SCHEMA = pa.schema([("i", pa.int64()), ("x", pa.float64()), ("t", pa.string()), ("d", pa.date32()), ("b", pa.bool_())])


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_writer, "PART_ROWS", 40)
    monkeypatch.setattr(part_writer, "GROUP_ROWS", 16)


def table(rows: int, text: str = "x") -> pa.Table:
    values = [list(range(rows)), [i / 7 for i in range(rows)], [text * (i % 5) for i in range(rows)],
              [i % 3 for i in range(rows)], [i % 2 == 0 for i in range(rows)]]  # fmt: skip
    return pa.table([pa.array(each, kind.type) for each, kind in zip(values, SCHEMA, strict=True)], schema=SCHEMA)


def written(folder: Path, rows: pa.Table, cuts: list[int]) -> parts.Manifest:
    """Write a table that arrives in pieces."""
    writer = PartWriter(folder, SCHEMA)
    edges = [0, *sorted(cuts), rows.num_rows]
    for start, stop in pairwise(edges):
        writer.append(rows.slice(start, stop - start))
    return writer.close()


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 100), max_size=6), long=st.booleans())
def test_parts_do_not_depend_on_how_the_rows_arrive(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], long: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_writer, "PART_ROWS", 40)
        patch.setattr(part_writer, "GROUP_ROWS", 16)
        patch.setattr(part_writer, "GROUP_BYTES", 100 if long else 1 << 20)
        rows = table(100, "word" if long else "x")
        whole = written(tmp_path_factory.mktemp("whole"), rows, [])
        folder = tmp_path_factory.mktemp("cut")
        assert written(folder, rows, cuts) == whole and [part.rows for part in whole.parts] == [40, 40, 20]
        assert parts.read(folder).to_arrow().cast(SCHEMA).equals(rows) and parts.row_count(folder) == 100
        groups = pq.read_metadata(folder / parts.name(0)).num_row_groups
        assert groups > 3 if long else groups == 3


@pytest.mark.usefixtures("small_parts")
def test_a_longer_table_shares_the_parts_that_begin_it(tmp_path: Path) -> None:
    shorter, longer = written(tmp_path / "a", table(90), []), written(tmp_path / "b", table(200), [])
    assert longer.parts[:2] == shorter.parts[:2] and longer.sha256 != shorter.sha256


def test_a_table_without_rows_keeps_its_schema(tmp_path: Path) -> None:
    assert written(tmp_path / "none", table(0), []).parts[0].rows == 0
    assert parts.scan(tmp_path / "none").collect_schema().names() == SCHEMA.names


def test_wide_tables_have_fewer_rows_in_a_part(tmp_path: Path) -> None:
    wide = PartWriter(tmp_path / "wide", pa.schema([(str(i), pa.int64()) for i in range(10_000)]))
    assert wide.part_rows == 2048 and wide.group_rows == 1024
    assert PartWriter(tmp_path / "narrow", SCHEMA).part_rows == 1 << 19


def lines(rows: int) -> bytes:
    return b"i,t\n" + b"".join(b"%d,t%d\n" % (i, i % 7) for i in range(rows))


@pytest.mark.django_db
@pytest.mark.usefixtures("small_parts")
def test_versions_share_parts_and_deletion_leaves_those_of_others(
    api_of: Api, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(_lines, "BLOCK", 256)
    alice, mona = api_of("alice"), api_of("mona")
    first = post_dataset(alice, lines(100)).data["id"]
    second = post_dataset(alice, lines(130), name="Longer").data["id"]
    run_pending()
    keys = {
        each.dataset.name: [part.key for part in each.parts.order_by("pk")] for each in DatasetVersion.objects.all()
    }
    assert keys["Longer"][:2] == keys["People"][:2] and len(keys["Longer"]) == 4 and len(keys["People"]) == 3
    url = f"/api/v1/datasets/{second}/versions/1/"
    assert [row["i"] for row in alice.get(url + "rows/?limit=3&offset=38").data["results"]] == [38, 39, 40]
    with django_capture_on_commit_callbacks(execute=True):
        assert mona.delete(f"/api/v1/datasets/{first}/").status_code == 204
    assert not default_storage.exists(keys["People"][2]), "the tail that no other version has is gone"
    assert all(default_storage.exists(key) for key in keys["Longer"])
    content = b"".join(alice.get(url + "download/?as=parquet").streaming_content)
    merged = pq.read_table(io.BytesIO(content))
    assert merged["i"].to_pylist() == list(range(130)) and merged.schema.names == ["i", "t"]
    version = Dataset.objects.get().versions.get()
    with storage.local(version.storage_key) as path:
        assert [file.name for file in parts.files(path)] == [parts.name(i) for i in range(4)]


@pytest.mark.django_db
def test_a_table_from_before_is_one_file(api_of: Api) -> None:
    alice = api_of("alice")
    dataset = post_dataset(alice).data["id"]
    run_pending()
    version = DatasetVersion.objects.get()
    with storage.local(version.storage_key) as path:
        version.storage_key = storage.keep_path(parts.files(path)[0], "tables").key
    version.save()
    url = f"/api/v1/datasets/{dataset}/versions/1/"
    assert alice.get(url + "rows/").data["total"] == 3
    assert b"".join(alice.get(url + "download/").streaming_content).count(b"\n") == 4
    assert pq.read_table(io.BytesIO(b"".join(alice.get(url + "download/?as=parquet").streaming_content))).num_rows == 3


@pytest.mark.django_db
def test_the_same_file_again_stores_nothing_new(api_of: Api) -> None:
    alice = api_of("alice")
    dataset = post_dataset(alice).data["id"]
    run_pending()
    alice.post(f"/api/v1/datasets/{dataset}/versions/", {"file": upload()}, format="multipart")
    run_pending()
    first, second = DatasetVersion.objects.order_by("number")
    assert first.sha256 == second.sha256 and first.storage_key == second.storage_key
    assert list(first.parts.values_list("key", flat=True)) == list(second.parts.values_list("key", flat=True))
