"""The shapes that delimited text comes in: delimiters, quotes, titles above, totals below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.errors import UnreadableFile
from datasets.ingestion.opening import check_options
from plugins.params import ParamError
from tests.datasets.uploads import read


def table(tmp_path: Path, text: str, **options: Any) -> tuple[Any, list[list[Any]], list[dict[str, str]]]:
    """The report, names and rows as lists, and the rejected lines."""
    report, rows, rejected = read(tmp_path, text.encode(), **options)
    return report, [list(rows[0]), *(list(row.values()) for row in rows)], rejected


AB = [["a", "b"], [1, "x"], [2, "y"]]


@pytest.mark.parametrize(
    ("text", "found", "rows"),
    [
        ("a^b\n1^x\n2^y\n", {"delimiter": "caret"}, AB),
        ("sep=;\na;b\n1;x\n2;y\n", {"delimiter": "semicolon", "skip_lines": 1}, AB),
        ("sep=~\r\na~b\r\n1~x\r\n2~y\r\n", {"delimiter": "other", "sign": "~"}, AB),
        ("a b c\n1 x 2\n2 y 3\n", {"delimiter": "spaces"}, [["a", "b", "c"], [1, "x", 2], [2, "y", 3]]),
        ("a     b     c\n 1.5  x y?  2\n", {"delimiter": "comma"}, None),
        ('18.0   8   307.0\t"chevrolet malibu"\n15.0   8   350.0\t"buick"\n', {"delimiter": "spaces", "header": "no"}, None),
        ("A11 6 A34 1169\nA12 48 A32 5951\n", {"delimiter": "spaces", "header": "no"}, None),
        ("a,b\n'x, y',1\n'z, w',2\n", {"quote": "single"}, [["a", "b"], ["x, y", 1], ["z, w", 2]]),
        ('a,b\n1,"x \\"q\\", z"\n2,"w \\"r\\", v"\n', {"escape": "backslash"}, [["a", "b"], [1, 'x "q", z'], [2, 'w "r", v']]),
        ("a,b\n1,it's\n2,'twas\n", {"quote": "double"}, [["a", "b"], [1, "it's"], [2, "'twas"]]),
        ("n;x\n1,5;a\n2,25;b\n", {"delimiter": "semicolon"}, [["n", "x"], [1.5, "a"], [2.25, "b"]]),
        ("t\n10:00:00\n11:30:00\n", {"delimiter": "comma"}, [["t"], ["10:00:00"], ["11:30:00"]]),
    ],
)  # fmt: skip
def test_the_dialect_is_found(tmp_path: Path, text: str, found: dict[str, Any], rows: list[Any] | None) -> None:
    report, got, rejected = table(tmp_path, text)
    assert {key: report.options[key] for key in found} == found and not rejected
    assert rows is None or got == rows


def test_what_was_found_reads_the_same_again(tmp_path: Path) -> None:
    for text in ("sep=~\na~b\n1~x\n", "Report\n\na;b\n1;x\n", "a b c\n1 x 2\n2 y 3\n", "a,b\n'x, y',1\n'z, w',2\n"):
        report, rows, _ = table(tmp_path, text)
        options = {key: value for key, value in report.options.items() if value is not None}
        again, rows_again, _ = table(tmp_path, text, **options)
        assert rows_again == rows and again.options == report.options


def test_any_sign_can_be_the_delimiter(tmp_path: Path) -> None:
    assert table(tmp_path, "a:b\n1:x\n2:y\n", delimiter="colon")[1] == AB
    assert table(tmp_path, "a!b\n1!x\n2!y\n", delimiter="other", sign="!")[1] == AB
    for sign in ("", "ab", "x", "é", '"', "\n", " "):
        with pytest.raises(ParamError) as refused:
            check_options({"delimiter": "other", "sign": sign}, "t.csv")
        assert refused.value.field == "sign"


def test_quotes_can_be_without_a_meaning(tmp_path: Path) -> None:
    report, rows, _ = table(tmp_path, 'a,b\n1,"x\n2,y"z\n', quote="none")
    assert rows == [["a", "b"], [1, '"x'], [2, 'y"z']] and report.options["quote"] == "none"


@pytest.mark.parametrize(
    ("text", "skip"),
    [
        ("Sales report\nas of 2024-01-05\n\na,b\n1,x\n2,y\n", 3),
        ("Sales report,\n,\na,b\n1,x\n2,y\n", 2),
        ("# made by a program\n# version 2\na,b\n1,x\n2,y\n", 2),
        ("# a comment, with a comma\na,b\n1,x\n2,y\n", 1),
        ("\n\na,b\n1,x\n2,y\n", 2),
        ('He said "hi\na,b\n1,x\n2,y\n', 1),
        ("a,b\n1,x\n2,y\n", 0),
    ],
)
def test_lines_before_the_table_are_found(tmp_path: Path, text: str, skip: int) -> None:
    report, rows, rejected = table(tmp_path, text)
    assert rows == AB and report.options["skip_lines"] == skip and not rejected
    assert table(tmp_path, text, skip_lines=skip)[1] == AB
    assert not text.startswith(("Sales", "#", "He")) or any("Before the table" in note for note in report.notes)


@pytest.mark.parametrize(
    "text",
    [
        "#id,name\n1,Bo\n2,Al\n",
        "#id,name\nk1,Bo\nk2,Al\n",
        "a,\n1,2\n3,4\n",
        "x,y,z\n1,,\n2,,\n",
        "name\nBo\nAl\n",
        "a,b\n,\n1,2\n",
    ],
)
def test_a_header_is_not_taken_for_a_title(tmp_path: Path, text: str) -> None:
    report, _, _ = table(tmp_path, text)
    assert report.options["skip_lines"] == 0 and report.options["header"] == "yes"


def test_line_numbers_count_the_lines_before_the_table(tmp_path: Path) -> None:
    text = 'Report\n\na,"b\nc"\n1,x\n2\n3,y\n'
    _, _, rejected = table(tmp_path, text)
    assert [(line["line"], line["text"]) for line in rejected] == [("6", "2")]


def test_a_header_of_several_lines(tmp_path: Path) -> None:
    text = ",2023,,2024,\nname,Q1,Q2,Q1,Q2\nx,1,2,3,4\ny,5,6,7,8\n"
    _, rows, _ = table(tmp_path, text, header_lines=2, header="yes")
    assert rows[0] == ["name", "2023 Q1", "2023 Q2", "2024 Q1", "2024 Q2"] and len(rows) == 3


@pytest.mark.parametrize("label", ["Total", "TOTAL:", "Grand total", "Summe", "合计", "总计", "Итого:"])
def test_a_last_line_of_totals_is_set_aside(tmp_path: Path, label: str) -> None:
    text = f"region,n\nNorth,1\nSouth,2\n{label},3\n"
    report, rows, rejected = table(tmp_path, text)
    assert rows[1:] == [["North", 1], ["South", 2]] and report.rows + report.rejected_rows == 3
    assert rejected[0]["line"] == "4" and "totals" in rejected[0]["reason"] and rejected[0]["text"] == f"{label},3"
    assert len(table(tmp_path, text, totals="keep")[1]) == 4


@pytest.mark.parametrize(
    "text", ["n,x\n1,Total\n2,b\n", "x,n\nTotal,1\nb,2\n", "x\na\nTotal\n", "x,n\nTotal SA,1\nTotalled,2\n"]
)
def test_other_lines_that_say_total_are_records(tmp_path: Path, text: str) -> None:
    report, rows, rejected = table(tmp_path, text)
    assert report.rows == 2 and not rejected and len(rows) == 3


def test_a_footer_is_among_the_rejects(tmp_path: Path) -> None:
    _, rows, rejected = table(tmp_path, "a,b\n1,x\n2,y\nSource: Eurostat\n")
    assert rows == AB and rejected[0]["text"] == "Source: Eurostat" and rejected[0]["line"] == "4"


@pytest.mark.parametrize("head", ["<!DOCTYPE html><html><table>", "<html>", "<?xml version='1.0'?><a/>", "  \n<HTML>"])
def test_pages_and_markup_are_no_tables(tmp_path: Path, head: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, (head + "<tr><td>1</td></tr>\n").encode(), "export.xls")
    assert refused.value.code == "markup_file" and "CSV" in refused.value.hint


def test_a_return_alone_ends_a_line_outside_quotes(tmp_path: Path) -> None:
    text = 'a,b\n1,x\ry\n2,z\r\n3,"q\rr"\r4,w\n'
    report, rows, rejected = table(tmp_path, text)
    assert rows[1:] == [[1, "x"], [2, "z"], [3, "q\rr"], [4, "w"]] and report.rows + report.rejected_rows == 5
    assert [(line["line"], line["text"]) for line in rejected] == [("3", "y")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1,2", "3", "4,5,6", '"a\rb",7', '"c\nd",8']), min_size=1, max_size=12), st.data())
def test_every_record_is_accounted_for_whatever_ends_its_line(
    tmp_path_factory: pytest.TempPathFactory, records: list[str], data: st.DataObject
) -> None:
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=len(records), max_size=len(records)))
    text = "a,b\n0,0\n" + "".join(map(str.__add__, records, ends))
    options = {"header": "yes", "delimiter": "comma", "skip_lines": 0, "quote": "double"}
    report, _, rejected = read(tmp_path_factory.mktemp("t"), text.encode(), **options)
    assert report.rows == 1 + sum(record.count(",") == 1 for record in records)
    assert [line["text"] for line in rejected] == [record for record in records if record.count(",") != 1]
