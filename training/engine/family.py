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

    Shape: X (rows, features) float64; y (rows,) float64 for regression, int64 class codes for classification.
    """

    X: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Problem:
    """What a family fits: prepared numbers, the task, and the seed that everything random is drawn from."""

    task: str
    train: Rows
    validation: Rows
    seed: int
    classes: int = 0

    @property
    def features(self) -> int:
        return int(self.train.X.shape[1])

    @property
    def outputs(self) -> int:
        """How many numbers the model computes a row: one for a value or a yes/no, else one a class."""
        return self.classes if self.task == MULTICLASS else 1


@dataclass(frozen=True)
class Exported:
    """A model as data. `onnx` is the serialised graph; `weights`, for linear models, is served without a runtime."""

    onnx: bytes
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


@dataclass(frozen=True)
class Family:
    """A kind of model: a declaration that costs no import, and a `fit` that imports what it needs.

    `check(params, task)` raises TrainError for parameters that do not go together. `fit` polls `control` for stop,
    pause, cancel and the time limit, logs through it, and draws all randomness from `problem.seed`.
    """

    name: str
    label: str
    help: str
    tasks: tuple[str, ...]
    needs: Needs
    params: tuple[Param, ...]
    fit: Callable[[Problem, Mapping[str, Any], Control], Fitted]
    check: Callable[[Mapping[str, Any], str], None] = field(default=_accept)


FAMILIES: Registry[Family] = Registry("training.engine.families", "FAMILY")
