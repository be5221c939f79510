"""Profile of a stored table: Atrium's against what pandas and polars users run for the same figures, each in its own process.

pandas: read_parquet, describe(include="all"), nunique, value_counts of every column, duplicated. polars: read_parquet,
describe, n_unique, value_counts, is_duplicated. Atrium also gives histograms, shapes of text, gaps, variants,
personal data and associations. On a busy machine the seconds of processors compare better.
Usage: bench/profile.py [rows] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform"), str(ROOT / "bench")]

from ingest import peak_mb

PART = 500_000


def make(path: Path, rows: int) -> None:
    """Twelve columns, written a part at a time: numbers, categories, codes, dates, flags, addresses, a note."""
    import numpy as np
    import polars as pl
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, PART):
        n = min(PART, rows - start)
        ids = np.arange(start, start + n)
        frame = pl.DataFrame(
            {
                "id": ids,
                "age": rng.integers(18, 90, n),
                "income": rng.lognormal(10, 1, n).round(2),
                "score": rng.normal(size=n),
                "city": rng.choice(["Oslo", "Bergen", "Trondheim", "Tromsø"], n),
                "code": pl.Series(rng.integers(0, 999_999, n)).cast(pl.String).str.zfill(6),
                "day": pl.Series(rng.integers(18_262, 19_262, n)).cast(pl.Int32).cast(pl.Date),
                "flag": rng.random(n) < 0.3,
                "ratio": rng.random(n).round(6),
                "note": rng.choice(["fine", "needs, care", "late"], n),
                "email": pl.Series(rng.integers(0, max(rows // 2, 1), n)).cast(pl.String) + "@post.example",
                "amount": pl.Series(rng.gamma(2, 50, n)).set(pl.Series(rng.random(n) < 0.05), None),
            }
        )
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def with_pandas(path: Path) -> Callable[[], None]:
    import pandas as pd
    import pyarrow.parquet  # noqa: F401 -- not a part of what is measured

    def run() -> None:
        frame = pd.read_parquet(path)
        frame.describe(include="all")
        frame.nunique()
        for name in frame:
            frame[name].value_counts().head(10)
        frame.duplicated().sum()

    return run


def with_polars(path: Path) -> Callable[[], None]:
    import polars as pl

    def run() -> None:
        frame = pl.read_parquet(path)
        frame.describe()
        frame.select(pl.all().n_unique())
        for series in frame:
            series.value_counts(sort=True).head(10)
        frame.is_duplicated().sum()

    return run


def with_atrium(path: Path) -> Callable[[], None]:
    import polars  # noqa: F401
    import pyarrow.parquet as pq

    from datasets.profile import profile
    from datasets.schema import Schema

    kinds = {"int64": "integer", "double": "number", "bool": "boolean", "date32[day]": "date"}
    schema = Schema.of((field.name, kinds.get(str(field.type), "text")) for field in pq.read_schema(path))
    return lambda: print(len(json.dumps(profile(path, schema))), file=sys.stderr)


WAYS: dict[str, Callable[[Path], Callable[[], None]]] = {
    "pandas": with_pandas,
    "polars": with_polars,
    "atrium": with_atrium,
}


def measure(way: str, path: Path) -> None:
    """In this process: print the seconds and the peak resident memory of one way as JSON."""
    run = WAYS[way](path)
    begun, busy = time.perf_counter(), time.process_time()
    run()
    found = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - busy, "peak_mb": peak_mb()}
    print(json.dumps(found))


def compare(rows: int, repeats: int, ways: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "table.parquet"
        make(path, rows)
        print(f"{rows:,} rows × 12 columns, best of {repeats}")
        best = {way: min((_in_own_process(way, path) for _ in range(repeats)), key=_seconds) for way in ways}
        base = best[ways[0]]
        for way, found in best.items():
            ratio, memory = base["seconds"] / found["seconds"], found["peak_mb"] / base["peak_mb"]
            print(
                f"{way:10} {found['seconds']:6.2f} s ({ratio:.2f}× {ways[0]}), {found['cpu']:6.2f} s of processors,"
                f" {found['peak_mb']:6.0f} MB ({memory:.2f}×)"
            )


def _seconds(found: dict[str, float]) -> float:
    return found["seconds"]


def _in_own_process(way: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", way, str(path)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]))
    else:
        compare(asked.rows, asked.repeats, asked.ways)
