"""Error for time: ours and the libraries that one would pick instead, on the same rows, in one run.

    python bench/training.py [--data shared/data] [--presets fast,balanced,best] [--splits 1] [--tables heart,wine]
                             [--peers lightgbm,catboost,xgboost,sklearn,flaml,autogluon]
                             [--peers-python PATH] [--reference FILE.json] [--seconds 120]

Tables are scikit-learn's own and, with `--data`, its CSV files that are named in TABLES. Of each, a fifth of the rows
is held apart by the split's seed; nobody sees it before the end. Ours is the artifact on those rows, through its recipe.
Peers run with their defaults; they are taken if they are installed, in the interpreter of `--peers-python` if given.
`--reference` reads their figures instead: {table: {peer: {"error", "seconds"}}}, for the first split.
Printed: the error (log loss or RMSE), AUC or R², accuracy and seconds of each, and the geometric mean of the error over
the reference's (autogluon, or the first peer there is).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl

PEERS = ("lightgbm", "catboost", "xgboost", "sklearn", "flaml", "autogluon")
TEST = 0.2
# By the beginning of the file's name: target, task, columns that are numbers of rows or say the outcome, and whether
# the file has a header (else its columns are c0, c1, …).
TABLES: dict[str, dict[str, Any]] = {
    "heart": {"target": "Disease", "task": "binary"},
    "german": {"target": "c20", "task": "binary", "header": False},
    "bike": {"target": "cnt", "task": "regression", "without": ("instant", "dteday")},
    "ai4i": {
        "target": "Machine failure",
        "task": "binary",
        "without": ("UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"),
    },
}
KINDS = {pl.Int64: "integer", pl.Float64: "number", pl.String: "text", pl.Boolean: "boolean", pl.Date: "date"}


def own_tables() -> dict[str, tuple[pl.DataFrame, str, str]]:
    """scikit-learn's tables, as (frame, target, task)."""
    from sklearn import datasets

    found = {}
    for name, task in (
        ("breast_cancer", "binary"),
        ("diabetes", "regression"),
        ("wine", "multiclass"),
        ("digits", "multiclass"),
    ):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        frame = pl.DataFrame({f"x{i}": X[:, i] for i in range(X.shape[1])})
        found[name] = (
            frame.with_columns(target=pl.Series(y if task == "regression" else y.astype(np.int64))),
            "target",
            task,
        )
    return found


def tables(folder: Path | None) -> dict[str, tuple[pl.DataFrame, str, str]]:
    found = own_tables()
    for path in sorted(folder.rglob("*.csv")) if folder else []:
        for name, told in TABLES.items():
            if path.stem.lower().startswith(name) and name not in found:
                frame = _read(path, told)
                if told["target"] in frame.columns:
                    found[name] = (frame, told["target"], told["task"])
    return found


def _read(path: Path, told: Mapping[str, Any]) -> pl.DataFrame:
    header = told.get("header", True)
    frame = pl.read_csv(path, has_header=header, infer_schema_length=None, null_values=["", "NA", "?"])
    names = [name.strip() for name in frame.columns] if header else [f"c{i}" for i in range(frame.width)]
    return frame.rename(dict(zip(frame.columns, names, strict=True))).drop(told.get("without", ()), strict=False)


def ours(train: pl.DataFrame, test: pl.DataFrame, target: str, task: str, preset: str) -> tuple[np.ndarray, float]:
    """The preset's answers for the test rows (values, or probabilities in the classes' order), and its seconds."""
    from datasets.recipe import FittedRecipe
    from datasets.schema import Schema
    from training.engine import artifact, presets
    from training.engine.control import Silent
    from training.engine.spec import TrainSpec
    from training.engine.train import train as train_engine

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        train.write_parquet(folder / "table.parquet")
        schema = Schema.of((name, KINDS[type(kind)]) for name, kind in train.schema.items())
        planned = presets.plan(rows=train.height, features=train.width - 1, task=task, preset=preset)
        spec = TrainSpec(
            data=folder / "table.parquet", schema=schema, target=target, task=task, preset=preset,
            candidates=planned.candidates, time_limit=planned.time_limit, split={"test": 0.0, "validation": 0.0},
        )  # fmt: skip
        started = time.monotonic()
        train_engine(spec, workdir=folder / "work", artifact=folder / "artifact", monitor=Silent())
        seconds = time.monotonic() - started
        manifest = json.loads((folder / "artifact" / "manifest.json").read_text())
        recipe = FittedRecipe.from_json((folder / "artifact" / "recipe.json").read_text())
        table = recipe.transform(test, training=False).collect()
        X = table.select(pl.col(manifest["features"]).cast(pl.Float64)).to_numpy()
        return artifact.Model(folder / "artifact", task).predict(np.ascontiguousarray(X)), seconds


def peer(
    name: str, python: str, folder: Path, target: str, task: str, seconds: float
) -> tuple[np.ndarray, float] | None:
    """A peer's answers, from a process of its own; None where it is not installed."""
    command = [python, str(Path(__file__).parent / "training_peers.py"), name, str(folder), target, task, str(seconds)]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if subprocess.run(command, capture_output=True, env=environment, check=False).returncode:
        return None
    return np.load(folder / "answers.npy"), float((folder / "seconds.txt").read_text())


def scores(answer: np.ndarray, test: pl.DataFrame, train: pl.DataFrame, target: str, task: str) -> Mapping[str, float]:
    from training.engine import metrics

    if task == "regression":
        return metrics.score(test[target].cast(pl.Float64).to_numpy(), answer, task)
    classes = train[target].unique().sort().to_list()
    return metrics.score(np.array([classes.index(value) for value in test[target]]), answer, task)


def _mean(values: list[float]) -> float:
    return max(1e-12, sum(values) / len(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--presets", default="fast,balanced,best")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--tables", default="")
    parser.add_argument("--seconds", type=float, default=120.0, help="the time limit of the peers that take one")
    asked = parser.parse_args()
    errors: dict[str, dict[str, list[float]]] = {}
    known = json.loads(asked.reference.read_text()) if asked.reference else {}
    for name, (frame, target, task) in tables(asked.data).items():
        if asked.tables and name not in asked.tables.split(","):
            continue
        print(f"\n{name}: {frame.height:,} × {frame.width - 1}, {task}")
        for seed in range(asked.splits):
            order = np.random.default_rng(seed).permutation(frame.height)
            cut = round(TEST * frame.height)
            test, train = frame[order[:cut]], frame[order[cut:]]
            presets = filter(None, asked.presets.split(","))
            contestants = [*(f"ours {preset}" for preset in presets), *asked.peers.split(",")]
            with tempfile.TemporaryDirectory() as home:
                train.write_parquet(Path(home, "train.parquet"))
                test.write_parquet(Path(home, "test.parquet"))
                for who in filter(None, contestants):
                    found: tuple[np.ndarray, float] | None
                    if who.startswith("ours "):
                        found = ours(train, test, target, task, who.removeprefix("ours "))
                    else:
                        found = peer(who, asked.peers_python, Path(home), target, task, asked.seconds)
                    if found is not None:
                        told = scores(found[0], test, train, target, task)
                        say(who, told, found[1], seed)
                        error = told.get("rmse", told.get("log_loss", 0.0))
                        errors.setdefault(who, {}).setdefault(name, []).append(error)
        for who, told in known.get(name, {}).items():
            errors.setdefault(who, {})[name] = [told["error"]]
    summary(errors)


def say(who: str, told: Mapping[str, float], seconds: float, seed: int) -> None:
    error = told.get("rmse", told.get("log_loss"))
    second = f"R² {told['r2']:.4f}" if "r2" in told else f"AUC {told.get('auc', math.nan):.4f}"
    accuracy = f"   accuracy {told['accuracy']:.4f}" if "accuracy" in told else ""
    print(f"  {who:16} split {seed}   error {error:10.4f}   {second}   {seconds:6.1f} s{accuracy}", flush=True)


def summary(errors: Mapping[str, Mapping[str, list[float]]]) -> None:
    """The geometric mean of each one's error over the reference's, on the tables that both have."""
    reference = next((who for who in ("autogluon", *PEERS) if who in errors), None)
    if reference is None:
        return
    print(f"\nerror relative to {reference} (geometric mean; below 1 is better)")
    for who, own in errors.items():
        both = [name for name in own if name in errors[reference]]
        ratios = [math.log(_mean(own[n]) / _mean(errors[reference][n])) for n in both]
        if ratios:
            print(f"  {who:16} {math.exp(sum(ratios) / len(ratios)):.3f}   over {len(ratios)} tables")


if __name__ == "__main__":
    main()
