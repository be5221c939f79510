"""Reading Parquet and Arrow: their types, exactly, and what is refused."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from datasets.errors import UnreadableFile
from datasets.formats import _columnar
from tests.datasets.uploads import read

Write = Callable[[pa.Table], bytes]


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def feather(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(table, out, compression="zstd")
    return out.getvalue()


def stream(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


WRITERS = [pytest.param(".parquet", parquet, id="parquet"), pytest.param(".feather", feather, id="feather"),
           pytest.param(".arrows", stream, id="stream")]  # fmt: skip
MOMENT = datetime(2024, 1, 5, 10, 30, 0, 123456)
COLUMNS: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "i8": (pa.array([1, None, -3], pa.int8()), "integer", [1, None, -3]),
    "i64": (pa.array([2**63 - 1, None, -(2**63)]), "integer", [2**63 - 1, None, -(2**63)]),
    "u32": (pa.array([2**32 - 1, 0, None], pa.uint32()), "integer", [2**32 - 1, 0, None]),
    "u64 small": (pa.array([1, 2, None], pa.uint64()), "integer", [1, 2, None]),
    "u64": (pa.array([2**64 - 1, 1, None], pa.uint64()), "text", ["18446744073709551615", "1", None]),
    "f32": (pa.array([0.5, None, 1e10], pa.float32()), "number", [0.5, None, 1e10]),
    "f64": (pa.array([float("-inf"), float("nan"), 0.1]), "number", [None, None, 0.1]),
    "bool": (pa.array([True, None, False]), "boolean", [True, None, False]),
    "decimal": (pa.array([Decimal("1.50"), None, Decimal("-2.25")]), "number", [1.5, None, -2.25]),
    "long decimal": (
        pa.array([Decimal("12345678901234567890.12"), None, Decimal("0.01")]), "text", ["12345678901234567890.12", None, "0.01"]
    ),
    "text": (pa.array(["007", "NA", None]), "text", ["007", "NA", None]),
    "large": (pa.array(["北京", "", None], pa.large_string()), "text", ["北京", "", None]),
    "coded": (pa.array(["a", None, "a"]).dictionary_encode(), "text", ["a", None, "a"]),
    "date": (pa.array([date(2024, 2, 29), None, date(1, 1, 1)]), "date", [date(2024, 2, 29), None, date(1, 1, 1)]),
    "us": (pa.array([MOMENT, None, MOMENT], pa.timestamp("us")), "datetime", [MOMENT, None, MOMENT]),
    "ns": (pa.array([MOMENT, None, MOMENT], pa.timestamp("ns")), "datetime", [MOMENT, None, MOMENT]),
    "finer": (pa.array([1, None, 2], pa.timestamp("ns")), "text",
              ["1970-01-01 00:00:00.000000001", None, "1970-01-01 00:00:00.000000002"]),
    "zoned": (
        pa.array([datetime(2024, 1, 5, 10, tzinfo=UTC), None, None], pa.timestamp("us", "Asia/Shanghai")),
        "datetime", [datetime(2024, 1, 5, 10), None, None],
    ),
    "time": (pa.array([time(10, 30), None, time(1, 2, 3)]), "text", ["10:30:00", None, "01:02:03"]),
    "duration": (pa.array([timedelta(hours=30), None, None]), "text", ["1 day, 6:00:00", None, None]),
    "list": (pa.array([[1, 2], None, []]), "text", ["[1, 2]", None, "[]"]),
    "struct": (pa.array([{"a": 1, "b": "é"}, None, {"a": None, "b": ""}]), "text",
               ['{"a": 1, "b": "é"}', None, '{"a": null, "b": ""}']),
    "nothing": (pa.nulls(3), "text", [None, None, None]),
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "write"), WRITERS)
def test_every_type_comes_over_exactly(tmp_path: Path, suffix: str, write: Write) -> None:
    table = pa.table({name: cells for name, (cells, _, _) in COLUMNS.items()})
    report, rows, rejected = read(tmp_path, write(table), f"t{suffix}")
    assert {c.name: c.type for c in report.schema} == {name: kind for name, (_, kind, _) in COLUMNS.items()}
    assert {name: [row[name] for row in rows] for name in COLUMNS} == {n: v for n, (_, _, v) in COLUMNS.items()}
    assert not rejected and any("'zoned'" in note and "UTC" in note for note in report.notes)
    assert "In 'f64' NaN and infinity mean a missing value." in report.notes


@pytest.mark.parametrize(("suffix", "write"), WRITERS)
@pytest.mark.parametrize("cells", [pa.array([b"\xff\0"]), pa.array([[b"x"]]), pa.array([{"a": b"x"}])])
def test_bytes_are_refused_with_the_columns_name(tmp_path: Path, suffix: str, write: Write, cells: pa.Array) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, write(pa.table({"n": [1], "photo": cells})), f"t{suffix}")
    assert refused.value.code == "binary_column" and "'photo'" in refused.value.detail


def test_unique_identifiers_are_text(tmp_path: Path) -> None:
    key = uuid.uuid4()
    table = pa.table({"id": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([key.bytes], pa.binary(16)))})
    assert read(tmp_path, feather(table), "t.feather")[1] == [{"id": str(key)}]


def test_text_can_be_read_as_something(tmp_path: Path) -> None:
    content = parquet(pa.table({"d": ["2024-01-05", "NA"], "n": ["1", "2"]}))
    report, rows, _ = read(tmp_path, content, "t.parquet", types={"d": "date"})
    assert {c.name: c.type for c in report.schema} == {"d": "date", "n": "text"} and rows[0]["d"] == date(2024, 1, 5)


@pytest.mark.parametrize(("suffix", "write"), WRITERS)
def test_the_content_decides_not_the_name(tmp_path: Path, suffix: str, write: Write) -> None:
    report, rows, _ = read(tmp_path, write(pa.table({"a": [1]})), "t.csv")
    assert rows == [{"a": 1}] and report.options["format"] in ("parquet", "arrow")


@pytest.mark.parametrize(("suffix", "write"), WRITERS)
def test_repeated_names_and_many_batches(tmp_path: Path, suffix: str, write: Write) -> None:
    table = pa.table([pa.array(range(200_000)), pa.array(range(200_000))], names=["a", "a"])
    if write is parquet:  # Parquet cannot say which of two equal names is meant
        table = table.rename_columns(["a", "b"])
    report, rows, _ = read(tmp_path, write(table), f"t{suffix}")
    assert report.rows == 200_000 and [list(row.values())[1] for row in rows[::50_000]] == [0, 50_000, 100_000, 150_000]


@pytest.mark.parametrize(("suffix", "write"), WRITERS)
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_damaged_file_says_so(tmp_path: Path, suffix: str, write: Write, cut: float) -> None:
    content = write(pa.table({"a": [str(i) for i in range(5000)], "b": range(5000)}))
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, content[: int(len(content) * cut)], f"t{suffix}")
    assert refused.value.code == "damaged_file" and refused.value.hint


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    for suffix, write in ((".parquet", parquet), (".feather", feather)):
        with pytest.raises(UnreadableFile) as refused:
            read(tmp_path, write(pa.table({"a": pa.array([], pa.int64())})), f"t{suffix}")
        assert refused.value.code == "header_only"


def test_a_long_text_that_a_dictionary_repeats_is_read_in_small_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page holds the text once, and the rows point at it: a few KB that would be gigabytes in one block."""
    monkeypatch.setattr(_columnar, "_TEXT_BYTES", 1 << 20)
    sizes: list[int] = []
    plain = _columnar._block
    monkeypatch.setattr(_columnar, "_block", lambda *args: (b := plain(*args), sizes.append(b.cells.nbytes))[0])
    text = "x" * 10_000
    report, rows, _ = read(tmp_path, parquet(pa.table({"t": [text] * 2000, "n": range(2000)})), "t.parquet")
    assert report.rows == 2000 and rows[-1] == {"t": text, "n": 1999}
    assert max(sizes) < 3 << 20


def test_more_rows_than_the_bytes_can_mean_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_columnar, "_MANY", 10_000)
    monkeypatch.setattr(_columnar, "_RATIO", 1)
    for suffix, content in (
        (".parquet", parquet(pa.table({"a": pa.array([1] * 100_000, pa.int8())}))),
        (".arrow", feather(pa.table({"a": pa.nulls(100_000)}))),
    ):
        with pytest.raises(UnreadableFile) as refused:
            read(tmp_path, content, f"t{suffix}")
        assert refused.value.code == "archive_bomb" and " rows of 1 columns" in refused.value.detail
