"""Figures of whole tables equal pandas'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from datasets.ingest import ingest
from datasets.profile import QUANTILES, profile
from datasets.quality import findings


def profiled(folder: Path, frame: pd.DataFrame, **options: Any) -> dict[str, Any]:
    source, target = folder / "source.csv", folder / "rows.parquet"
    frame.to_csv(source, index=False)
    report = ingest(
        source, target, folder / "rejects.csv", filename="source.csv", options=options, progress=lambda f, n: None
    )
    assert report.rows == len(frame)
    return profile(target, report.schema)


def assert_number_equals(figures: dict[str, Any], column: pd.Series) -> None:
    assert figures["missing"] == int(column.isna().sum())
    assert figures["distinct"] == column.nunique()
    assert figures["min"] == column.min() and figures["max"] == column.max()
    assert figures["mean"] == pytest.approx(column.mean(), rel=1e-12, abs=1e-300)
    if column.count() > 1:
        assert figures["sd"] == pytest.approx(column.std(), rel=1e-9, abs=1e-12)
    for q in QUANTILES:
        assert figures["quantiles"][f"{q:g}"] == pytest.approx(column.quantile(q), rel=1e-12, abs=1e-300)
    assert sum(figures["histogram"]["counts"]) == column.count() and len(figures["histogram"]["counts"]) <= 20
    low, high = column.quantile(0.25), column.quantile(0.75)
    reach = 1.5 * (high - low)
    assert figures["outliers"]["count"] == int(((column < low - reach) | (column > high + reach)).sum())


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes, load_wine])
def test_real_tables(tmp_path: Path, load: Any) -> None:
    frame = load(as_frame=True).frame
    result = profiled(tmp_path, frame)
    assert (result["rows"], result["columns"]) == frame.shape
    assert result["duplicate_rows"] == int(frame.duplicated().sum())
    for name, figures in result["by_column"].items():
        assert_number_equals(figures, frame[name])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**53), 2**53)),
            st.one_of(st.none(), st.floats(-1e9, 1e9, allow_subnormal=False)),
            st.sampled_from(["red", "green", "blue", "ochre"]),
        ),
        min_size=2,
        max_size=60,
    )
)
def test_any_table(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["n", "x", "word"]).astype({"n": "Int64", "x": "Float64"})
    types = {"x": "number", "word": "text"}
    result = profiled(tmp_path_factory.mktemp("p"), frame, header="yes", types=types)
    assert result["duplicate_rows"] == int(frame.duplicated().sum())
    for name in ("n", "x"):
        if frame[name].count():
            assert_number_equals(result["by_column"][name], frame[name].astype("float64"))
    counts = frame["word"].value_counts()
    top = {item["value"]: item["count"] for item in result["by_column"]["word"]["top"]}
    assert top == {word: n for word, n in counts.items() if n > 1}


def test_text_booleans_and_dates(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "city": ["Oslo", "Bergen", "Oslo", None],
            "flag": ["true", "false", "true", "true"],
            "day": ["2024-01-01", "2024-01-03", None, "2024-01-03"],
            "at": ["2024-01-01 10:00:00", "2024-01-01 12:00:00", "2024-01-01 14:00:00", None],
        }
    )
    by_column = profiled(tmp_path, frame)["by_column"]
    assert by_column["city"]["top"] == [{"value": "Oslo", "count": 2}]
    assert by_column["city"]["length"] == {"min": 4, "mean": pytest.approx(14 / 3), "max": 6}
    assert by_column["flag"]["top"] == [{"value": True, "count": 3}, {"value": False, "count": 1}]
    assert (by_column["day"]["min"], by_column["day"]["max"]) == ("2024-01-01", "2024-01-03")
    assert by_column["day"]["distinct"] == 2 and by_column["day"]["missing"] == 1
    assert by_column["at"]["quantiles"]["0.5"] == "2024-01-01T12:00:00"


def test_constant_identifier_and_empty_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": range(30), "same": 5, "none": None, "half": [1, None] * 15, "far": [0, 1] * 14 + [0, 900]}
    )
    result = profiled(tmp_path, frame)
    by_column = result["by_column"]
    assert by_column["id"]["id_like"] and by_column["same"]["constant"] and by_column["none"]["constant"]
    assert by_column["none"]["distinct"] == 0 and by_column["none"]["missing_share"] == 1.0
    found = {finding.check: finding.columns for finding in findings(result, rejected_rows=2)}
    assert found == {
        "rejects": [], "missing": ["none", "half"], "constant": ["same", "none", "half"], "id-like": ["id"],
        "outliers": ["far"],
    }  # fmt: skip


def test_extreme_numbers_give_plain_json(tmp_path: Path) -> None:
    import orjson

    frame = pd.DataFrame({"x": [1.7e308, -1.7e308, 0.5, 2.5]})
    result = profiled(tmp_path, frame)
    assert b"null" in orjson.dumps(result) and "NaN" not in str(result)
