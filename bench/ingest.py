"""From a CSV file to Parquet: Atrium against pandas, polars and DuckDB, each in its own process, in turns.

They do not do the same work. Atrium types by a scan of all rows and checks every value against its text; the others
guess from some rows or drop what does not print. The second table shows who keeps what, the first what it costs.
Usage: bench/ingest.py [rows] [--repeats 5] [--wide] [--only traps]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
BASE = "pandas read_csv + to_parquet"
MINE = "atrium read + verify + Parquet"
Way = Callable[[Path, Path], Callable[[], None]]


def make(path: Path, rows: int) -> None:
    """Ten columns: identifiers, counts, amounts, full-precision numbers, categories, codes with zeros, dates, flags."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for start in range(0, rows, 1_000_000):
            n = min(1_000_000, rows - start)
            columns = {
                "id": np.arange(start, start + n),
                "age": rng.integers(18, 90, n),
                "income": rng.lognormal(10, 1, n).round(2),
                "score": rng.normal(size=n),
                "city": rng.choice(["Oslo", "Bergen", "Trondheim", "Tromsø"], n),
                "code": np.char.zfill(rng.integers(0, 999_999, n).astype(str), 6),
                "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D"),
                "flag": rng.random(n) < 0.3,
                "ratio": rng.random(n).round(6),
                "note": rng.choice(["fine", "needs, care", "late"], n),
            }
            pd.DataFrame(columns).to_csv(file, index=False, header=not start)


def make_wide(path: Path, rows: int) -> None:
    """Ten thousand columns: whole numbers, numbers and words by turns."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    made = (rng.integers(0, 10**6, rows), rng.random(rows).round(6), rng.choice(["low", "middle", "high"], rows))
    pd.DataFrame({f"c{i}": made[i % 3] for i in range(10_000)}).to_csv(path, index=False)


# What each way needs is imported before the clock starts.


def with_pandas(source: Path, folder: Path) -> Callable[[], None]:
    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    return lambda: pd.read_csv(source).to_parquet(folder / "pandas.parquet")


def with_polars(source: Path, folder: Path) -> Callable[[], None]:
    import polars as pl

    return lambda: pl.read_csv(source).write_parquet(folder / "polars.parquet")


def with_duckdb(source: Path, folder: Path) -> Callable[[], None]:
    import duckdb

    target = folder / "duckdb.parquet"
    query = f"copy (from read_csv('{source}')) to '{target}' (format parquet, compression zstd)"

    def run() -> None:
        duckdb.sql(query)

    return run


def with_atrium(source: Path, folder: Path, *, profiled: bool = False) -> Callable[[], None]:
    import pandas  # noqa: F401 -- pyarrow imports it
    import polars  # noqa: F401
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401

    from datasets.ingestion.ingest import ingest
    from datasets.ingestion.opening import FORMATS
    from datasets.profile import profile

    FORMATS.names()

    def run() -> None:
        target, rejects = folder / "atrium", folder / "rejects.csv"
        report = ingest(source, target, rejects, filename="a.csv", options={}, progress=lambda fraction, note: None)
        if profiled:
            profile(target, report.schema)

    return run


WAYS: dict[str, Way] = {
    BASE: with_pandas,
    "polars read_csv + write_parquet": with_polars,
    **({"duckdb copy": with_duckdb} if find_spec("duckdb") else {}),
    MINE: with_atrium,
    "atrium the same + profile": lambda source, folder: with_atrium(source, folder, profiled=True),
}


def measure(way: str, source: Path, folder: Path) -> None:
    """In this process: print the seconds, the processor seconds and the peak resident memory of one way as JSON."""
    run = WAYS[way](source, folder)
    begun, used = time.perf_counter(), time.process_time()
    run()
    figures = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used, "peak_mb": peak_mb()}
    print(json.dumps(figures))


def peak_mb() -> float:
    """The largest resident memory of this process so far. On Linux getrusage would count its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def compare(source: Path, folder: Path, title: str, ways: list[str], repeats: int) -> None:
    """Run the ways in turns, so that a busy moment of the machine strikes all of them."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            found[way].append(_in_own_process(way, source, folder))
    best = {way: {key: min(run[key] for run in runs) for key in runs[0]} for way, runs in found.items()}
    base = best[BASE]
    print(f"{title}, {source.stat().st_size / 1e6:.0f} MB, best of {repeats}, {os.cpu_count()} cores")
    for way, figures in best.items():
        print(
            f"{way:32} {figures['seconds']:6.2f} s ({base['seconds'] / figures['seconds']:.2f}× pandas)"
            f"  processor {figures['cpu']:6.2f} s  peak {figures['peak_mb']:6.0f} MB"
            f" ({figures['peak_mb'] / base['peak_mb']:.2f}× pandas)"
        )


def _in_own_process(way: str, source: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", way, str(source), str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    figures: dict[str, float] = json.loads(printed.splitlines()[-1])  # after a progress bar
    shutil.rmtree(folder / "atrium", ignore_errors=True)
    return figures


# A column that looks like one thing for long, the value that ends it, and what the value may become.
MANY = 30_000
_LISTED, _LARGE = "missing, and listed", "98765432109876543210"
TRAPS: dict[str, tuple[list[str], str, tuple[str, ...]]] = {
    "a late 1.5 among whole numbers": ([str(i) for i in range(MANY)], "1.5", ("1.5",)),
    "postal codes with leading zeros": (["02134", "10115", "99999"] * (MANY // 3), "00501", ("00501",)),
    "the article number 29E5": (["2945", "3011", "1177"] * (MANY // 3), "29E5", ("29E5",)),
    "1.234,50 among decimal commas": ([f"{i},5" for i in range(MANY)], "1.234,50", ("1234.5", "1.234,50")),
    "days that may be months": (["01/02/2024", "03/04/2024"] * (MANY // 2), "05/06/2024", ("05/06/2024",)),
    "whole numbers beyond 64 bits": (
        ["12345678901234567", "98"] * (MANY // 2),
        _LARGE,
        (_LARGE,),
    ),
    "a late 'unknown' among numbers": ([str(i) for i in range(MANY)], "unknown", ("unknown", _LISTED)),
    "a day that is in no calendar": (["2024-01-31", "2024-02-29"] * (MANY // 2), "2024-02-30", ("2024-02-30", _LISTED)),
}


def traps(folder: Path) -> None:
    """Print, for every trap, what became of its last value in each tool."""
    tools = {"pandas": _last_of_pandas, "polars": _last_of_polars, "duckdb": _last_of_duckdb, "atrium": _last_of_atrium}
    tools = {name: tool for name, tool in tools.items() if name == "atrium" or find_spec(name)}
    print(f"{'':34}" + "".join(f"{name:32}" for name in tools))
    for title, (values, last, right) in TRAPS.items():
        source = folder / "trap.csv"
        source.write_text("x;k\n" + "".join(f"{value};k\n" for value in [*values, last]))
        print(f"{title:34}" + "".join(f"{_judged(tool, source, right):32}" for tool in tools.values()))


def _judged(tool: Callable[[Path], Any], source: Path, right: tuple[str, ...]) -> str:
    try:
        got = str(tool(source))
    except Exception as error:
        return f"refused: {type(error).__name__}"
    return f"{'kept' if got in right else 'LOST'}: {got[:22]}"


def _last_of_pandas(source: Path) -> Any:
    import pandas as pd

    return pd.read_csv(source, sep=";")["x"].iloc[-1]


def _last_of_polars(source: Path) -> Any:
    import polars as pl

    return pl.read_csv(source, separator=";")["x"][-1]


def _last_of_duckdb(source: Path) -> Any:
    import duckdb

    return duckdb.execute(f"select x from read_csv('{source}')").fetchall()[-1][0]


def _last_of_atrium(source: Path) -> Any:
    from datasets import parts
    from datasets.ingestion.ingest import ingest

    with tempfile.TemporaryDirectory() as name:
        target, rejects = Path(name) / "rows", Path(name) / "rejects.csv"
        report = ingest(source, target, rejects, filename="a.csv", options={}, progress=lambda fraction, note: None)
        last = parts.read(target, ["x"])["x"][-1]
        return _LISTED if last is None and report.quarantined_cells == 1 else last


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--wide", action="store_true", help="10,000 columns × 1,000 rows instead")
    parser.add_argument("--only", choices=("speed", "traps"))
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "SOURCE", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]), Path(asked.measure[2]))
        sys.exit()
    with tempfile.TemporaryDirectory() as name:
        if asked.only != "traps":
            rows = 1000 if asked.wide else asked.rows
            (make_wide if asked.wide else make)(Path(name) / "source.csv", rows)
            title = f"{rows:,} rows × {'10,000' if asked.wide else '10'} columns"
            ways = [BASE, MINE] if asked.wide else list(WAYS)
            compare(Path(name) / "source.csv", Path(name), title, ways, asked.repeats)
        if asked.only != "speed":
            traps(Path(name))
