"""What a model family is, what it is given to fit, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from plugins.params import Param
from plugins.registry import Registry

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control
    from training.engine.graph import Graph

REGRESSION, BINARY, MULTICLASS = "regression", "binary", "multiclass"
TASKS = (REGRESSION, BINARY, MULTICLASS)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a family needs of the numbers it gets: on one scale; with no value missing."""

    scaled: bool = False
    complete: bool = False


@dataclass(frozen=True)
class Rows:
    """Numbers for one part of the split.

    Shape: X (rows, features) float64; y (rows,) float64 for regression, int64 class codes for classification;
    w (rows,) float64 weights whose mean over the training rows is 1, or None where every row counts the same.
    """

    X: np.ndarray
    y: np.ndarray
    w: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: np.ndarray | slice) -> Rows:
        """Some of the rows."""
        return Rows(self.X[rows], self.y[rows], None if self.w is None else self.w[rows])


@dataclass(frozen=True)
class Problem:
    """What a family fits: prepared numbers, the task, and the seed that everything random is drawn from.

    `monotone` says for each feature whether the answer must not fall (1) or not rise (−1) with it, or may do either
    (0); empty where nothing is asked.
    """

    task: str
    train: Rows
    validation: Rows
    seed: int
    classes: int = 0
    monotone: tuple[int, ...] = ()

    @property
    def features(self) -> int:
        return int(self.train.X.shape[1])

    @property
    def outputs(self) -> int:
        """How many numbers the model computes a row: one for a value or a yes/no, else one a class."""
        return self.classes if self.task == MULTICLASS else 1


@dataclass(frozen=True)
class Exported:
    """A model as data.

    `write` appends the model to a graph: from `graph.last`, float64 (rows, features), to a raw output (rows, outputs)
    on the scale of the task's link (value, log-odds, or one score a class), left in `graph.last`. The link and the end
    are the artifact's, so that several models can share one graph. `weights`, for linear models, is served without a
    runtime.
    """

    write: Callable[[Graph], None]
    outputs: int
    weights: Mapping[str, np.ndarray] | None = None


class Fitted(Protocol):
    """A trained model."""

    @property
    def steps(self) -> int:
        """Optimiser steps or rounds that were done."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return (rows,) values for regression, (rows, classes) probabilities for classification."""

    def export(self) -> Exported: ...


def _accept(params: Mapping[str, Any], task: str) -> None:
    """A family whose every combination of parameters fits every one of its tasks."""


def _as_given(params: Mapping[str, Any], rows: int, task: str) -> Mapping[str, Any]:
    """A family that leaves nothing open."""
    return params


@dataclass(frozen=True)
class Family:
    """A kind of model: a declaration that costs no import, and a `fit` that imports what it needs.

    `check(params, task)` raises TrainError for parameters that do not go together. `fit` polls `control` for stop,
    pause, cancel and the time limit, logs through it, and draws all randomness from `problem.seed`. `weighted` and
    `monotone` say whether it heeds `Rows.w` and `Problem.monotone`; it is not given what it would pass over.
    `settled(params, rows, task)` fills in what a parameter left to the number of training rows and the task.
    """

    name: str
    label: str
    help: str
    tasks: tuple[str, ...]
    needs: Needs
    params: tuple[Param, ...]
    fit: Callable[[Problem, Mapping[str, Any], Control], Fitted]
    check: Callable[[Mapping[str, Any], str], None] = field(default=_accept)
    settled: Callable[[Mapping[str, Any], int, str], Mapping[str, Any]] = field(default=_as_given)
    weighted: bool = True
    monotone: bool = False


FAMILIES: Registry[Family] = Registry("training.engine.families", "FAMILY")
