"""Every preparation step alone, at full size: live preview, one row, and scikit-learn's same step where there is one.

python bench/recipe_steps.py [--rows 1000000] [--only target]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from datasets.recipe import STEPS, Around, fit, preview
from datasets.schema import Schema
from datasets.steps import _keys

SCHEMA = Schema.of(
    [
        ("a", "number"),
        ("b", "number"),
        ("n", "integer"),
        ("city", "text"),
        ("note", "text"),
        ("day", "date"),
        ("end", "date"),
        ("class", "text"),
    ]
)


@dataclass
class Cities:
    """Another table, to be joined."""

    schema: Schema = field(default_factory=lambda: Schema.of([("name", "text"), ("people", "integer")]))

    def frame(self) -> pl.LazyFrame:
        return pl.LazyFrame({"name": [f"city {i}" for i in range(500)], "people": range(500)})


AROUND = Around(tables={"cities@1": Cities()}, scope="bench")
# Columns and parameters with which each step is measured.
USES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "age": (["day"], {"until": "end"}),
    "aggregate": (["city"], {"column": "a", "std": True}),
    "bin": (["a"], {}),
    "choose": (["a", "city"], {}),
    "cycle": (["day"], {}),
    "dates": (["day"], {}),
    "derive": ([], {"name": "c", "expression": "if(a > 20, log(a) / (n + 1), b * 2)"}),
    "drop": (["note"], {}),
    "duplicates": (["city", "n"], {}),
    "encode": (["city"], {}),
    "fill_forward": (["a"], {"groups": ["city"], "order": "day"}),
    "filter": ([], {"condition": "a > 10 and city != 'city 7'"}),
    "frequency": (["city"], {}),
    "hashing": (["note"], {"buckets": 16}),
    "isolation": (["a", "b", "n"], {}),
    "join": ([], {"table": "cities@1", "keys": {"city": "name"}, "columns": ["people"]}),
    "knn": (["a", "b", "n"], {}),
    "log": (["a"], {}),
    "measure": (["note"], {}),
    "missing": (["a"], {}),
    "noise": (["a"], {}),
    "normalise": (["a"], {}),
    "outliers": (["a"], {}),
    "oversample": (["a", "b"], {}),
    "power": (["a"], {}),
    "pseudonym": (["city"], {}),
    "quantile": (["a"], {}),
    "rename": ([], {"names": {"a": "amount"}}),
    "target": (["city"], {}),
    "text": (["note"], {"case": "lower", "punctuation": True}),
}


def table(rows: int) -> pl.DataFrame:
    """Columns of every type; the notes are free text, half of it beyond ASCII."""
    rng = np.random.default_rng(1)
    words = pl.Series(["late", "paid", "never", "call", "again", "北京", "Zürich", "order"])
    notes = pl.DataFrame({f"w{i}": words.gather(rng.integers(0, len(words), rows)) for i in range(4)})
    start = rng.integers(0, 20_000, rows)
    return pl.DataFrame(
        {
            "a": pl.Series(np.where(rng.random(rows) < 0.05, np.nan, rng.lognormal(3, 1, rows))).fill_nan(None),
            "b": rng.normal(0, 1, rows),
            "n": rng.integers(0, 1000, rows),
            "city": pl.Series([f"city {i}" for i in range(500)]).gather(rng.integers(0, 500, rows)),
            "note": notes.select(pl.concat_str(pl.all(), separator=" "))["w0"],
            "day": pl.Series(start, dtype=pl.Int32).cast(pl.Date),
            "end": pl.Series(start + rng.integers(0, 400, rows), dtype=pl.Int32).cast(pl.Date),
            "class": pl.Series(["no", "yes"]).gather((rng.random(rows) < 0.1).astype(np.int64)),
        }
    )


def references(frame: pl.DataFrame) -> dict[str, Callable[[], Any]]:
    """scikit-learn's same steps, on arrays that are ready for them."""
    from sklearn.ensemble import IsolationForest
    from sklearn.impute import KNNImputer, SimpleImputer
    from sklearn.preprocessing import (
        KBinsDiscretizer,
        OneHotEncoder,
        PowerTransformer,
        QuantileTransformer,
        StandardScaler,
        TargetEncoder,
    )

    a, three = frame.select("a").to_numpy(), frame.select("a", "b", "n").to_numpy()
    full, city = np.nan_to_num(a), frame.select("city").to_numpy()
    label = (frame["class"] == "yes").cast(pl.Int64).to_numpy()
    bins = KBinsDiscretizer(5, encode="ordinal", quantile_method="linear", subsample=None)
    return {
        "missing": lambda: SimpleImputer(strategy="median").fit_transform(a),
        "normalise": lambda: StandardScaler().fit_transform(a),
        "quantile": lambda: QuantileTransformer().fit_transform(a),
        "power": lambda: PowerTransformer().fit_transform(a),
        "bin": lambda: bins.fit_transform(full),
        "encode": lambda: OneHotEncoder(max_categories=51, sparse_output=False).fit_transform(city),
        "target": lambda: TargetEncoder().fit_transform(city, label),
        "knn": lambda: KNNImputer().fit(three[:256]).transform(three),
        "isolation": lambda: (
            IsolationForest(n_estimators=50, max_samples=128).fit(np.nan_to_num(three)).predict(np.nan_to_num(three))
        ),
    }


def seconds(work: Callable[[], Any], repeats: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - start) / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    missing = set(STEPS.names()) - set(USES)
    assert not missing, f"not measured: {missing}"
    _keys.use_master(lambda: b"bench")
    frame = table(args.rows)
    others = references(frame)
    print(f"{args.rows:,} rows; seconds, and microseconds for one row")
    print(f"{'step':14}{'preview':>9}{'fit+transform':>15}{'scikit-learn':>14}{'ratio':>8}{'one row':>10}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        frame.write_parquet(path)
        for name in [args.only] if args.only else USES:
            measure(name, frame, path, others)


def measure(name: str, frame: pl.DataFrame, path: Path, others: dict[str, Callable[[], Any]]) -> None:
    columns, params = USES[name]
    steps = [{"step": name, "columns": columns, "params": params}]
    target = "class" if STEPS[name].needs_target(params) else None
    shown = preview(steps, path, SCHEMA, target=target, around=AROUND)
    assert "error" not in shown["steps"][0], shown["steps"][0]
    previewed = seconds(lambda: preview(steps, path, SCHEMA, target=target, around=AROUND))
    whole = seconds(
        lambda: fit(steps, frame, SCHEMA, target=target, around=AROUND).transform(frame, training=True).collect()
    )
    fitted = fit(steps, frame.head(100_000), SCHEMA, target=target, around=AROUND)
    row, given = fitted.row(), frame.row(0, named=True)
    single = seconds(lambda: row(given), 2_000)
    theirs = seconds(others[name]) if name in others else None
    compared = f"{theirs:14.2f}{theirs / whole:7.1f}x" if theirs is not None else f"{'':14}{'':8}"
    print(f"{name:14}{previewed:9.2f}{whole:15.2f}{compared}{single * 1e6:10.1f}", flush=True)


if __name__ == "__main__":
    main()
