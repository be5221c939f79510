"""Downloads: safe for spreadsheets, and identical when read again."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from datasets.export import csv_parts
from rest.spreadsheets import defused, undefused
from tests.datasets.uploads import read

TRICKY = (
    b"text,n,x,day,at,flag,=head\n"
    b'"a ""quote"", comma",1,1.0,2024-01-31,2024-01-31 10:00:00,true,k\n'
    b'"two\nlines",,2.5,,2024-02-01 10:00:00.250000,false,k\n'
    b" spaced ,-3,-0.1,1999-12-31,,,\n"
    b"00123,9223372036854775807,1e-300,2024-02-29,2024-02-29 00:00:00,true,k\n"
)


def exported(folder: Path) -> bytes:
    return b"".join(csv_parts(folder / "rows.parquet"))


def test_a_download_read_again_is_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, rows, _ = read(tmp_path / "a", TRICKY.replace(b"=head", b"head"))
    second, again, _ = read(tmp_path / "b", exported(tmp_path / "a"))
    assert second.schema == first.schema and again == rows
    assert {column.type for column in first.schema} == {"text", "integer", "number", "date", "datetime", "boolean"}


def test_no_cell_begins_like_a_formula(tmp_path: Path) -> None:
    content = b"t,n\n=cmd|' /C calc'!A0,-1\n+1+1,2\n@SUM(A1),3\n-x,4\n'=a,5\nplain,6\n"
    read(tmp_path, content)
    lines = exported(tmp_path).decode().splitlines()
    assert lines[1:] == ["'=cmd|' /C calc'!A0,-1", "'+1+1,2", "'@SUM(A1),3", "'-x,4", "''=a,5", "plain,6"]


def test_a_defused_download_is_identical_when_the_apostrophes_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    content = b"=t,n\n=cmd(),-1\n'=a,5\n''-b,6\n'c,7\nplain,8\n"
    first, rows, _ = read(tmp_path / "a", content)
    second, again, _ = read(tmp_path / "b", exported(tmp_path / "a"), apostrophes="remove")
    assert second.schema == first.schema and again == rows


def test_escaping_can_be_taken_back() -> None:
    for text in ("=a", "'=a", "''+", "plain", "'quoted'", "-1", "", "'"):
        escaped = defused(text)
        assert undefused(escaped) == text
        assert escaped == text or (escaped == f"'{text}" and text.lstrip("'")[0] in "=+-@")


def test_a_name_that_begins_like_a_formula_is_defused_too(tmp_path: Path) -> None:
    read(tmp_path, TRICKY)
    assert exported(tmp_path).splitlines()[0].endswith(b",'=head")


def test_row_groups_are_written_one_after_another(tmp_path: Path) -> None:
    report, _, _ = read(tmp_path, b"i,t\n" + b"".join(b"%d,%06d\n" % (i, i) for i in range(250_000)))
    with pq.ParquetFile(tmp_path / "rows.parquet" / "00000.parquet") as file:
        assert file.num_row_groups > 1
    assert exported(tmp_path).count(b"\n") == report.rows + 1 == 250_001
