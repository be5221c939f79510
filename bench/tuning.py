"""The best model found so far: a study's search (TPE, poor trials ended by ASHA) against random search at equal time.

    python bench/tuning.py [--data shared/data] [--seconds 8] [--seeds 4] [--table NAME]

Both search the range that the family declares to be worth it, from the same seed, in one process with one thread, for
the same seconds; a trial that the end cuts off does not count. What is printed is the ratio of the best validation
loss of ours to random search's (log loss or RMSE, geometric mean over the seeds; below 1 is better) at a quarter, a
half and the whole of the time, and how many trials each made. Tables are scikit-learn's; with `--data`, every CSV file
of that folder whose last column is a number or a class.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parents[1] / "platform"), str(Path(__file__).parents[1])]

import numpy as np

from plugins.params import validate_params
from training.engine import metrics
from training.engine.control import Control, Signal, Silent
from training.engine.errors import TrainCancelled, TrainError
from training.engine.family import BINARY, FAMILIES, MULTICLASS, REGRESSION, Family, Problem, Rows
from training.engine.pruning import Course, judged, verdict
from training.engine.search import Space, Tried, default_search, space, suggest

SHARES = (0.25, 0.5, 1.0)


class Watched(Silent):
    """Judges a trial at its rungs against those before it, and ends everything when the time is up."""

    def __init__(self, course: Course, others: list[dict[int, float]], pruner: str, ends: float) -> None:
        self.course, self.others, self.ends = course, others, ends
        self.ahead = list(judged(pruner, course.rungs(), len(others) + 1))
        self.reached: dict[int, float] = {}
        self.best, self.pruned, self.late = math.inf, False, False

    def metrics(self, step: int, values: dict[str, float]) -> None:
        self.best = min(self.best, values.get("validation_loss", math.inf))
        while self.ahead and not self.pruned and self.course.reached(step) >= self.ahead[0]:
            unit = self.ahead.pop(0)
            before = [known for other in self.others if (known := other.get(unit, other.get(-1))) is not None]
            self.pruned = verdict("asha", self.best, before) is not None
            self.reached[unit] = self.best

    def signal(self) -> Signal:
        self.late = time.monotonic() >= self.ends
        return "cancel" if self.pruned or self.late else "go"


@dataclass
class Search:
    """One search: the best loss after each trial, with the second at which it stood."""

    seconds: float
    found: list[tuple[float, float]] = field(default_factory=list)
    made: int = 0

    def best_at(self, share: float) -> float:
        known = [loss for at, loss in self.found if at <= share * self.seconds]
        return min(known, default=math.nan)


Next = Callable[[list[Tried]], dict[str, Any]]


def run(problem: Problem, family: Family, draw: Next, pruner: str, seconds: float) -> Search:
    search, tried = Search(seconds), list[Tried]()
    others: list[dict[int, float]] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        drawn = draw(tried)
        params = validate_params(family.params, drawn)
        course = Course.of(family, params, len(problem.train), problem.task)
        assert course is not None
        watched = Watched(course, others, pruner, began + seconds)
        try:
            fitted = family.fit(problem, params, Control(watched))
            answer = fitted.predict(problem.validation.X)
            loss = metrics.score(problem.validation.y, answer, problem.task)[metrics.primary(problem.task)]
            tried.append(Tried(drawn, loss))
            others.append({**watched.reached, -1: watched.best})
            search.found.append((time.monotonic() - began, loss))
        except TrainCancelled:
            if watched.late:
                break
            unit = max(watched.reached)
            tried.append(Tried(drawn, pruned=(unit, watched.reached[unit])))
            others.append(watched.reached)
        except TrainError:
            tried.append(Tried(drawn))
        search.made += 1
    return search


def ours(where: Space, seed: int) -> Next:
    return lambda tried: suggest(where, tried, seed=seed)


def at_random(where: Space, seed: int) -> Next:
    dice = random.Random(seed)

    def draw(_tried: list[Tried]) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        for one in where:
            place = dice.random()
            if one.choices:
                drawn[one.name] = dice.choice(one.choices)
            else:
                low, high = (math.log(end) if one.log else end for end in (one.low, one.high))
                value = low + place * (high - low)
                value = math.exp(value) if one.log else value
                drawn[one.name] = round(value) if one.whole else min(one.high, max(one.low, value))
        return drawn

    return draw


def tables(folder: Path | None) -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    from sklearn import datasets

    if folder is None:
        yield "digits", *datasets.load_digits(return_X_y=True), MULTICLASS
        yield "breast cancer", *datasets.load_breast_cancer(return_X_y=True), BINARY
        return
    import polars as pl

    for path in sorted(folder.glob("*.csv")):
        frame = pl.read_csv(path, infer_schema_length=None).drop_nulls()
        last = frame.columns[-1]
        X = frame.drop(last).to_dummies(pl.selectors.string()).to_numpy().astype(float)
        classes = frame[last].n_unique()
        task = BINARY if classes == 2 else MULTICLASS if classes < 20 else REGRESSION
        y = frame[last].to_numpy() if task == REGRESSION else frame[last].rank("dense").to_numpy() - 1
        yield path.stem, X, y, task


def problem_of(X: np.ndarray, y: np.ndarray, task: str, seed: int) -> Problem:
    """Three quarters to train on, the rest to validate; scaled by what is trained on."""
    order = np.random.default_rng(seed).permutation(len(X))
    cut = len(X) * 3 // 4
    spread = X[order[:cut]].std(axis=0)
    scaled = (X - X[order[:cut]].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    y = y.astype(np.float64 if task == REGRESSION else np.int64)
    train, validation = (Rows(np.ascontiguousarray(scaled[part]), y[part]) for part in (order[:cut], order[cut:]))
    return Problem(task, train, validation, seed, 0 if task == REGRESSION else int(y.max()) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--table", default="")
    asked = parser.parse_args()
    for name, X, y, task in tables(asked.data):
        if asked.table not in name:
            continue
        for family in (FAMILIES["mlp"], FAMILIES["trees"]):
            where = space(family.params, default_search(family.params))
            run(problem_of(X, y, task, 0), family, at_random(where, 0), "none", 1.0)  # imports are nobody's trial
            pairs = []
            for seed in range(asked.seeds):
                problem = problem_of(X, y, task, seed)
                ways = {"asha": ours(where, seed), "none": at_random(where, seed)}
                done = {pruner: run(problem, family, draw, pruner, asked.seconds) for pruner, draw in ways.items()}
                pairs.append((done["asha"], done["none"]))
            ratios = [_ratio([(a.best_at(share), b.best_at(share)) for a, b in pairs]) for share in SHARES]
            trials = [round(sum(one.made for one in side) / len(pairs), 1) for side in zip(*pairs, strict=True)]
            print(
                f"{name}, {family.name}: best so far ours ÷ random "
                + ", ".join(f"{share:.0%} of the time {ratio:.3f}" for share, ratio in zip(SHARES, ratios, strict=True))
                + f"; trials {trials[0]} and {trials[1]} in {asked.seconds:g} s, {asked.seeds} seeds",
                flush=True,
            )


def _ratio(pairs: list[tuple[float, float]]) -> float:
    """The geometric mean over the seeds in which both had a model by then."""
    logs = [math.log(a / b) for a, b in pairs if a > 0 and b > 0]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


if __name__ == "__main__":
    main()
