"""The preview reports what each step does to the whole table, and shows the first rows on both sides."""

from __future__ import annotations

import json
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from datasets.recipe import RecipeError, fit, preview
from datasets.schema import Schema

SCHEMA = Schema.of([("a", "integer"), ("b", "number"), ("c", "text"), ("d", "date")])
FRAME = pl.DataFrame(
    {
        "a": [1, 1, None, 4, 1000],
        "b": [0.5, 0.5, 2.5, None, 4.5],
        "c": ["x", "x", "y", None, "z"],
        "d": [date(2024, 1, 1)] * 5,
    }
)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    FRAME.write_parquet(tmp_path / "table.parquet")
    return tmp_path / "table.parquet"


def test_each_step_says_what_it_did(parquet: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"step": "duplicates"},
        {"step": "missing", "columns": ["a"], "params": {"method": "median"}},
        {"step": "encode", "columns": ["c"]},
        {"step": "drop", "columns": ["d"], "enabled": False},
    ]
    report = preview(steps, parquet, SCHEMA)
    first, second, third, fourth = report["steps"]
    assert (first["rows_before"], first["rows_after"], first["summary"]) == (5, 4, "removes 1 of 5 rows")
    assert (second["cells_changed"], second["rows_after"]) == (1, 4)
    [column] = second["columns"]
    before = {"missing": 1, "mean": 335.0, "sd": statistics.stdev([1, 4, 1000]), "minimum": 1, "maximum": 1000}
    assert column["name"] == "a" and column["before"] == pytest.approx(before)
    assert column["after"]["missing"] == 0
    assert third["columns_added"] == ["c=x", "c=y", "c=z"] and third["columns_removed"] == ["c"]
    assert fourth["enabled"] is False and "rows_before" not in fourth
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_rows_stand_beside_each_other(parquet: Path) -> None:
    report = preview([{"step": "duplicates"}, {"step": "drop", "columns": ["c"]}], parquet, SCHEMA, limit=3)
    assert report["before"][0] == {"a": 1, "b": 0.5, "c": "x", "d": "2024-01-01"}
    assert report["after"] == [{"a": 1, "b": 0.5, "d": "2024-01-01"}, None, {"a": None, "b": 2.5, "d": "2024-01-01"}]
    assert report["rows"] == 5 and report["rows_after"] == 4


def test_one_step_in_focus(parquet: Path) -> None:
    steps = [
        {"step": "duplicates"},
        {"step": "missing", "columns": ["a"], "params": {"method": "median"}},
        {"step": "drop", "columns": ["c", "d"]},
    ]
    report = preview(steps, parquet, SCHEMA, limit=3, focus=1)
    assert [row["a"] for row in report["before"]] == [1, None]
    assert [row["a"] for row in report["after"]] == [1.0, 4.0]
    assert [column["name"] for column in report["columns_after"]] == ["a", "b", "c", "d"]
    assert report["rows_after"] == 4 and len(report["steps"]) == 3


def test_a_huge_table_is_measured_in_part_and_says_so(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.recipes.preview.MAX_CELLS", 6)
    report = preview([{"step": "missing", "columns": ["a", "b"]}], parquet, SCHEMA)
    assert (report["rows"], report["rows_measured"]) == (5, 3)


def test_equals_what_training_would_do(parquet: Path) -> None:
    steps = [{"step": "missing"}, {"step": "outliers"}, {"step": "normalise"}, {"step": "dates"}, {"step": "encode"}]
    fitted = fit(steps, FRAME, SCHEMA)
    after = preview(steps, parquet, SCHEMA)["after"]
    assert after == fitted.transform(FRAME, training=True).collect().to_dicts()


def test_a_mistake_leaves_the_steps_before_it(parquet: Path) -> None:
    steps = [{"step": "missing"}, {"step": "log", "columns": ["e"]}, {"step": "duplicates"}]
    good, bad, waiting = preview(steps, parquet, SCHEMA)["steps"]
    assert good["cells_changed"] == 2
    assert bad["errors"][0]["field"] == "steps[1].columns[0]" and "no column 'e'" in bad["error"]
    assert waiting["error"] == "waits until step 2 is mended"


def test_without_steps_nothing_changes(parquet: Path) -> None:
    report = preview([], parquet, SCHEMA)
    assert report["before"] == report["after"] and report["rows_after"] == 5


def test_the_source_never_changes(parquet: Path) -> None:
    content = parquet.read_bytes()
    preview([{"step": "duplicates"}, {"step": "missing"}], parquet, SCHEMA)
    assert parquet.read_bytes() == content


def test_no_list_at_all_is_refused(parquet: Path) -> None:
    with pytest.raises(RecipeError):
        preview("steps", parquet, SCHEMA)  # type: ignore[arg-type]
