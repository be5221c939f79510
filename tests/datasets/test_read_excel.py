"""Reading workbooks, made by the programs that make them: openpyxl, xlwt, odfpy."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from datasets.errors import UnreadableFile
from tests.datasets.uploads import read

Rows = list[list[Any]]
PEOPLE: Rows = [
    ["name", "age", "income", "member", "born", "seen"],
    ["Ada", 36, 1200.5, True, date(1988, 12, 10), datetime(2024, 1, 5, 10, 30)],
    ["北京", None, 900, False, None, datetime(2024, 1, 6)],
    ["Zürich", 51, None, True, date(2024, 2, 29), None],
]
TYPES = {"name": "text", "age": "integer", "income": "number", "member": "boolean", "born": "date", "seen": "datetime"}


def xlsx(*sheets: Rows, change: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(rows: Rows) -> bytes:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet 1")
    styles = {date: xlwt.easyxf(num_format_str="YYYY-MM-DD"), datetime: xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM")}
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell is not None:
                sheet.write(r, c, cell, styles.get(type(cell), xlwt.Style.default_style))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(rows: Rows) -> bytes:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    def cell_of(value: Any) -> Any:
        if value is None:
            return TableCell()
        if isinstance(value, bool):
            return TableCell(valuetype="boolean", booleanvalue=str(value).lower())
        if isinstance(value, int | float):
            return TableCell(valuetype="float", value=repr(value))
        if isinstance(value, date):
            return TableCell(valuetype="date", datevalue=value.isoformat())
        made = TableCell(valuetype="string")
        made.addElement(P(text=str(value)))
        return made

    book = OpenDocumentSpreadsheet()
    table = Table(name="Sheet 1")
    for row in rows:
        line = TableRow()
        for value in row:
            line.addElement(cell_of(value))
        table.addElement(line)
    book.spreadsheet.addElement(table)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def types(report: Any) -> dict[str, str]:
    return {column.name: column.type for column in report.schema}


@pytest.mark.parametrize(("suffix", "write"), [(".xlsx", xlsx), (".xls", xls), (".ods", ods)])
def test_every_type_is_read_as_it_is_shown(tmp_path: Path, suffix: str, write: Callable[[Rows], bytes]) -> None:
    report, rows, rejected = read(tmp_path, write(PEOPLE), f"people{suffix}")
    assert types(report) == TYPES and report.options["format"] == "excel"
    expected = [dict(zip(PEOPLE[0], row, strict=True)) for row in PEOPLE[1:]]
    assert rows == expected and not rejected


def test_a_workbook_with_a_false_name_is_recognised(tmp_path: Path) -> None:
    report, rows, _ = read(tmp_path, xlsx(PEOPLE), "people.csv", delimiter="semicolon")
    assert report.options["format"] == "excel" and len(rows) == 3
    assert any("ends in .csv" in note for note in report.notes)
    report, rows, _ = read(tmp_path, b"a,b\n1,2\n", "people.xlsx")
    assert report.options["format"] == "csv" and any("ends in .xlsx" in note for note in report.notes)


def test_the_first_sheet_with_data_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    def hide(book: Any) -> None:
        book.create_sheet("Secret", 0)["A1"] = "x"
        book["Secret"].sheet_state = "hidden"

    content = xlsx([], PEOPLE, [["a"], [1]], change=hide)
    report, rows, _ = read(tmp_path, content, "people.xlsx")
    assert report.options["sheet"] == "Sheet 2" and len(rows) == 3
    assert any("'Sheet 2' was read" in note and "'Sheet 3'" in note for note in report.notes)
    assert read(tmp_path, content, "people.xlsx", sheet="Sheet 3")[1] == [{"a": 1}]
    for sheet, code in (("Nope", "no_such_sheet"), ("Sheet 1", "empty_file")):
        with pytest.raises(UnreadableFile) as refused:
            read(tmp_path, content, "people.xlsx", sheet=sheet)
        assert refused.value.code == code and sheet in refused.value.detail


def test_a_table_may_stand_anywhere_on_its_sheet(tmp_path: Path) -> None:
    blank: list[Any] = [None] * 4
    rows: Rows = [["Members of the club", None, None, None], ["as of", date(2024, 1, 1), None, None], blank,
                  [None, None, "name", "n"], [None, None, "Ada", 1], blank, [None, None, "Bo", 2], blank]  # fmt: skip
    report, found, _ = read(tmp_path, xlsx(rows), "t.xlsx")
    assert report.options["skip_lines"] == 3 and report.rows == 2
    assert [list(row.values())[-2:] for row in found] == [["Ada", 1], ["Bo", 2]]
    assert any("Members of the club" in note for note in report.notes)
    again, rows_again, _ = read(tmp_path, xlsx(rows), "t.xlsx", skip_lines=3)
    assert rows_again == found and types(again) == types(report)


def test_columns_beside_the_table_are_no_part_of_it(tmp_path: Path) -> None:
    report, rows, _ = read(tmp_path, xlsx([[None, None, "a", "b"], [None, None, 1, 2]]), "t.xlsx")
    assert rows == [{"a": 1, "b": 2}] and report.columns == 2


def test_identifiers_stay_exact(tmp_path: Path) -> None:
    rows: Rows = [
        ["id", "zip", "sku", "mixed"],
        ["12345678901234567890", "01234", "29E5", 7],
        ["2", "10115", "30", "x"],
    ]
    report, found, _ = read(tmp_path, xlsx(rows), "t.xlsx")
    assert set(types(report).values()) == {"text"}
    assert list(found[0].values()) == ["12345678901234567890", "01234", "29E5", "7"]


def test_whole_numbers_beyond_a_double_are_read_from_the_file_itself(tmp_path: Path) -> None:
    """Programs other than Excel write all digits; reading them as doubles would change them."""
    content = xlsx([["n", "m"], [111, 222], [5, 6]])
    patched = replace_in(content, "xl/worksheets/sheet1.xml", (b"<v>111</v>", b"<v>9007199254740993</v>"),
                         (b"<v>222</v>", b"<v>12345678901234567890</v>"))  # fmt: skip
    report, rows, _ = read(tmp_path, patched, "t.xlsx")
    assert rows[0] == {"n": 9007199254740993, "m": "12345678901234567890"} and types(report)["n"] == "integer"


def replace_in(content: bytes, part: str, *changes: tuple[bytes, bytes]) -> bytes:
    """The workbook with some bytes of one part replaced."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            for before, after in changes if info.filename == part else ():
                assert before in data, data
                data = data.replace(before, after)
            new.writestr(info.filename, data)
    return out.getvalue()


def test_cells_with_an_error_are_missing_and_named(tmp_path: Path) -> None:
    def spoil(book: Any) -> None:
        for place, error in (("B3", "#DIV/0!"), ("B5", "#DIV/0!"), ("A4", "#N/A")):
            book["Sheet 1"][place] = error
            book["Sheet 1"][place].data_type = "e"

    rows: Rows = [["k", "n"], *([f"k{i}", i * 1.5] for i in range(8))]
    report, found, _ = read(tmp_path, xlsx(rows, change=spoil), "t.xlsx")
    assert types(report)["n"] == "number" and [row["n"] for row in found][:4] == [0.0, None, 3.0, None]
    assert found[2]["k"] is None and any("#DIV/0!: B3, B5" in note for note in report.notes)


def test_times_and_durations_are_text(tmp_path: Path) -> None:
    rows: Rows = [
        ["t", "d", "s"],
        [time(10, 30), timedelta(hours=30, minutes=5), "a"],
        [time(23, 59, 59), timedelta(minutes=1), "b"],
    ]
    _, found, _ = read(tmp_path, xlsx(rows), "t.xlsx")
    assert [row["t"] for row in found] == ["10:30:00", "23:59:59"]
    assert [row["d"] for row in found] == ["30:05:00", "00:01:00"]


def test_merged_ranges_hold_their_value_once_or_everywhere(tmp_path: Path) -> None:
    def merge(book: Any) -> None:
        book["Sheet 1"].merge_cells("A2:A3")

    content = xlsx([["k", "n"], ["x", 1], [None, 2], ["y", 3]], change=merge)
    report, rows, _ = read(tmp_path, content, "t.xlsx")
    assert [row["k"] for row in rows] == ["x", None, "y"] and any("Merged" in note for note in report.notes)
    assert [row["k"] for row in read(tmp_path, content, "t.xlsx", merged="fill")[1]] == ["x", "x", "y"]


def test_a_header_of_several_lines_is_joined(tmp_path: Path) -> None:
    rows: Rows = [["", 2023, None, 2024, None], ["name", "Q1", "Q2", "Q1", "Q2"], ["a", 1, 2, 3, 4], ["b", 5, 6, 7, 8]]
    report, found, _ = read(tmp_path, xlsx(rows), "t.xlsx", header_lines=2, header="yes")
    assert list(types(report)) == ["name", "2023 Q1", "2023 Q2", "2024 Q1", "2024 Q2"] and len(found) == 2


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda content: content[: len(content) // 2], "damaged_file"),
        (lambda content: content[:200], "damaged_file"),
        (lambda content: replace_in(content, "xl/worksheets/sheet1.xml", (b"</sheetData>", b"</")), "damaged_file"),
        (lambda content: replace_in(content, "xl/workbook.xml", (b"<sheets>", b"<")), "damaged_file"),
    ],
)  # fmt: skip
def test_a_damaged_workbook_says_so(tmp_path: Path, spoil: Callable[[bytes], bytes], code: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, spoil(xlsx(PEOPLE)), "people.xlsx")
    assert refused.value.code == code and refused.value.hint


def test_stray_cells_far_away_are_refused_with_what_to_do(tmp_path: Path) -> None:
    def stray(book: Any) -> None:
        book["Sheet 1"]["XFD1048576"] = 1

    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, xlsx(PEOPLE, change=stray), "people.xlsx")
    assert refused.value.code in ("too_large", "too_many_columns") and "stray cells" in refused.value.hint


def test_a_long_sheet_is_read_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Rows = [["i", "x"], *([i, i / 2] for i in range(45_000))]
    report, found, _ = read(tmp_path, xlsx(rows), "t.xlsx")
    assert report.rows == 45_000 and found[-1] == {"i": 44_999, "x": 22499.5}
    assert [row["i"] for row in found] == list(range(45_000))


def test_a_column_of_numbers_is_printed_as_its_cells_are() -> None:
    from datasets.formats import _workbook

    values = [0.0, -3.0, 0.1, 1e15, 283474765220063.1, 2.0**53, 2.0**53 + 2, 1e22, 1e-7, 5e-324, 1e300, 0.1 + 0.2]
    for cells in (values, values[:1], [1.0, 2.0], ["", 1.5, "", 2.0], [7.0, ""]):
        expected = [None if cell == "" else _workbook.PRINT[float](cell) for cell in cells]
        assert _workbook._texts(tuple(cells)).to_pylist() == expected
