"""Figures of whole tables equal pandas'."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from datasets.ingestion.ingest import ingest
from datasets.profile import QUANTILES, profile
from datasets.quality import findings
from datasets.schema import Schema


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


VALUES = st.one_of(
    st.none(), st.just(math.nan), st.just(math.inf), st.just(-math.inf), st.just(-0.0), st.just(0.0), st.floats(-1e6, 1e6),
    st.integers(-5, 5).map(float),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(VALUES, st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), st.text(max_size=4)), max_size=40
    )
)
def test_stored_tables_with_nan_infinite_and_huge_numbers(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    stored = pl.DataFrame(rows, schema={"x": pl.Float64, "n": pl.Int64, "t": pl.String}, orient="row")
    path = tmp_path_factory.mktemp("p") / "rows.parquet"
    stored.write_parquet(path)
    result = profile(path, Schema.of((("x", "number"), ("n", "integer"), ("t", "text"))))
    x, n = stored["x"].to_pandas(), stored["n"].to_pandas(use_pyarrow_extension_array=True)
    figures, whole = result["by_column"]["x"], result["by_column"]["n"]
    assert figures["missing"] == x.isna().sum() and figures["distinct"] == x.nunique()
    assert figures["infinite"] == np.isinf(x).sum() and figures["zeros"] == (x == 0).sum()
    assert figures["negative"] == (x < 0).sum()
    if np.isfinite(x.dropna()).all() and x.count():
        assert_number_equals(figures, x)
    assert whole["missing"] == n.isna().sum() and whole["distinct"] == n.nunique()
    if n.count():
        assert (whole["min"], whole["max"]) == (n.min(), n.max())
    text = stored["t"].to_pandas()
    assert result["by_column"]["t"]["distinct"] == text.nunique()
    counts = [count for count in text.value_counts().head(10) if count > 1]
    assert [item["count"] for item in result["by_column"]["t"]["top"]] == counts
    orjson.dumps(result)


def test_memory_is_below_that_of_the_table(tmp_path: Path) -> None:
    """Forty-nine columns of 1.5 million rows are 590 MB; a profile, which holds two at a time, peaks near 310."""
    rng = np.random.default_rng(0)
    path = tmp_path / "rows.parquet"
    rows = 1_500_000
    frame = pl.DataFrame({f"x{i}": rng.integers(0, 5000, rows) for i in range(48)}).with_columns(
        id=pl.Series(np.arange(rows)).cast(pl.String)
    )
    frame.write_parquet(path, row_group_size=250_000)
    code = (
        "import sys, numpy, polars, pyarrow.parquet\n"
        "from pathlib import Path\n"
        "from datasets.profile import profile\n"
        "from datasets.schema import Schema\n"
        "def of(key): return int(open('/proc/self/status').read().split(key + ':')[1].split()[0]) // 1024\n"
        "schema = Schema.of([(f'x{i}', 'integer') for i in range(48)] + [('id', 'text')])\n"
        "before = of('VmRSS')\n"
        "assert profile(Path(sys.argv[1]), schema)['rows'] == 1_500_000\n"
        "print(of('VmHWM') - before)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 440


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
    frame = pd.DataFrame({"x": [1.7e308, -1.7e308, 0.5, 2.5]})
    result = profiled(tmp_path, frame)
    assert b"null" in orjson.dumps(result) and "NaN" not in str(result)
