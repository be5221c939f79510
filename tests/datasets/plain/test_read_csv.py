"""Reading delimited text: nothing coerced, nothing lost, every record accounted for."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.errors import UnreadableFile
from datasets.formats import _lines
from tests.datasets.uploads import read


def types(report: Any) -> dict[str, str]:
    return {column.name: column.type for column in report.schema}


def column(tmp_path: Path, *values: str, **options: Any) -> tuple[str, list[Any]]:
    """One column `x` of a two-column file: its type and its values."""
    text = "x,y\n" + "".join(f'"{value}",k\n' for value in values)
    report, rows, _ = read(tmp_path, text.encode(), **options)
    return types(report)["x"], [row["x"] for row in rows]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "integer"),
        (["-5", "9223372036854775807"], "integer"),
        (["9223372036854775808", "1"], "text"),
        (["1", "1.5"], "number"),
        (["0.1", "-2e-05"], "number"),
        (["00123", "10115"], "text"),
        (["29E5", "30"], "text"),
        (["1e5", "3"], "text"),
        (["1e-400", "2.5"], "text"),
        (["+5", "6"], "text"),
        (["-0", "0"], "number"),
        (["9007199254740993", "0.5"], "text"),
        (["0.10000000000000001", "1"], "number"),
        (["5.960464477539063e-08", "1.5"], "number"),
        (["1234567890.12345678", "1"], "text"),
        (["inf", "1"], "text"),
        (["1_000", "2"], "text"),
        (["0x10", "2"], "text"),
        (["true", "false"], "boolean"),
        (["True", "False"], "boolean"),
        (["true", "True"], "text"),
        (["yes", "no"], "text"),
        (["2024-02-29", "2023-01-01"], "date"),
        (["2023-02-29", "2023-01-01"], "text"),
        (["2024-1-5", "2024-01-06"], "date"),
        (["2024-01-05 10:00", "2024-01-06T11:30:59.123456"], "datetime"),
        (["2024-01-05", "2024-01-06 11:30"], "datetime"),
        (["2024-01-05T10:00:00Z", "2024-01-06T11:30:59Z"], "datetime"),
        (["2024-01-05T10:00:00+02:00", "2024-01-06T11:30:59Z"], "text"),
        (["31/01/2024", "01/02/2024"], "date"),
        (["01/31/2024", "01/02/2024"], "date"),
        (["01/02/2024", "03/04/2024"], "text"),
        (["31/01/2024", "01/31/2024"], "text"),
        (["1,5", "2,25"], "number"),
        (["1.234,50", "2,25"], "number"),
        (["1,234", "2,345"], "text"),
        (["1,234.5", "2,345"], "number"),
        (["1.2.3", "4.5"], "text"),
        (["", "NA"], "text"),
        (["5", "NA", "?", "-", "null", "N/A"], "integer"),
    ],
)
def test_a_type_is_given_only_when_every_value_prints_back(tmp_path: Path, values: list[str], kind: str) -> None:
    assert column(tmp_path, *values)[0] == kind


def test_values_are_exact(tmp_path: Path) -> None:
    assert column(tmp_path, "1.234,50", "2,25")[1] == [1234.5, 2.25]
    assert column(tmp_path, "31/01/2024", "1/2/2024")[1] == [date(2024, 1, 31), date(2024, 2, 1)]
    assert column(tmp_path, "2024-01-05 10:00", "2024-01-06T11:30:59.123456")[1] == [
        datetime(2024, 1, 5, 10), datetime(2024, 1, 6, 11, 30, 59, 123456)
    ]  # fmt: skip
    assert column(tmp_path, "007", "NA")[1] == ["007", None]


def test_ambiguous_dates_are_settled_by_an_option(tmp_path: Path) -> None:
    report, _, _ = read(tmp_path, b"d,k\n01/02/2024,1\n")
    assert types(report)["d"] == "text" and any("two ways" in note for note in report.notes)
    assert column(tmp_path, "01/02/2024", dates="month first")[1] == [date(2024, 1, 2)]
    assert column(tmp_path, "01/02/2024", dates="day first")[1] == [date(2024, 2, 1)]


def test_a_late_value_changes_the_type_of_the_whole_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block that proposes a type is long over when the value comes that refutes it."""
    monkeypatch.setattr(_lines, "BLOCK", 4096)
    lines = [f"{i},{i},2024-01-01,\n" for i in range(20_000)] + ["20000,1.5,1/2/2024,7\n"]
    report, rows, _ = read(tmp_path, ("i,n,d,late\n" + "".join(lines)).encode())
    assert types(report) == {"i": "integer", "n": "number", "d": "text", "late": "integer"}
    assert rows[-1] == {"i": 20000, "n": 1.5, "d": "1/2/2024", "late": 7} and rows[0]["d"] == "2024-01-01"
    assert report.rows == 20_001 and [row["i"] for row in rows] == list(range(20_001))


def test_large_integers_are_not_rounded_by_a_late_fraction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lines, "BLOCK", 4096)
    text = "n,k\n9007199254740993,1\n" + "1,1\n" * 5000 + "0.5,1\n"
    report, rows, _ = read(tmp_path, text.encode())
    assert types(report)["n"] == "text" and rows[0]["n"] == "9007199254740993"


def test_ragged_lines_are_kept_with_line_and_reason(tmp_path: Path) -> None:
    content = b'a,b,c\r\n1,"x\r\ny",3\r\n\r\n4,5\r\n6,"q""q",7\r\n1,2,3,4\r\n'
    report, rows, rejected = read(tmp_path, content)
    assert [row["b"] for row in rows] == ["x\r\ny", 'q"q']
    assert [(line["line"], line["text"]) for line in rejected] == [("5", "4,5"), ("7", "1,2,3,4")]
    assert "3 where" not in rejected[0]["reason"] and "2 fields where the table has 3" in rejected[0]["reason"]
    assert report.rows + report.rejected_rows == 4


@pytest.mark.parametrize("size", [64, 256, 4096])
def test_line_numbers_hold_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(_lines, "BLOCK", size)
    monkeypatch.setattr(_lines, "LARGE", 1 << 10)
    lines = ["a,b"]
    for i in range(2000):
        lines.append(f'"{i}\n\n",x' if i % 7 == 0 else f"{i},y" if i % 11 else f"{i}")
    text = "\n".join(lines) + "\n"
    report, _, rejected = read(tmp_path, text.encode())
    physical = text.split("\n")
    assert report.rows + report.rejected_rows == 2000 and rejected
    assert all(physical[int(line["line"]) - 1] == line["text"] for line in rejected)


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.sampled_from(["a", "", "x\ny", "\n\n\n", 'say ""hi""', "1,5", "\n"]), min_size=1, max_size=60))
def test_two_threads_survey_a_file_as_one_does(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    """Whether the middle of the file is inside quotes is not known where the second thread begins."""
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text("".join(f'"{cell}",k\n' for cell in cells))
    with pytest.MonkeyPatch.context() as patch:
        alone = _lines.Survey(path, ",", 1 << 20).spans(0, 1)
        patch.setattr(_lines, "LARGE", 1)
        halves = _lines.Survey(path, ",", 24).spans(0, 1)
    data = path.read_bytes()
    assert sum(span.lines for span in halves) == sum(span.lines for span in alone) == data.count(b"\n")
    assert [span.start for span in halves] == [0, *(span.stop for span in halves[:-1])] and halves[-1].stop == len(data)
    for span in halves:
        assert span.line == 1 + data.count(b"\n", 0, span.start) and data.count(b'"', 0, span.start) % 2 == 0


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("a,b\n1,2\n", "comma"), ("a;b\n1,5;2,5\n", "semicolon"), ("a\tb\nx, y\tz\n", "tab"), ("a|b\n1|2\n", "pipe"),
     ("a;b;c\nx,y;1;2\nz;3;4\n", "semicolon")],
)  # fmt: skip
def test_delimiters_are_found(tmp_path: Path, text: str, delimiter: str) -> None:
    assert read(tmp_path, text.encode())[0].options["delimiter"] == delimiter


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "name,n\nJosé,1\n"),
        ("gb18030", "姓名,城市\n张三,北京\n李四,上海\n王五,广州\n"),
        ("windows-1252", "name,n\nMüller,1\nFrançois – “x”,2\n"),
        ("utf-16-le", "name,n\nJosé,1\n"),
    ],
)
def test_encodings_are_found(tmp_path: Path, encoding: str, text: str) -> None:
    report, rows, _ = read(tmp_path, text.encode(encoding))
    assert report.options["encoding"] == encoding
    assert [next(iter(row.values())) for row in rows] == [line.split(",")[0] for line in text.splitlines()[1:]]


def test_the_first_odd_byte_may_come_late(tmp_path: Path) -> None:
    text = "name,n\n" + "plain,1\n" * 50_000 + "Müller,2\n"
    report, rows, _ = read(tmp_path, text.encode("windows-1252"))
    assert report.options["encoding"] == "windows-1252" and rows[-1]["name"] == "Müller"


def test_byte_order_marks_are_no_part_of_the_name(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert list(types(read(tmp_path, "a,b\n1,2\n".encode(encoding))[0])) == ["a", "b"]


def test_headers_are_made_unique_and_named(tmp_path: Path) -> None:
    report, _, _ = read(tmp_path, b"a,a,,a_2\n1,2,3,4\n")
    assert list(types(report)) == ["a", "a_3", "column_3", "a_2"] and len(report.notes) == 2


def test_a_file_without_a_header_keeps_its_first_line(tmp_path: Path) -> None:
    report, rows, _ = read(tmp_path, b"A11,6,x\nA12,48,y\n")
    assert report.options["header"] == "no" and len(rows) == 2
    assert read(tmp_path, b"A11,6,x\nA12,48,y\n", header="yes")[0].rows == 1


def test_old_line_ends_and_trailing_delimiters(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\r1,2\r3,4\r")[0].rows == 2
    report, _, rejected = read(tmp_path, b"a,b\n1,2,\n3,4,\n")
    assert report.rows == 2 and not rejected


def test_stray_quotes_are_text(tmp_path: Path) -> None:
    _, rows, _ = read(tmp_path, b'a,b\n1,5" pipe\n2,y\n')
    assert rows[0]["b"] == '5" pipe'


def test_backslash_quotes(tmp_path: Path) -> None:
    _, rows, _ = read(tmp_path, b'a,b\n1,"say \\"hi\\", ok"\n', escape="backslash")
    assert rows == [{"a": 1, "b": 'say "hi", ok'}]


def test_broken_lines_can_be_set_aside(tmp_path: Path) -> None:
    report, rows, rejected = read(tmp_path, b'a,b\n1,"x\n2,y\n3,"z"z\n4,w\n', broken_quotes="reject")
    assert [row["a"] for row in rows] == [2, 4] and [line["line"] for line in rejected] == ["2", "4"]
    assert report.rows + report.rejected_rows == 4


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (b"", "empty_file", ""),
        (b"\n\n \n", "empty_file", ""),
        (b"a,b,c\n", "header_only", ""),
        (b"a,b,c", "header_only", ""),
        (b"\x89PNG\r\n\x1a\n", "binary_file", "PNG"),
        (b"PK\x03\x04....", "binary_file", "zip"),
        (b"a,b\n1,2\n3,\x00\n", "binary_file", "Line 3"),
        (b'a,b\n1,2\n3,"x\n', "broken_quotes", "Line 3"),
        (b'a,b\n1,2\n3,"x"y\n', "broken_quotes", "Line 3"),
        (b"a,b,c\n1,2\n3,4\n", "no_row_fits", "line 2"),
        (b",".join(b"c%d" % i for i in range(100_000)) + b"\n" + b"1," * 99_999 + b"1\n", "too_many_columns", "100,000"),
        (b"a,b\n" + b"x" * 40_000_000, "line_too_long", "Line 2"),
        (b"x" * 40_000_000, "line_too_long", "Line 1"),
        (b'a,b\n1,"' + b"x\n" * 9_000_000, "broken_quotes", "Line 2"),
    ],
)  # fmt: skip
def test_bad_input_says_what_where_and_what_to_do(tmp_path: Path, content: bytes, code: str, where: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, content)
    assert refused.value.code == code and where in refused.value.detail and refused.value.hint
    assert not (tmp_path / "rows.parquet").exists()


cells = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_every_cell_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], ending: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    options = {"types": dict.fromkeys(["first", "second", "third"], "text"), "missing": [], "header": "yes"}
    report, found, rejected = read(
        tmp_path_factory.mktemp("t"), out.getvalue().encode(), encoding="utf-8", delimiter="comma", **options
    )
    assert not rejected and [tuple(row.values()) for row in found] == rows
    assert report.rows == len(rows)


def test_missing_spellings_are_noted(tmp_path: Path) -> None:
    report, rows, _ = read(tmp_path, b"a,b\nNA,x\n3,?\n4,NA\n")
    assert [row["a"] for row in rows] == [None, 3, 4] and [row["b"] for row in rows] == ["x", None, None]
    assert any("'NA' (1)" in note and "'a'" in note for note in report.notes)
    _, rows, _ = read(tmp_path, b"a,b\nNA,x\nNL,?\n", missing=[""])
    assert rows[0]["a"] == "NA"


def test_a_line_with_two_fields_in_a_table_of_one_column_is_rejected(tmp_path: Path) -> None:
    report, rows, rejected = read(tmp_path, b"word\nfirst\n\ntwo,fields\nlast\n", delimiter="comma", header="yes")
    assert [row["word"] for row in rows] == ["first", None, "last"]
    assert report.rejected_rows == 1 and rejected[0]["line"] == "4"
