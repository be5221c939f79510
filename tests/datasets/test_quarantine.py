"""A few cells that do not fit: junk is set aside with its line, evidence against a type keeps the column text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from datasets.formats import _lines
from jobs.testing import run_pending
from tests.datasets.uploads import post_dataset, read

Api = Callable[..., APIClient]
PLAIN = {
    "whole": [str(n) for n in range(1000)],
    "pointed": [f"{n}.{n % 7 + 1}" for n in range(1000)],
    "comma": [f"{n},{n % 7 + 1}" for n in range(1000)],
    "iso": [f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(1000)],
    "slashed": [f"{n % 28 + 1:02}/{n % 12 + 1:02}/2024" for n in range(1000)],
    "timed": [f"2024-01-{n % 28 + 1:02} 10:{n % 60:02}" for n in range(1000)],
    "flag": [("true", "false")[n % 2] for n in range(1000)],
}


def column(tmp_path: Path, values: list[str], **options: Any) -> tuple[Any, list[Any], list[dict[str, str]]]:
    """Read one column `x` beside a counter; the header is line 1."""
    (tmp_path / "rejects.csv").unlink(missing_ok=True)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerows([("x", "n"), *((value, n) for n, value in enumerate(values))])
    report, rows, rejected = read(tmp_path, out.getvalue().encode(), encoding="utf-8", delimiter="comma", **options)
    return report, [row["x"] for row in rows], rejected


def with_odd(kind: str, *odd: str) -> list[str]:
    """A thousand values of a kind, with odd ones from the 500th on."""
    values = list(PLAIN[kind])
    values[500 : 500 + len(odd)] = odd
    return values


@pytest.mark.parametrize(
    ("kind", "odd", "type_"),
    [
        ("whole", "unknown", "integer"), ("whole", "N/K", "integer"), ("whole", "12 kg", "integer"),
        ("whole", "inf", "integer"), ("whole", "€12", "integer"), ("pointed", "n.a.", "number"),
        ("comma", "unbekannt", "number"), ("iso", "2024-02-30", "date"), ("iso", "0000-00-00", "date"),
        ("iso", "soon", "date"), ("slashed", "31/02/2024", "date"), ("slashed", "??", "date"),
        ("timed", "2024-01-05 25:00", "datetime"), ("timed", "later", "datetime"),
    ],
)  # fmt: skip
def test_junk_is_set_aside_and_listed(tmp_path: Path, kind: str, odd: str, type_: str) -> None:
    report, values, rejected = column(tmp_path, with_odd(kind, odd))
    assert report.schema["x"].type == type_ and report.quarantined_cells == 1 and report.rows == 1000
    assert values[500] is None and values.count(None) == 1
    assert [(line["line"], line["column"], line["text"]) for line in rejected] == [("502", "x", odd)]
    assert any("'x'" in note and "line 502" in note and odd not in note for note in report.notes)


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        ("whole", "02134"), ("whole", "29E5"), ("whole", "A12"), ("whole", "12kg"), ("whole", "+4712345"),
        ("whole", "12345678901234567890"), ("whole", "192.168.0.1"), ("whole", "12-34"), ("whole", "2024-01-05"),
        ("whole", "12 345"), ("whole", "true"), ("pointed", "1,5"), ("pointed", "007"), ("pointed", "1.2.3"),
        ("pointed", "1234567890.12345678"), ("comma", "2.5.1"), ("iso", "31.01.2024"), ("iso", "2024-01"),
        ("iso", "20240131"), ("iso", "5 January 2024"), ("slashed", "01/31/2024"), ("slashed", "1/2/24"),
        ("timed", "2024-01-05T10:00:00+02:00"), ("timed", "2024-01-05 10:00:00.1234567"), ("flag", "maybe"),
        ("flag", "True"),
    ],
)  # fmt: skip
def test_evidence_keeps_the_column_text(tmp_path: Path, kind: str, odd: str) -> None:
    values = with_odd(kind, odd)
    report, read_back, rejected = column(tmp_path, values)
    assert report.schema["x"].type == "text" and read_back == values
    assert not rejected and report.quarantined_cells == 0


def test_a_late_fraction_still_makes_numbers(tmp_path: Path) -> None:
    report, values, rejected = column(tmp_path, with_odd("whole", "1.5", "unknown"))
    assert report.schema["x"].type == "number" and values[500] == 1.5 and values[501] is None
    assert [line["text"] for line in rejected] == ["unknown"]


def test_dates_that_can_be_read_in_two_ways_stay_text(tmp_path: Path) -> None:
    values = [f"{n % 12 + 1:02}/{n % 11 + 1:02}/2024" for n in range(999)] + ["31/02/2024"]
    report, read_back, rejected = column(tmp_path, values)
    assert report.schema["x"].type == "text" and read_back == values and not rejected
    assert any("two ways" in note for note in report.notes)
    report, read_back, _ = column(tmp_path, values, dates="day first")
    assert report.schema["x"].type == "date" and read_back[0] == date(2024, 1, 1) and read_back[-1] is None


def test_more_than_one_in_a_hundred_is_no_accident(tmp_path: Path) -> None:
    report, _, _ = column(tmp_path, with_odd("whole", *["unknown"] * 10))
    assert report.schema["x"].type == "integer" and report.quarantined_cells == 10
    report, values, rejected = column(tmp_path, with_odd("whole", *["unknown"] * 11))
    assert report.schema["x"].type == "text" and "unknown" in values and not rejected
    assert any("stays text: 11 of its 1,000 values are no whole number" in note for note in report.notes)


def test_the_share_is_of_the_whole_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of misfits is much of its block and little of the file, and the other way round."""
    monkeypatch.setattr(_lines, "BLOCK", 1024)
    values = [str(n) for n in range(5000)]
    values[20:60] = ["unknown"] * 40
    report, read_back, rejected = column(tmp_path, values)
    assert report.schema["x"].type == "integer" and report.quarantined_cells == len(rejected) == 40
    assert read_back[20:60] == [None] * 40 and read_back[60] == 60
    values[60:80] = ["unknown"] * 20
    assert column(tmp_path, values)[0].schema["x"].type == "text"


def test_whoever_wants_may_keep_it_text(tmp_path: Path) -> None:
    values = with_odd("whole", "unknown")
    report, read_back, _ = column(tmp_path, values, misfits="text")
    assert report.schema["x"].type == "text" and read_back == values and report.options["misfits"] == "text"


@pytest.mark.parametrize("size", [256, 1 << 20])
def test_lines_are_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Quoted line breaks, blank lines and rejected records come before."""
    monkeypatch.setattr(_lines, "BLOCK", size)
    lines = ["n,t"]
    for i in range(3000):
        n = "junk" if i % 301 == 300 else str(i)
        lines.append(f'{n},"a\n\nb"' if i % 7 == 0 else f"{n},x" if i % 11 else f"\n{n}")
    text = "\n".join(lines) + "\n"
    report, _, rejected = read(tmp_path, text.encode())
    physical = text.split("\n")
    cells = [line for line in rejected if line["column"]]
    assert report.quarantined_cells == len(cells) == 8 and report.rows + report.rejected_rows == 3000
    assert all(physical[int(line["line"]) - 1].startswith("junk") for line in cells)
    assert [int(line["line"]) for line in rejected] == sorted(int(line["line"]) for line in rejected)
    shown = [int(line["line"]) for line in cells[:5]]
    assert any(", ".join(f"{line:,}" for line in shown) + ", …" in note for note in report.notes)


junk = st.sampled_from(["unknown", "N/K", "x", "not yet", "???", "12 kg"])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    odd=st.lists(st.tuples(st.integers(0, 199), junk), max_size=2),
    strange=st.one_of(st.none(), st.text("0123456789+-.eE ,", min_size=1, max_size=6)),
)
def test_nothing_is_coerced(
    tmp_path_factory: pytest.TempPathFactory, seed: int, odd: list[tuple[int, str]], strange: str | None
) -> None:
    """Every cell is stored as it was, or is listed with its text; never anything in between."""
    chance = Random(seed)
    values = [str(chance.randint(-(10 ** chance.randint(1, 18)), 10**18)) for _ in range(220)]
    for place, text in odd:
        values[place] = text
    if strange is not None:
        values[150] = strange
    report, read_back, rejected = column(tmp_path_factory.mktemp("t"), values, missing=[])
    aside = {int(line["line"]) - 2: line["text"] for line in rejected}
    assert len(rejected) == report.quarantined_cells
    for row, (text, value) in enumerate(zip(values, read_back, strict=True)):
        if row in aside:
            assert value is None and aside[row] == text
        elif report.schema["x"].type == "integer":
            assert str(value) == text.strip(" ")
        elif report.schema["x"].type == "number":
            assert float(text) == value
        else:
            assert value == text


@pytest.mark.django_db
def test_the_version_counts_and_lists_them(api_of: Api, browser_of: Callable[[str], Client]) -> None:
    alice: Any = api_of("alice")
    content = "x,n\n" + "".join(f"{value},{n}\n" for n, value in enumerate(with_odd("whole", "=unknown()")))
    made = post_dataset(alice, content.encode() + b"1\n")
    run_pending()
    version = alice.get(f"/api/v1/datasets/{made.data['id']}/").data["version"]
    assert (version["rows"], version["rejected_rows"], version["quarantined_cells"]) == (1000, 1, 1)
    text = b"".join(alice.get(version["url"] + "rejects/").streaming_content).decode()
    assert text.splitlines() == [
        "line,column,reason,text", "502,x,is no whole number,'=unknown()", "1002,,has 1 field where the table has 2,1"
    ]  # fmt: skip
    page = browser_of("alice").get(f"/datasets/{made.data['id']}/").content.decode()
    assert "Cells set aside" in page
