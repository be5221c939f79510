"""Upload → ready: Atrium's reader and profile against `pandas.read_csv` + `to_parquet`, each in its own process.

The two do not do the same work: pandas guesses types and drops leading zeros; Atrium checks every value against its
text, hashes the file and, for "ready", profiles all rows. Usage: bench/ingest.py [rows] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]


def make(path: Path, rows: int) -> None:
    """Ten columns: identifiers, counts, amounts, full-precision numbers, categories, codes with zeros, dates, flags."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    days = pd.to_timedelta(rng.integers(0, 1000, rows), unit="D")
    columns = {
        "id": np.arange(rows),
        "age": rng.integers(18, 90, rows),
        "income": rng.lognormal(10, 1, rows).round(2),
        "score": rng.normal(size=rows),
        "city": rng.choice(["Oslo", "Bergen", "Trondheim", "Tromsø"], rows),
        "code": np.char.zfill(rng.integers(0, 999_999, rows).astype(str), 6),
        "day": pd.Timestamp("2020-01-01") + days,
        "flag": rng.random(rows) < 0.3,
        "ratio": rng.random(rows).round(6),
        "note": rng.choice(["fine", "needs, care", "late"], rows),
    }
    pd.DataFrame(columns).to_csv(path, index=False)


def with_pandas(source: Path, folder: Path) -> Callable[[], None]:
    import pandas as pd
    import pyarrow.parquet  # noqa: F401 -- not a part of what is measured

    return lambda: pd.read_csv(source).to_parquet(folder / "pandas.parquet")


def with_atrium(source: Path, folder: Path, *, profiled: bool = False) -> Callable[[], None]:
    import polars  # noqa: F401
    import pyarrow.compute
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401

    from datasets.ingest import ingest
    from datasets.profile import profile

    def run() -> None:
        target = folder / "atrium.parquet"
        options: dict[str, str] = {}
        report = ingest(
            source, target, folder / "rejects.csv", filename="a.csv", options=options, progress=lambda f, n: None
        )
        if profiled:
            profile(target, report.schema)

    return run


WAYS: dict[str, Callable[[Path, Path], Callable[[], None]]] = {
    "pandas read_csv + to_parquet": with_pandas,
    "atrium read + verify + Parquet": with_atrium,
    "atrium the same + profile": lambda source, folder: with_atrium(source, folder, profiled=True),
}


def measure(way: str, source: Path, folder: Path) -> None:
    """In this process: print the seconds and the peak resident memory of one way as JSON."""
    run = WAYS[way](source, folder)
    begun = time.perf_counter()
    run()
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """The largest resident memory of this process so far. On Linux getrusage would count its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def compare(rows: int, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, source = Path(name), Path(name) / "source.csv"
        make(source, rows)
        best = {way: min((_in_own_process(way, source, folder) for _ in range(repeats)), key=_seconds) for way in WAYS}
        base = best["pandas read_csv + to_parquet"]
        print(f"{rows:,} rows × 10 columns, {source.stat().st_size / 1e6:.0f} MB, best of {repeats}")
        for way, found in best.items():
            ratio, memory = base["seconds"] / found["seconds"], found["peak_mb"] / base["peak_mb"]
            print(
                f"{way:32} {found['seconds']:6.2f} s {rows / found['seconds']:12,.0f} rows/s ({ratio:.2f}× pandas)"
                f" {found['peak_mb']:6.0f} MB ({memory:.2f}× pandas)"
            )


def _seconds(found: dict[str, float]) -> float:
    return found["seconds"]


def _in_own_process(way: str, source: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", way, str(source), str(folder)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "SOURCE", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]), Path(asked.measure[2]))
    else:
        compare(asked.rows, asked.repeats)
