"""Text, series and what goes together: what a profile says beyond single figures."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import chi2_contingency

from datasets.profile import profile
from datasets.profiling import source, tally
from datasets.schema import Schema

_TYPES = {
    pl.Int64: "integer", pl.Float64: "number", pl.Boolean: "boolean", pl.Date: "date", pl.Datetime: "datetime",
    pl.String: "text",
}  # fmt: skip


def profiled(folder: Path, parts: int = 1, **columns: Any) -> dict[str, Any]:
    """The profile of a table, stored in one file or in parts."""
    frame = pl.DataFrame(columns)
    path = folder / "table"
    path.mkdir(exist_ok=True)
    size = -(-len(frame) // parts)
    for i in range(parts):
        frame.slice(i * size, size).write_parquet(path / f"{i:05}.parquet")
    return profile(path, Schema.of((name, _TYPES[type(kind)]) for name, kind in frame.schema.items()))


def of_one(folder: Path, values: Any, **given: Any) -> dict[str, Any]:
    return profiled(folder, x=pl.Series(values, **given))["by_column"]["x"]


@pytest.mark.parametrize("bound", [100_000, 50])
def test_texts_equal_pandas_whether_values_or_hashes_are_counted(
    tmp_path: Path, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "VALUES", bound)
    rng = np.random.default_rng(3)
    words = pd.Series([f"word {n}" if n % 7 else None for n in rng.zipf(1.3, 4000)])
    figures = profiled(tmp_path, parts=5, x=pl.from_pandas(words))["by_column"]["x"]
    counts = words.value_counts()
    assert figures["distinct"] == words.nunique() and figures["distinct_exact"]
    assert [item["count"] for item in figures["top"]] == counts.head(10).tolist()
    assert all(counts[item["value"]] == item["count"] for item in figures["top"])
    lengths = words.str.len()
    assert figures["length"] == {
        "min": lengths.min(), "mean": pytest.approx(lengths.mean()), "max": lengths.max()
    }  # fmt: skip
    shapes = words.str.replace(r"\d", "9", regex=True).value_counts()
    assert [item["count"] for item in figures["patterns"]][:5] == shapes.head(5).tolist()


def test_beyond_the_bound_a_sketch_counts_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("VALUES", 100), ("EXACT", 1000), ("BUFFER", 3000)):
        monkeypatch.setattr(tally, name, value)
    monkeypatch.setattr(source, "SLICE", 1)
    values = [f"v{n}" for n in range(40_000)] + ["often"] * 500
    figures = profiled(tmp_path, parts=20, x=values)["by_column"]["x"]
    assert not figures["distinct_exact"] and figures["distinct_error"] == 0.01
    assert figures["distinct"] == pytest.approx(40_001, rel=0.03)
    assert figures["top"][0] == {"value": "often", "count": 500}


def test_shapes_of_text(tmp_path: Path) -> None:
    plates = of_one(tmp_path, ["AB-12", "CD-34", "ef-5", "Ø1", "北京7", " x ", ""])
    shapes = {item["pattern"]: item["count"] for item in plates["patterns"]}
    assert shapes == {"AA-99": 2, "aa-9": 1, "A9": 1, "字字9": 1, " a ": 1, "": 1}
    assert plates["padded"] == 1 and plates["blank"] == 1
    many = of_one(tmp_path, ["a" * n + "1" for n in range(1, 40)])
    assert many["patterns"][0] == {"pattern": "a+9", "count": 38} and many["pattern_count"] == 2


def test_spellings_of_one_value(tmp_path: Path) -> None:
    figures = of_one(tmp_path, ["Oslo"] * 5 + ["oslo", "OSLO ", "Bergen", "New  York", "new york"])
    assert figures["variants"]["groups"] == 2 and figures["variants"]["rows"] == 3
    assert figures["variants"]["examples"][0][0] == {"value": "Oslo", "count": 5}


def days(*missing: int, step: int = 1, count: int = 60) -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=step * n) for n in range(count) if n not in missing]


@pytest.mark.parametrize(
    ("values", "frequency", "missing"),
    [
        (days(), "day", 0),
        (days(5, 6, 30), "day", 3),
        (days(3, step=7), "week", 1),
        ([day for day in days() if day.weekday() < 5 and day.day != 17], "weekday", 1),
        ([date(2020 + n // 12, n % 12 + 1, 1) for n in range(30) if n != 4], "month", 1),
        ([date(2020 + n // 4, n % 4 * 3 + 1, 1) for n in range(20)], "quarter", 0),
        ([date(1990 + n, 12, 31) for n in range(20)], "year", 0),
        ([date(2000, 1, 1) + timedelta(days=n * n) for n in range(40)], None, None),
        ([datetime(2024, 1, 1) + timedelta(minutes=15 * n) for n in range(40) if n != 7], "minute", 1),
        ([datetime(2024, 1, 1) + timedelta(hours=n) for n in range(40)], "hour", 0),
    ],
)
def test_regular_series_and_their_gaps(tmp_path: Path, values: list[Any], frequency: str, missing: int) -> None:
    series = of_one(tmp_path, values)["series"]
    if frequency is None:
        assert series is None
        return
    assert (series["frequency"], series["missing"]) == (frequency, missing)
    assert sum(gap["missing"] for gap in series["gaps"]) == missing


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    figures = of_one(tmp_path, [1.0, -2.0, 0.0, math.nan, math.inf, None])
    assert (figures["missing"], figures["infinite"], figures["zeros"], figures["negative"]) == (2, 1, 1, 1)
    assert figures["min"] == -2.0 and figures["max"] is None and figures["distinct"] == 4


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_of_no_and_of_one_row(tmp_path: Path, rows: int) -> None:
    columns = {"i": [1], "x": [0.5], "b": [True], "d": [date(2024, 1, 1)], "t": ["a"], "n": [None]}
    frame = pl.DataFrame(columns, schema_overrides={"n": pl.Float64}).head(rows)
    result = profiled(tmp_path, **{name: frame[name] for name in columns})
    assert result["rows"] == rows and result["duplicate_rows"] == 0
    assert all(each["constant"] for each in result["by_column"].values())


def correlated(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    frame = {
        "x": x, "y": np.exp(x) + rng.normal(size=rows), "k": rng.integers(0, 9, rows),
        "c": rng.choice(["a", "b", "c"], rows), "d": np.where(x > 0, "up", "down"), "e": rng.random(rows) < 0.5,
    }  # fmt: skip
    return pl.DataFrame(frame)


@pytest.mark.parametrize(("rows", "tolerance"), [(900, 1e-6), (30_000, 1e-4)])
def test_associations_equal_pandas_and_scipy(tmp_path: Path, rows: int, tolerance: float) -> None:
    frame = correlated(rows)
    found = profiled(tmp_path, parts=3, **frame.to_dict())["associations"]
    numeric = frame.select("x", "y", "k").to_pandas()
    for method in ("pearson", "spearman"):
        expected = numeric.corr(method=method).to_numpy()
        assert np.array(found[method]) == pytest.approx(expected, abs=tolerance)
    assert found["categorical"] == ["c", "d", "e"]
    table = pd.crosstab(frame["c"].to_pandas(), frame["d"].to_pandas())
    cramer = math.sqrt(chi2_contingency(table, correction=False).statistic / rows)
    assert found["cramers_v"][0][1] == found["cramers_v"][1][0] == pytest.approx(cramer, abs=1e-6)
    groups = numeric["x"].groupby(frame["d"].to_pandas())
    between = (groups.size() * (groups.mean() - numeric["x"].mean()) ** 2).sum()
    ratio = math.sqrt(between / ((numeric["x"] - numeric["x"].mean()) ** 2).sum())
    assert found["correlation_ratio"][1][0] == pytest.approx(ratio, abs=1e-6)


def test_associations_over_rows_that_have_both(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = correlated(500).with_columns(
        [pl.when(pl.lit(pl.Series(rng.random(500) < 0.2))).then(None).otherwise(pl.col(n)).alias(n) for n in "xkd"]
    )
    found = profiled(tmp_path, parts=2, **frame.to_dict())["associations"]
    expected = frame.select("x", "y", "k").to_pandas().corr().to_numpy()
    assert np.array(found["pearson"]) == pytest.approx(expected, abs=1e-6)


def test_values_that_are_missing_together(tmp_path: Path) -> None:
    result = profiled(
        tmp_path, a=[1, None, None, 4], b=["x", None, None, None], c=[1.0, 2.0, 3.0, None], z=[1, 2, 3, 4]
    )
    assert result["missing_together"] == [{"columns": ["a", "b"], "rows": 2}, {"columns": ["b", "c"], "rows": 1}]


def test_repeated_rows_over_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"a": rng.integers(0, 30, 2000), "b": rng.choice(["p", "q", None], 2000)})
    result = profiled(tmp_path, parts=4, **frame.to_dict())
    assert result["duplicate_rows"] == int(frame.to_pandas().duplicated().sum()) > 0


def test_very_wide_tables(tmp_path: Path) -> None:
    result = profiled(tmp_path, **{f"c{i}": [i, i + 1, None] for i in range(1000)})
    assert len(result["by_column"]) == 1000 and result["associations"]["left_out"] == 970
