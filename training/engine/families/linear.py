"""Linear, logistic and softmax regression by gradient descent, in double precision from zero weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine import distributed, losses
from training.engine.families import _descent
from training.engine.family import REGRESSION, TASKS, Exported, Family, Needs, Problem

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control
    from training.engine.graph import Graph

_PLAIN = {"clip": None, "averaging": "none", "noise": 0.0, "mixup": 0.0}

# The largest curvature of each loss as a multiple of the largest eigenvalue of XᵀX/m; of the log links, where they begin.
_CURVATURE = {
    "mse": 2.0,
    "huber": 1.0,
    "mae": 1.0,
    "quantile": 1.0,
    "poisson": 1.0,
    "tweedie": 1.0,
    "binary_cross_entropy": 0.25,
    "cross_entropy": 0.5,
    "focal": 0.5,
}


@dataclass(frozen=True)
class Linear:
    """Shape: coef (outputs, features), intercept (outputs,). With `log`, they give the logarithm of the answer."""

    coef: np.ndarray
    intercept: np.ndarray
    task: str
    steps: int
    log: bool = False

    def predict(self, X: np.ndarray) -> np.ndarray:
        output = X @ self.coef.T + self.intercept
        return _descent.probabilities(_descent.from_log(output) if self.log else output, self.task)

    def export(self) -> Exported:
        weights = {"coef": self.coef, "intercept": self.intercept}
        return Exported(self._write, len(self.coef), None if self.log else weights)

    def _write(self, graph: Graph) -> None:
        graph.dense(self.coef, self.intercept)
        if self.log:
            _descent.write_from_log(graph)


def fit(problem: Problem, params: Mapping[str, Any], control: Control) -> Linear:
    """Least squares over the whole table reads the rows once; every other case runs the loop."""
    loss = losses.resolve(params["loss"], problem.task)
    whole = params["batch_size"] is None or params["batch_size"] >= len(problem.train)
    plain = all(params[name] == usual for name, usual in _PLAIN.items()) and params["schedule"] != "plateau"
    if loss == "mse" and whole and plain and params["optimiser"] in {"sgd", "momentum"}:
        return _least_squares(problem, params, control)
    control.device = "cpu"  # double precision, and too little to do for the way to a GPU to pay
    if params["processes"] > distributed.team().size:
        return distributed.fit("linear", problem, params, control)  # type: ignore[return-value]
    return _loop(problem, loss, params, control)


def _least_squares(problem: Problem, params: Mapping[str, Any], control: Control) -> Linear:
    import numpy as np

    from training.engine.least_squares import Descent

    descent = Descent(problem.train, problem.validation, params, control)
    theta = descent.run()
    return Linear(theta[None, 1:].copy(), np.array([theta[0]]), REGRESSION, descent.steps)


def _loop(problem: Problem, loss: str, params: Mapping[str, Any], control: Control) -> Linear:
    import torch

    from training.engine.least_squares import Statistics

    scaled, answer = _descent.prepared(problem, loss)
    torch.manual_seed(problem.seed)
    module = _module(problem.features, problem.outputs)
    weighed = _descent.class_weighted(problem) if params["class_weights"] == "balanced" else problem

    def safe_rate() -> float:
        curvature = _CURVATURE[loss] * Statistics.of(weighed.train).curvature()
        return float(1.0 / (curvature + params["weight_decay"]))

    rate = params["learning_rate"] or (safe_rate() if params["optimiser"] in {"sgd", "momentum"} else 0.01)
    steps = _descent.descend(module, scaled, {**params, "learning_rate": rate}, control, safe_rate)
    coef, intercept = (tensor.detach().cpu().numpy() * answer.scale for tensor in (module.weight, module.bias))
    return Linear(coef, intercept + answer.shift, problem.task, steps, answer.log)


def _module(features: int, outputs: int) -> Any:
    import torch

    class Affine(torch.nn.Linear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return super().forward(X).squeeze(1) if outputs == 1 else super().forward(X)

    module = Affine(features, outputs, dtype=torch.float64)
    torch.nn.init.zeros_(module.weight)
    torch.nn.init.zeros_(module.bias)
    return module


FAMILY = Family(
    name="linear",
    label="Linear model",
    help="Linear, logistic or softmax regression: one weight a column. Fast, readable, hard to overfit.",
    tasks=TASKS,
    needs=Needs(scaled=True, complete=True),
    params=_descent.with_defaults(
        "precision",
        optimiser="momentum",
        learning_rate={
            "default": None,
            "optional": True,
            "search": None,
            "help": "Length of a step; empty takes the longest that cannot diverge.",
        },
        epochs=1000,
        batch_size=None,
        schedule="constant",
        patience=30,
    ),
    fit=fit,
    check=_descent.check,
)
