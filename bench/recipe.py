"""Fit and transform a recipe, and answer one row, against the scikit-learn pipeline that a user would write instead.

    python bench/recipe.py [--rows 1000000] [--numeric 8] [--text 4]

Both impute the median and scale the numeric columns, and impute the most frequent value and one-hot encode the text
columns; both start from a table in memory in their own library's form, and their outputs are compared to 1e-9 first.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from datasets.recipe import FittedRecipe, fit, preview
from datasets.schema import Schema

TEXTS = ["north", "south", "east", "west", "centre", "abroad", "island", "unknown"]


def table(rows: int, numeric: int, text: int) -> pl.DataFrame:
    """Skewed numbers with 5 % missing, and categories with 2 % missing."""
    rng = np.random.default_rng(0)
    data: dict[str, Any] = {}
    for i in range(numeric):
        values = rng.lognormal(3, 1, rows)
        values[rng.random(rows) < 0.05] = np.nan
        data[f"n{i}"] = values
    for i in range(text):
        codes = rng.integers(0, len(TEXTS), rows)
        data[f"t{i}"] = (
            pl.Series(TEXTS, dtype=pl.String)
            .gather(codes)
            .to_frame("t")
            .select(pl.when(pl.Series(rng.random(rows) >= 0.02)).then(pl.col("t")))["t"]
        )
    return pl.DataFrame(data)


def ours(numbers: list[str], texts: list[str]) -> list[dict[str, Any]]:
    return [
        {"step": "missing", "columns": numbers, "params": {"method": "median"}},
        {"step": "normalise", "columns": numbers},
        {"step": "missing", "columns": texts, "params": {"method": "mode"}},
        {"step": "encode", "columns": texts, "params": {"unseen": "missing"}},
    ]


def theirs(numbers: list[str], texts: list[str]) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    number = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    text = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return ColumnTransformer([("number", number, numbers), ("text", text, texts)])


def seconds(work: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    start = time.perf_counter()
    for _ in range(repeats):
        result = work()
    return (time.perf_counter() - start) / repeats, result


def bulk(frame: pl.DataFrame, pandas: pd.DataFrame, numbers: list[str], texts: list[str]) -> tuple[FittedRecipe, Any]:
    schema = Schema.of([*((n, "number") for n in numbers), *((t, "text") for t in texts)])

    def run_ours() -> tuple[FittedRecipe, pl.DataFrame]:
        fitted = fit(ours(numbers, texts), frame, schema)
        return fitted, fitted.transform(frame, training=True).collect()

    pipeline = theirs(numbers, texts)
    our_time, (fitted, made) = seconds(run_ours)
    their_time, reference = seconds(lambda: pipeline.fit_transform(pandas))
    np.testing.assert_allclose(made.to_numpy(), np.asarray(reference, dtype=float), rtol=1e-9, atol=1e-9)
    print(f"fit + transform, {len(frame):,} rows x {frame.width} columns")
    print(f"  atrium {our_time:.2f} s   scikit-learn {their_time:.2f} s   ratio {their_time / our_time:.1f}x")
    return fitted, pipeline


def one_row(fitted: FittedRecipe, pipeline: Any, frame: pl.DataFrame, pandas: pd.DataFrame) -> None:
    row, given, single = fitted.row(), frame.row(0, named=True), pandas.iloc[:1]
    our_time, _ = seconds(lambda: row(given), 100_000)
    their_time, _ = seconds(lambda: pipeline.transform(single), 100)
    print("one row")
    ratio = their_time / our_time
    print(f"  atrium {our_time * 1e6:.2f} us   scikit-learn {their_time * 1e6:.0f} us   ratio {ratio:,.0f}x")


def live_preview(frame: pl.DataFrame, numbers: list[str], texts: list[str]) -> None:
    path = Path(tempfile.mkdtemp()) / "table.parquet"
    frame.fill_nan(None).write_parquet(path)
    schema = Schema.of([*((n, "number") for n in numbers), *((t, "text") for t in texts)])
    full = ours(numbers, texts)
    one = [{"step": "outliers", "columns": numbers[:1], "params": {"action": "remove"}}]
    for name, steps in (("one step on one column", one), ("four steps on every column", full)):
        elapsed, _ = seconds(lambda steps=steps: preview(steps, path, schema))
        print(f"live preview, {name}: {elapsed:.2f} s")
    shutil.rmtree(path.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--numeric", type=int, default=8)
    parser.add_argument("--text", type=int, default=4)
    args = parser.parse_args()
    frame = table(args.rows, args.numeric, args.text)
    pandas = frame.to_pandas().astype({f"t{i}": object for i in range(args.text)}).replace({pd.NA: None})
    numbers, texts = [f"n{i}" for i in range(args.numeric)], [f"t{i}" for i in range(args.text)]
    pandas[texts] = pandas[texts].where(pandas[texts].notna(), None)
    fitted, pipeline = bulk(frame, pandas, numbers, texts)
    one_row(fitted, pipeline, frame, pandas)
    live_preview(frame, numbers, texts)


if __name__ == "__main__":
    main()
