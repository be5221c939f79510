"""The preview of an import: what it shows is what the import then stores, and a file that cannot be read is an answer."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from datasets.imports import sniff as module
from datasets.imports.sniff import sniff
from tests.datasets.uploads import read


def answer(tmp_path: Path, content: bytes, filename: str = "table.csv", **options: Any) -> dict[str, Any]:
    source = tmp_path / "source"
    source.write_bytes(content)
    return sniff(source, filename, options, workdir=str(tmp_path))


MESSY = "naïve;betrag;tag\n1;1.234,50;31.01.2024\n\nzwei;NA;01.02.2024\n3;x\n".encode("windows-1252")


def test_it_shows_lines_types_and_what_is_set_aside(tmp_path: Path) -> None:
    found = answer(tmp_path, MESSY)
    assert found["options"]["encoding"] == "windows-1252" and found["options"]["delimiter"] == "semicolon"
    types = {column["name"]: column["type"] for column in found["columns"]}
    assert types == {"naïve": "text", "betrag": "number", "tag": "date"}
    assert [(row["line"], row["cells"][0]) for row in found["rows"]] == [(2, "1"), (4, "zwei")]
    assert found["rows"][1]["marks"] == {1: "missing"}
    (aside,) = [each for each in found["aside"] if not each["column"]]
    assert (aside["line"], aside["text"]) == (5, "3;x") and "2 fields" in aside["reason"]
    assert found["counts"]["rejected"] == 1 and found["is_whole"]


@pytest.mark.parametrize("options", [{}, {"decimal": "comma"}, {"types": {"betrag": "text"}}, {"header": "no"}])
def test_it_shows_what_the_import_then_stores(tmp_path: Path, options: dict[str, Any]) -> None:
    found = answer(tmp_path, MESSY, **options)
    report, rows, rejected = read(tmp_path, MESSY, **options)
    assert found["columns"] == report.schema.to_json() and found["options"] == report.options
    assert found["notes"] == report.notes and found["counts"]["rows"] == len(rows)
    assert [each["reason"] for each in found["aside"]] == [each["reason"] for each in rejected]


def test_of_a_large_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    line = b'7,"a\nb",2024-01-31\n'
    found = answer(tmp_path, b"n,t,d\n" + line * 200_000)
    assert not found["is_whole"] and 10_000 < found["counts"]["rows"] < 100_000
    assert [column["type"] for column in found["columns"]] == ["integer", "text", "date"]
    assert [row["line"] for row in found["rows"][:3]] == [2, 4, 6] and not found["counts"]["rejected"]
    packed = answer(tmp_path, gzip.compress(b"n,t,d\n" + line * 200_000), "table.csv.gz")
    assert not packed["is_whole"] and packed["columns"] == found["columns"]


def test_the_encoding_is_that_of_the_whole_file(tmp_path: Path) -> None:
    plain = b"id,city\n" + b"1,Oslo\n" * 200_000
    assert answer(tmp_path, plain + "2,Zürich\n".encode())["options"]["encoding"] == "utf-8"
    assert answer(tmp_path, plain + "2,Zürich\n".encode("windows-1252"))["options"]["encoding"] == "windows-1252"


def test_gb18030(tmp_path: Path) -> None:
    found = answer(tmp_path, "城市,人口\n北京,21893095\n上海,24870895\n".encode("gb18030"))
    assert found["options"]["encoding"] == "gb18030" and found["rows"][0]["cells"] == ["北京", "21893095"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"a,b\n", "header_only"),
        (b'a,b\n1,"x\n2,y\n', "broken_quotes"),
        (b"\x89PNG\r\n\x1a\n\0", "binary_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_answer_that_says_what_to_do(
    tmp_path: Path, content: bytes, code: str
) -> None:
    found = answer(tmp_path, content)
    assert found["error"]["code"] == code and found["error"]["detail"] and found["error"]["hint"]
    if code == "broken_quotes":
        assert found["head"][1] == {"line": 2, "text": '1,"x'}


def test_an_option_that_does_not_fit_is_named(tmp_path: Path) -> None:
    found = answer(tmp_path, b"a,b\n1,2\n", delimiter="banana")
    assert found["error"]["field"] == "options.delimiter" and "banana" in found["error"]["detail"]


def test_a_very_wide_table_is_told_in_full_and_shown_in_part(tmp_path: Path) -> None:
    found = answer(tmp_path, b",".join(b"c%d" % i for i in range(5000)) + b"\n" + b",".join([b"1"] * 5000) + b"\n")
    assert len(found["columns"]) == 5000 and len(found["rows"][0]["cells"]) == module.MOST_COLUMNS


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    answer(folder, MESSY)
    assert [path.name for path in folder.iterdir()] == ["source"]


def test_it_starts_without_django_and_the_heavy_libraries() -> None:
    code = (
        "import sys, datasets.imports.sniff; print(sorted({'django', 'pandas', 'torch', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "head", "record", "tail"),
    [
        ("a.jsonl", "", '{"id": 1, "text": "a \\"]}\\" b", "tags": [{"x": 1}]}\n', ""),
        ("a.json", "[", '{"id": 1, "text": "a \\"]}\\" b", "tags": [{"x": 1}]},\n', '{"id": 2}]'),
        ("a.json", '{"meta": [1], "rows": [', '{"id": 1, "o": {"y": 2}},', '{"id": 2}]}'),
    ],
)
def test_the_beginning_of_text_of_any_format_is_enough(
    tmp_path: Path, name: str, head: str, record: str, tail: str
) -> None:
    many = answer(tmp_path, (head + record * 60_000 + tail).encode(), name)
    assert not many["is_whole"] and 5_000 < many["counts"]["rows"] < 60_000, many.get("error")
    few = answer(tmp_path, (head + record * 3 + tail).encode(), name)
    assert few["is_whole"] and many["columns"] == few["columns"] and not many["aside"]
    assert many["rows"][0]["cells"] == few["rows"][0]["cells"]
