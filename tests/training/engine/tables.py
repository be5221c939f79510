"""Small tables, monitors and specifications for the engine's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from datasets.schema import Schema
from training.engine.control import Silent
from training.engine.report import TrainReport
from training.engine.spec import TrainSpec
from training.engine.train import train

TARGETS = {"regression": "price", "binary": "default", "multiclass": "grade"}


def credit(rows: int = 240, seed: int = 7) -> tuple[pl.DataFrame, Schema]:
    """Applicants with numbers, text, a truth value and gaps; one target for each task that follows from them."""
    random = np.random.default_rng(seed)
    age, income = random.uniform(20, 70, rows), random.lognormal(10, 0.5, rows)
    city, owner = random.choice(["Lyon", "Oslo", "Pisa"], rows), random.random(rows) < 0.4
    signal = (age - 45) / 15 + np.log(income / 22000) + 0.8 * (city == "Oslo") - 0.5 * owner
    noise = random.normal(0, 0.3, rows)
    frame = pl.DataFrame(
        {
            "age": age,
            "income": income,
            "city": city,
            "owner": owner,
            "price": 50_000 + 9_000 * (signal + noise),
            "default": signal + noise > 0,
            "grade": np.array(["a", "b", "c"])[np.digitize(signal + noise, [-0.6, 0.6])],
        }
    )
    gaps = pl.Series(random.random(rows) < 0.05)
    frame = frame.with_columns(income=pl.when(gaps).then(None).otherwise(pl.col("income")))
    kinds = {"age": "number", "income": "number", "city": "text", "owner": "boolean"}
    kinds |= {"price": "number", "default": "boolean", "grade": "text"}
    return frame, Schema.of(kinds.items())


def spec_for(folder: Path, task: str, candidates: list[dict[str, Any]], rows: int = 240, **given: Any) -> TrainSpec:
    """A training on the credit table."""
    frame, schema = credit(rows)
    path = folder / f"credit-{rows}.parquet"
    if not path.exists():
        frame.write_parquet(path)
    features = given.pop("features", ["age", "income", "city", "owner"])
    given.setdefault("target", TARGETS[task])
    return TrainSpec(data=path, schema=schema, candidates=candidates, features=features, task=task, **given)


class Watcher(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.points: list[tuple[int, dict[str, float]]] = []
        self.lines: list[str] = []
        self.fractions: list[float] = []

    def log(self, message: str, level: str = "info") -> None:
        self.lines.append(message)

    def metrics(self, step: int, values: dict[str, float]) -> None:
        self.points.append((step, values))

    def progress(self, fraction: float, note: str = "") -> None:
        self.fractions.append(fraction)

    def series(self, name: str) -> list[float]:
        return [values[name] for _, values in self.points if name in values]


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


class Killer(Silent):
    """Is killed at its n-th look at the signal."""

    def __init__(self, at: int) -> None:
        self.left = at

    def signal(self) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return "go"


class Teller(Silent):
    """Says "go" so many times, then something else."""

    def __init__(self, word: str, after: int) -> None:
        self.word, self.left = word, after

    def signal(self) -> Any:
        self.left -= 1
        return "go" if self.left >= 0 else self.word


def run(spec: TrainSpec, folder: Path, monitor: Any = None, **given: Any) -> TrainReport:
    return train(spec, workdir=folder / "work", artifact=folder / "artifact", monitor=monitor or Silent(), **given)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of an artifact."""
    return {path.name: path.read_bytes() for path in sorted((folder / "artifact").iterdir())}
