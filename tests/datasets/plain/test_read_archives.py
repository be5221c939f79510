"""Packed tables and files made with bad intent: unpacked, or refused with the reason, within bounds."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datasets.errors import UnreadableFile
from datasets.formats import _archives
from tests.datasets.plain.test_read_columnar import parquet
from tests.datasets.test_read_excel import PEOPLE, ods, replace_in, xlsx
from tests.datasets.uploads import read

TABLE = b"a,b\n1,x\n2,y\n"
ROWS = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def zipped(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return out.getvalue()


def refusal(tmp_path: Path, content: bytes, name: str, **options: Any) -> UnreadableFile:
    folder = tmp_path / "inside"
    folder.mkdir(exist_ok=True)
    with pytest.raises(UnreadableFile) as refused:
        read(folder, content, name, **options)
    assert refused.value.detail and refused.value.hint
    assert [path.name for path in folder.iterdir()] == ["source"], "nothing may be left behind"
    assert (folder / "source").read_bytes() == content, "the file stays as it was"
    return refused.value


def test_one_table_in_an_archive_is_unpacked(tmp_path: Path) -> None:
    for content, name in (
        (gzip.compress(TABLE), "t.csv.gz"),
        (zipped(("t.csv", TABLE)), "t.zip"),
        (zipped(("deep/er/t.csv", TABLE), ("__MACOSX/._t.csv", b"x"), (".DS_Store", b"x")), "t.zip"),
        (gzip.compress(TABLE), "falsely-named.csv"),
    ):
        report, rows, _ = read(tmp_path, content, name)
        assert rows == ROWS and any("unpacked" in note or "zip archive" in note for note in report.notes)


def test_every_format_may_be_packed(tmp_path: Path) -> None:
    assert read(tmp_path, zipped(("p.xlsx", xlsx(PEOPLE))), "p.zip", sheet="Sheet 1")[0].rows == 3
    assert read(tmp_path, gzip.compress(parquet(pa.table({"a": [1]}))), "p.parquet.gz")[1] == [{"a": 1}]
    assert read(tmp_path, zipped(("p.json", b'[{"a": 1}]')), "p.zip")[1] == [{"a": 1}]


@pytest.mark.parametrize(
    ("content", "name", "code", "where"),
    [
        (zipped(("a.csv", TABLE), ("b.csv", TABLE)), "t.zip", "not_one_table", "2 files ('a.csv', 'b.csv')"),
        (zipped(), "t.zip", "not_one_table", "empty"),
        (zipped(("inner.zip", zipped(("t.csv", TABLE)))), "t.zip", "nested_archive", "inner.zip"),
        (zipped(("t.csv", gzip.compress(TABLE))), "t.zip", "nested_archive", "t.csv"),
        (zipped(("t.csv", zipped(("t.csv", TABLE)))), "t.zip", "nested_archive", "t.csv"),
        (gzip.compress(gzip.compress(TABLE)), "t.csv.gz.gz", "nested_archive", "t.csv.gz"),
        (gzip.compress(TABLE), "t.tar.gz", "nested_archive", "t.tar.gz"),
        (gzip.compress(TABLE)[:-6], "t.csv.gz", "damaged_file", "gzip"),
        (zipped(("t.csv", TABLE * 100))[:90], "t.zip", "binary_file", "zip"),
        (gzip.compress(b""), "t.csv.gz", "empty_file", ""),
        (b"7z\xbc\xaf\x27\x1c" + b"\0" * 50, "t.7z", "binary_file", "7-Zip"),
    ],
    ids=["two", "none", "zip in zip", "gzip in zip", "false name", "gzip in gzip", "tar", "cut gzip", "cut zip", "nothing", "7z"],
)  # fmt: skip
def test_what_is_not_one_table_is_refused(tmp_path: Path, content: bytes, name: str, code: str, where: str) -> None:
    refused = refusal(tmp_path, content, name)
    assert refused.code == code and where in refused.detail


def test_names_in_an_archive_never_become_paths(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for name in ("../../evil.csv", "/etc/evil.csv", "..\\..\\evil.csv", "C:\\evil.csv"):
        report, rows, _ = read(inside, zipped((name, TABLE)), "t.zip")
        assert rows == ROWS and any("'evil.csv'" in note for note in report.notes)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_gzip_bomb_is_stopped_while_it_is_unpacked(tmp_path: Path) -> None:
    refused = refusal(tmp_path, gzip.compress(b"0,0\n" * (20 << 20)), "t.csv.gz")
    assert refused.code == "archive_bomb" and "200 times" in refused.detail


def test_a_zip_bomb_is_refused_by_what_it_states_and_by_what_it_is(tmp_path: Path) -> None:
    bomb = zipped(("t.csv", b"0,0\n" * (20 << 20)))
    assert refusal(tmp_path, bomb, "t.zip").code == "archive_bomb"
    # The same with a false size: only what is stated is unpacked, and its check sum is then wrong.
    real, false = struct.pack("<I", 80 << 20), struct.pack("<I", 1000)
    assert refusal(tmp_path, bomb.replace(real, false), "t.zip").code == "damaged_file"


def test_more_than_the_most_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archives, "MAX_BYTES", 1000)
    for content, name in ((zipped(("t.csv", TABLE * 100)), "t.zip"), (gzip.compress(TABLE * 100), "t.csv.gz")):
        assert refusal(tmp_path, content, name).code == "archive_too_large"


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(("t.csv", TABLE)))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag that says so, in both headers
        content[content.index(mark) + at] |= 1
    assert refusal(tmp_path, bytes(content), "t.zip").code == "encrypted_file"


def test_a_workbook_that_would_unpack_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = b'<row r="1"><c r="A1"><v>0</v></c></row>' * (2 << 20)
    bomb = replace_in(xlsx(PEOPLE), "xl/worksheets/sheet1.xml", (b"<sheetData>", b"<sheetData>" + rows))
    refused = refusal(tmp_path, bomb, "t.xlsx")
    assert refused.code == "archive_bomb"
    monkeypatch.setattr(_archives, "MAX_XML", 1 << 20)
    assert refusal(tmp_path, bomb, "t.xlsx").code == "archive_too_large"


LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
    b'<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize("entity", [b"&c;", b"&secret;"])
def test_entities_in_a_workbook_are_refused(tmp_path: Path, entity: bytes) -> None:
    sheet = replace_in(
        xlsx([["name", "n"], ["Ada", 1]]), "xl/worksheets/sheet1.xml",
        (b"<worksheet", LAUGHS + b"<worksheet"), (b"<t>Ada</t>", b"<t>" + entity + b"</t>"),
    )  # fmt: skip
    assert refusal(tmp_path, sheet, "t.xlsx").code == "xml_entities"
    table = replace_in(
        ods([["name", "n"], ["Ada", 1]]),
        "content.xml",
        (b"<office:document-content", LAUGHS + b"<office:document-content"),
        (b">Ada<", b">" + entity + b"<"),
    )
    assert refusal(tmp_path, table, "t.ods").code == "xml_entities"


@pytest.mark.parametrize("entity", [b"&c;", b"&secret;"])
def test_the_workbook_library_expands_no_entity_even_where_it_is_let(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entity: bytes
) -> None:
    monkeypatch.setattr(_archives, "_refuse_entities", lambda archive, parts: None)
    sheet = replace_in(
        xlsx([["name", "n"], ["Ada", 1]]), "xl/worksheets/sheet1.xml",
        (b"<worksheet", LAUGHS + b"<worksheet"), (b"<t>Ada</t>", b"<t>" + entity + b"</t>"),
    )  # fmt: skip
    try:
        _, rows, _ = read(tmp_path, sheet, "t.xlsx")
    except UnreadableFile:
        return
    assert "haha" not in str(rows) and "root:" not in str(rows)
