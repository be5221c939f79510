"""A format whose file is itself typed hands over values; they are stored as they are."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datasets.formats._base import Block, Format, Reject, TextTable
from datasets.ingestion import opening
from tests.datasets.uploads import read

TYPED = {"n": "integer", "x": "number", "ok": "boolean", "d": "date", "t": "datetime", "s": "text", "none": "number"}
FIRST: dict[str, list[Any]] = {
    "n": [1, None], "x": [0.1, 2.0], "ok": [True, None], "d": [date(2024, 2, 29), None],
    "t": [datetime(2024, 1, 1, 12, 30), None], "s": ["NA", "007"], "none": [None, None], "open": ["1", "NA"],
}  # fmt: skip
LATER: dict[str, list[Any]] = {**FIRST, "n": [2**62, 3], "open": [None, "5"]}


def table(values: dict[str, list[Any]]) -> pa.Table:
    """Columns as a typed format hands them over; `open` is text that is still to be typed."""
    kinds = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
             "datetime": pa.timestamp("us"), "text": pa.string()}  # fmt: skip
    return pa.table({name: pa.array(column, kinds[TYPED.get(name, "text")]) for name, column in values.items()})


def _loaded(block: Block) -> Block:
    return block


@pytest.fixture(autouse=True)
def typed_format(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [Block(table(FIRST), []), Block(table(LATER), [Reject(9, "is no record", "{")])]

    def opened(source: Path, workdir: Path, options: dict[str, Any]) -> TextTable:
        return TextTable(list(FIRST), lambda: iter([partial(_loaded, block) for block in blocks]), {}, 2, [], TYPED)

    fmt = Format("typed", "Typed", (".typed",), (), lambda head: False, opened)
    monkeypatch.setitem(opening.FORMATS._all(), "typed", fmt)


def test_values_and_types_are_those_of_the_file(tmp_path: Path) -> None:
    report, rows, rejected = read(tmp_path, b"x", format="typed")
    assert {column.name: column.type for column in report.schema} == {**TYPED, "open": "integer"}
    assert [row["n"] for row in rows] == [1, None, 2**62, 3]
    assert [row["s"] for row in rows] == ["NA", "007"] * 2, "no spelling means a missing value there"
    assert [row["open"] for row in rows] == [1, None, None, 5]
    assert rows[0]["d"] == date(2024, 2, 29) and rows[0]["t"] == datetime(2024, 1, 1, 12, 30)
    assert (report.rows, report.rejected_rows) == (4, 1) and rejected[0]["line"] == "9"


def test_text_may_be_asked_for_instead(tmp_path: Path) -> None:
    report, rows, _ = read(tmp_path, b"x", format="typed", types={"n": "text"})
    assert report.schema["n"].type == "text" and [row["n"] for row in rows] == ["1", None, str(2**62), "3"]
