"""Every registered file format keeps the reader's promises: exact, accounted for, deterministic, bounded, refused clearly."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from datasets.errors import UnreadableFile
from datasets.formats._base import Format
from datasets.ingestion.opening import FORMATS, check_options, params_for
from plugins.params import ParamError
from tests.datasets.uploads import read

Rows = list[dict[str, Any]]
ALL = [pytest.param(fmt, id=fmt.name) for fmt in FORMATS]
TYPES = {"i": "integer", "n": "number", "b": "boolean", "d": "date", "t": "datetime", "s": "text", "名前": "text"}
ROWS: Rows = [
    {"i": 1, "n": 0.1, "b": True, "d": date(2024, 2, 29), "t": datetime(2024, 1, 5, 10, 30), "s": "Zürich", "名前": "北京"},
    {"i": None, "n": None, "b": None, "d": None, "t": None, "s": None, "名前": None},
    {"i": -3, "n": 1e-7, "b": False, "d": date(1899, 12, 31), "t": datetime(2024, 1, 6), "s": "a, b; c", "名前": "🙂"},
    {"i": 2**53, "n": 2.5, "b": True, "d": date(9999, 12, 31), "t": datetime(1970, 1, 1, 0, 0, 1), "s": "007", "名前": "x"},
]  # fmt: skip


def as_csv(rows: Rows) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows([{k: str(v).lower() if isinstance(v, bool) else v for k, v in row.items()} for row in rows])
    return out.getvalue().encode()


def as_excel(rows: Rows) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("t")
    sheet.append(list(rows[0]))
    for row in rows:
        # Excel has no day before 1900.
        sheet.append([v.isoformat() if isinstance(v, date) and v.year < 1900 else v for v in row.values()])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows, default=str, ensure_ascii=False, indent=1).encode()


def as_jsonl(rows: Rows) -> bytes:
    return "\n".join(json.dumps(row, default=str, ensure_ascii=False) for row in rows).encode()


def as_parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def as_arrow(rows: Rows) -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(pa.Table.from_pylist(rows), out)
    return out.getvalue()


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "csv": as_csv, "excel": as_excel, "json": as_json, "jsonl": as_jsonl, "parquet": as_parquet, "arrow": as_arrow,
}  # fmt: skip


def name_of(fmt: Format) -> str:
    return f"table{fmt.suffixes[0]}"


def test_every_format_is_held_to_this() -> None:
    assert set(WRITERS) == set(FORMATS.names()), "a new format needs its writer here"
    suffixes = [suffix for fmt in FORMATS for suffix in fmt.suffixes]
    assert len(suffixes) == len(set(suffixes)), "two formats claim one ending"


@pytest.mark.parametrize("fmt", ALL)
def test_it_declares_itself(fmt: Format) -> None:
    assert fmt.name.isidentifier() and fmt.label and all(suffix.startswith(".") for suffix in fmt.suffixes)
    names = [param.name for param in params_for(fmt.name)]
    assert len(names) == len(set(names))
    for param in fmt.params:
        assert param.help.endswith("."), param.name
        assert param.default is None or param.validate(param.default) == param.default
    with pytest.raises(ParamError) as refused:
        check_options({"no_such_option": 1}, name_of(fmt))
    assert refused.value.field == "no_such_option"


@pytest.mark.parametrize("fmt", ALL)
def test_all_types_come_back(fmt: Format, tmp_path: Path) -> None:
    report, rows, rejected = read(tmp_path, WRITERS[fmt.name](ROWS), name_of(fmt))
    assert report.options["format"] == fmt.name and not rejected
    assert {column.name: column.type for column in report.schema} == TYPES
    blanks = 1 - sum(not any(row.values()) for row in rows)  # text tables and sheets have no record without a value
    assert rows == [row for row in ROWS if any(row.values()) or not blanks]


@pytest.mark.parametrize("fmt", ALL)
def test_it_is_known_by_its_content(fmt: Format, tmp_path: Path) -> None:
    for name in ("table", "table.csv", "table.dat"):
        assert read(tmp_path, WRITERS[fmt.name](ROWS), name)[0].options["format"] == fmt.name


@pytest.mark.parametrize("fmt", ALL)
def test_the_stored_options_read_the_same_again(fmt: Format, tmp_path: Path) -> None:
    content = WRITERS[fmt.name](ROWS)
    first, rows, _ = read(tmp_path, content, name_of(fmt))
    again, rows_again, _ = read(tmp_path, content, name_of(fmt), **first.options)
    assert rows_again == rows and again.options == first.options and again.schema == first.schema


@pytest.mark.parametrize("fmt", ALL)
def test_two_readings_are_equal(fmt: Format, tmp_path: Path) -> None:
    content = WRITERS[fmt.name]([{**row, "k": i} for i, row in enumerate(ROWS * 500)])
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first, second = (read(tmp_path / folder, content, name_of(fmt)) for folder in "12")
    assert first == second


@pytest.mark.parametrize("fmt", ALL)
@pytest.mark.parametrize("content", [b"", b"\0" * 5000, bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n" + b"\0" * 500],
                         ids=["empty", "NULs", "every byte", "an image"])  # fmt: skip
def test_what_is_no_table_is_refused(fmt: Format, content: bytes, tmp_path: Path) -> None:
    for options in ({}, {"format": fmt.name}):
        assert_refused(tmp_path, content, name_of(fmt), **options)


@pytest.mark.parametrize("fmt", ALL)
def test_a_file_that_is_cut_off_is_refused_or_accounted_for(fmt: Format, tmp_path: Path) -> None:
    content = WRITERS[fmt.name](ROWS * 100)
    for share in (0.02, 0.5, 0.95):
        try:
            report, rows, rejected = read(tmp_path, content[: int(share * len(content))], name_of(fmt))
        except UnreadableFile as refused:
            assert refused.code and refused.detail and refused.hint
        else:
            assert fmt.head is not None, "only text can be cut after a record"
            assert report.rows == len(rows) and report.rejected_rows <= len(rejected)


@pytest.mark.parametrize("fmt", ALL)
def test_bytes_that_are_wrong_never_end_in_another_error(fmt: Format, tmp_path: Path) -> None:
    content, chance = WRITERS[fmt.name](ROWS * 20), random.Random(7)
    for _ in range(4 if fmt.name == "excel" else 25):
        spoiled = bytearray(content)
        for _ in range(chance.choice([1, 3, 20])):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        try:
            read(tmp_path, bytes(spoiled), name_of(fmt))
        except UnreadableFile as refused:
            assert refused.code and refused.detail and refused.hint


@pytest.mark.parametrize("fmt", ALL)
def test_more_columns_than_can_be_read_are_refused(fmt: Format, tmp_path: Path) -> None:
    refused = assert_refused(tmp_path, WRITERS[fmt.name]([{f"c{i}": i for i in range(10_001)}] * 2), name_of(fmt))
    assert refused.code == "too_many_columns" and "10,001" in refused.detail


@pytest.mark.parametrize("fmt", ALL)
def test_a_table_without_rows_is_refused(fmt: Format, tmp_path: Path) -> None:
    empty = {
        "json": b"[]", "jsonl": b"\n\n", "csv": b"a,b\n", "excel": as_excel([{"a": None}]),
        "parquet": as_parquet([{"a": 1}]), "arrow": as_arrow([{"a": 1}]),
    }  # fmt: skip
    if fmt.name in ("parquet", "arrow"):
        table, out = pa.table({"a": pa.array([], pa.int64())}), io.BytesIO()
        write = pyarrow.parquet.write_table if fmt.name == "parquet" else pyarrow.feather.write_feather
        write(table, out)
        empty[fmt.name] = out.getvalue()
    assert assert_refused(tmp_path, empty[fmt.name], name_of(fmt)).code in ("header_only", "empty_file")


@pytest.mark.parametrize("fmt", ALL)
def test_memory_does_not_grow_with_the_file(fmt: Format, tmp_path: Path) -> None:
    """The peak of the reading process for a table of many blocks, beside that for one of few rows."""
    small, large = (10, 20_000) if fmt.name == "excel" else (10, 150_000)
    source = tmp_path / "big"
    peaks = []
    for rows in (small, large):
        source.write_bytes(
            WRITERS[fmt.name]([{"i": i, "n": i / 7, "s": f"name {i}", "t": "x" * 40} for i in range(rows)])
        )
        peaks.append(int(python(MEASURE, str(source), name_of(fmt), str(tmp_path / f"out{rows}"))))
    assert peaks[1] - peaks[0] < 120, peaks


MEASURE = """
import resource, sys
from pathlib import Path
from datasets.ingestion.ingest import ingest
source, name, out = sys.argv[1:]
Path(out).mkdir()
ingest(Path(source), Path(out) / "rows", Path(out) / "rejects", filename=name, options={}, progress=lambda share, note: None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


def python(code: str, *arguments: str) -> str:
    environment = {"PYTHONPATH": "platform:."}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_declarations_need_no_heavy_library() -> None:
    """A web process lists the formats, and checks options, without a table library."""
    python(
        "import sys; from datasets.ingestion.opening import FORMATS, check_options, params_for;"
        "[(params_for(name), check_options({}, 'x' + FORMATS[name].suffixes[0])) for name in FORMATS.names()];"
        "heavy = {'pyarrow', 'polars', 'pandas', 'numpy', 'python_calamine', 'django'} & set(sys.modules);"
        "assert not heavy, heavy"
    )


def assert_refused(tmp_path: Path, content: bytes, name: str, **options: Any) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, content, name, **options)
    assert refused.value.code and refused.value.detail and refused.value.hint
    return refused.value
