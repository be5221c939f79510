"""N trainings at a time on N cores: what each of them costs beside the others, against one alone.

    python bench/contention.py [--jobs N] [--rows 40000] [--rounds 200]

A training is a fit of boosted trees with one thread that holds a core of engine/cores.py while it computes, as every
unit of a run does. Beside it, the same fits as a library starts them by itself: with as many threads each as there are
cores. Printed are the seconds of the slowest fit, and how many times the fit alone that is; the bar is 1.2.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from training.engine.cores import Cores, count

BAR = 1.2


def fit(rows: int, rounds: int, threads: int, folder: str) -> float:
    """Seconds that one fit computes, the wait for a core not counted."""
    import numpy as np

    from training.engine import lightgbm_model

    lightgbm = lightgbm_model.load()
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, 20))
    y = X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + random.normal(0, 0.1, rows)
    settings = {"objective": "l2", "num_leaves": 31, "num_threads": threads, "verbosity": -1, "force_col_wise": True}
    cores = Cores(Path(folder)) if folder else None
    while cores is not None and not cores.first():
        time.sleep(0.01)
    started = time.monotonic()
    lightgbm.train(settings, lightgbm.Dataset(X, y), rounds)
    return time.monotonic() - started


def together(jobs: int, rows: int, rounds: int, threads: int, folder: str) -> list[float]:
    """So many fits at the same time, each in a process of its own."""
    command = [sys.executable, __file__, "--fit", str(threads), "--rows", str(rows), "--rounds", str(rounds)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    running = [
        subprocess.Popen([*command, "--folder", folder], stdout=subprocess.PIPE, env=environment) for _ in range(jobs)
    ]
    return [float(process.communicate()[0]) for process in running]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=count())
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--fit", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fit is not None:
        print(fit(asked.rows, asked.rounds, asked.fit, asked.folder))
        return
    cores = count()
    print(f"{asked.rows:,} × 20, {asked.rounds} rounds; {asked.jobs} at a time on {cores} cores")
    with tempfile.TemporaryDirectory() as folder:
        size = (asked.rows, asked.rounds)
        cases = (
            ("ours, one thread each, cores shared", 1, folder),
            (f"naive, {max(2, cores)} threads each", max(2, cores), ""),
        )
        for name, threads, shared in cases:
            alone = min(together(1, *size, threads, shared)[0] for _ in range(3))
            beside = min(max(together(asked.jobs, *size, threads, shared)) for _ in range(3))
            print(f"{name:40} alone {alone:6.2f} s   beside the others {beside:6.2f} s   {beside / alone:5.2f}×")
    print(f"bar for ours: {BAR}×")


if __name__ == "__main__":
    main()
