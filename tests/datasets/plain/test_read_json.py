"""Reading JSON and JSON Lines: nothing rounded, nothing dropped, whatever the keys."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from datasets.errors import UnreadableFile
from datasets.formats import _json_stream, _objects
from tests.datasets.uploads import read

LIST = '[\n{"a": 1, "b": "x"},\n{"b": "y", "c": true}\n]'
LINES = '{"a": 1, "b": "x"}\n\n{"b": "y", "c": true}\n'
ROWS = [{"a": 1, "b": "x", "c": None}, {"a": None, "b": "y", "c": True}]


def types(report: Any) -> dict[str, str]:
    return {column.name: column.type for column in report.schema}


def column(tmp_path: Path, *values: str) -> tuple[str, list[Any]]:
    """Values as JSON spells them, under the key x: the column's type and its values."""
    report, rows, _ = read(tmp_path, ("[" + ",".join(f'{{"x": {v}, "k": 0}}' for v in values) + "]").encode(), "t.json")
    return types(report)["x"], [row["x"] for row in rows]


@pytest.mark.parametrize("content", [LIST, LINES, '{"meta": {"n": 2}, "data": ' + LIST + ', "next": null}'])
@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv", "t.txt"])
def test_objects_with_different_keys_become_a_table(tmp_path: Path, content: str, name: str) -> None:
    report, rows, rejected = read(tmp_path, content.encode(), name)
    assert rows == ROWS and types(report) == {"a": "integer", "b": "text", "c": "boolean"} and not rejected


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", "2"], "integer", [1, 2]),
        (["9007199254740993", "1"], "integer", [9007199254740993, 1]),
        (["18446744073709551616", "1"], "text", ["18446744073709551616", "1"]),
        (["9007199254740993", "0.5"], "text", ["9007199254740993", "0.5"]),
        (["0.1", "2"], "number", [0.1, 2.0]),
        (["1E5", "2.50"], "number", [100000.0, 2.5]),
        (["1e400", "1"], "text", ["1e400", "1"]),
        (['"7"', '"8"'], "text", ["7", "8"]),
        (['"NA"', '""'], "text", ["NA", ""]),
        (['"2024-01-05"', '"2024-02-29"'], "date", [date(2024, 1, 5), date(2024, 2, 29)]),
        (['"2024-01-05T10:00:00Z"', "null"], "datetime", [datetime(2024, 1, 5, 10), None]),
        (['"007"', "7"], "text", ["007", "7"]),
        (["true", "false"], "boolean", [True, False]),
        (["[1, 1.10]", "null"], "text", ["[1, 1.10]", None]),
        (['"北京 \\ud83d\\ude00"', '"a\\nb"'], "text", ["北京 😀", "a\nb"]),
    ],
)
def test_values_are_exact(tmp_path: Path, values: list[str], kind: str, expected: list[Any]) -> None:
    assert column(tmp_path, *values) == (kind, expected)


def test_nested_objects_become_columns_to_a_depth(tmp_path: Path) -> None:
    content = (
        b'[{"id": 1, "who": {"name": "Ada", "at": {"city": {"zip": 12345678901234567890}}}}, {"id": 2, "who": null}]'
    )
    report, rows, _ = read(tmp_path, content, "t.json")
    assert list(types(report)) == ["id", "who.name", "who.at.city", "who"]
    assert rows[0]["who.at.city"] == '{"zip": 12345678901234567890}' and rows[1]["who.name"] is None
    assert list(types(read(tmp_path, content, "t.json", depth=0)[0])) == ["id", "who"]
    assert "who.at.city.zip" in types(read(tmp_path, content, "t.json", depth=5)[0])


def test_the_list_may_be_named(tmp_path: Path) -> None:
    content = b'{"a": [{"x": 1}], "b": {"c": [{"y": 2}, {"y": 3}]}, "d": [[1]]}'
    report, rows, _ = read(tmp_path, content, "t.json")
    assert rows == [{"x": 1}] and any("'a' were read" in note and "'b'" in note for note in report.notes)
    report, rows, _ = read(tmp_path, content, "t.json", records="b.c")
    assert rows == [{"y": 2}, {"y": 3}] and report.options["records"] == "b.c"


def test_what_is_no_record_is_kept_with_its_line(tmp_path: Path) -> None:
    content = '{"a": 1}\n{"a": 2\n[3]\n{"a": 4, "a": 5}\n{"o": {"z": 1, "z": 2}}\n{"a": 6} {"a": 7}\n{"a": 8}\n'
    report, rows, rejected = read(tmp_path, content.encode(), "t.jsonl")
    assert [row["a"] for row in rows] == [1, 8] and report.rows + report.rejected_rows == 7
    assert [line["line"] for line in rejected] == ["2", "3", "4", "5", "6"]
    assert "'a' twice" in rejected[2]["reason"] and rejected[2]["text"] == '{"a": 4, "a": 5}'
    report, rows, rejected = read(tmp_path, b'[{"a": 1},\n 5, {"a": 1,\n "a": 2}]', "t.json")
    assert len(rows) == 1 and [line["line"] for line in rejected] == ["2", "2"]


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        (b"[]", "empty_file", ""),
        (b"[{}, {}]", "no_records", "2 records"),
        (b'{"a": 1}', "no_records", "'a'"),
        (b'{"a": 1, "b": [2]}', "no_records", "'b'"),
        (b'[{"a": 1},', "broken_json", "Line 1"),
        (b'[{"a": 1}\n{"a": 2}]', "broken_json", "Line 2"),
        (b'[{"a": 1}\n,\n{"a": nope}]', "broken_json", "Line 3"),
        (b'[{"a": 1}] x', "broken_json", "'x'"),
        (b'[{"a": "\\u0000"}]', "binary_file", "line 1"),
        (b'[{"a": 1},\n{"a": "\\ud800"}]', "wrong_encoding", "line 2"),
        (b"[" * 100_000, "too_deep", "line 1"),
        (b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "too_deep", "line 1"),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "too_deep", "line 1"),
        (b'[{"a": 1}, {"a": ' + b'"x' * 100, "broken_json", "Line 1"),
        (("[" + ",".join(f'{{"k{i}": 1}}' for i in range(10_001)) + "]").encode(), "too_many_columns", "10,001"),
    ],
)  # fmt: skip
def test_bad_input_says_what_where_and_what_to_do(tmp_path: Path, content: bytes, code: str, where: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, content, "t.json")
    assert refused.value.code == code and where in refused.value.detail and refused.value.hint


@pytest.mark.parametrize("chunk", [7, 16, 1000])
def test_a_value_may_be_cut_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(_json_stream, "CHUNK", chunk)
    monkeypatch.setattr(_objects, "_RECORDS", 9)
    records = [{"i": 10**i, "s": "é" * i, "t": {"a": [i, {"b": None}]}} for i in range(15)]
    document = {"skip": [[1, 2, 3], {"x": 12345}], "also": 1234567, "data": records, "end": {"a": [1]}}
    for indent in (None, 2):
        _, rows, _ = read(tmp_path, json.dumps(document, indent=indent).encode(), "t.json")
        assert [(row["i"], row["s"], json.loads(row["t.a"])) for row in rows] == [
            (r["i"], r["s"], r["t"]["a"]) for r in records
        ]  # fmt: skip


def test_a_record_without_end_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json_stream, "MAX_VALUE", 1 << 20)
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, b'[{"a": "' + b"x" * (5 << 20), "t.json")
    assert refused.value.code == "line_too_long"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, '[{"a": "é"}]'.encode(encoding), "t.json")[1] == [{"a": "é"}]


def test_many_blocks_with_keys_that_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_objects, "_RECORDS", 100)
    lines = [json.dumps({"i": i, **({"late": i / 2} if i > 900 else {})}) for i in range(1000)]
    report, rows, _ = read(tmp_path, "\n".join(lines).encode(), "t.jsonl")
    assert [row["i"] for row in rows] == list(range(1000)) and rows[0]["late"] is None and rows[-1]["late"] == 499.5
    assert types(report) == {"i": "integer", "late": "number"} and math.isclose(rows[901]["late"], 450.5)
