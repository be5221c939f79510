"""Linear, logistic and softmax regression with a path of penalties, solved at once instead of step by step.

Least squares in closed form for every penalty from one eigendecomposition of the Gram matrix; the others by L-BFGS,
each penalty starting from the last one's answer. The penalty is that of mean loss + λ/2 |W|², without the intercept.
Hoerl and Kennard 1970, Ridge Regression; Liu and Nocedal 1989, On the Limited Memory BFGS Method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from training.engine.families.linear import Linear
from training.engine.family import BINARY, REGRESSION, Problem
from training.engine.front import Front, Fronted

if TYPE_CHECKING:
    import numpy as np

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4)
MOST_STEPS = 100


def path(
    problem: Problem, go_on: Callable[[], bool] = lambda: True, penalties: Sequence[float] = PENALTIES
) -> list[Fronted]:
    """A model for each of the penalties, in their order; fewer where `go_on` said no in between."""
    front = Front.learn(problem.train.X, problem.train.w)
    rows = replace(problem.train, X=front.transform(problem.train.X))
    solve = _least_squares if problem.task == REGRESSION else _classes
    return [Fronted(front, model) for model in solve(replace(problem, train=rows), go_on, penalties)]


def _least_squares(problem: Problem, _go_on: Callable[[], bool], penalties: Sequence[float]) -> list[Linear]:
    import numpy as np

    X, y, w = problem.train.X, problem.train.y, _weights(problem)
    mean, level = w @ X, float(w @ y)
    gram = X.T @ (X * w[:, None]) - np.outer(mean, mean)
    pull = X.T @ (w * y) - mean * level
    values, vectors = np.linalg.eigh(gram)
    turned = vectors.T @ pull
    models = []
    for penalty in penalties:
        coef = vectors @ (turned / (np.maximum(values, 0.0) + penalty))
        models.append(Linear(coef[None, :], np.array([level - mean @ coef]), problem.task, 1))
    return models


def _classes(problem: Problem, go_on: Callable[[], bool], penalties: Sequence[float]) -> list[Linear]:
    import numpy as np
    from scipy.optimize import minimize

    X, w, outputs = problem.train.X, _weights(problem), problem.outputs
    wanted = (problem.train.y[:, None] == (1 if problem.task == BINARY else np.arange(outputs))).astype(np.float64)
    theta = np.zeros((outputs, X.shape[1] + 1))
    theta[:, -1] = _levels(w @ wanted, problem.task)
    models: list[Linear] = []
    for penalty in penalties:
        if models and not go_on():
            break
        lossy = _loss(X, wanted, w, penalty, problem.task)
        options = {"maxiter": MOST_STEPS, "ftol": 1e-9, "gtol": 1e-5}
        found = minimize(lossy, theta.ravel(), jac=True, method="L-BFGS-B", options=options)
        theta = found.x.reshape(outputs, -1)
        models.append(Linear(theta[:, :-1].copy(), theta[:, -1].copy(), problem.task, int(found.nit)))
    return models


def _weights(problem: Problem) -> np.ndarray:
    """Weights that sum to one. Shape: (rows,)."""
    import numpy as np

    w = np.ones(len(problem.train)) if problem.train.w is None else problem.train.w
    shares: np.ndarray = w / w.sum()
    return shares


def _levels(share: np.ndarray, task: str) -> np.ndarray:
    """The intercepts that answer the classes' shares. Shape: (outputs,)."""
    import numpy as np

    share = np.clip(share, 1e-9, 1.0 - 1e-9)
    levels: np.ndarray = np.log(share / (1.0 - share)) if task == BINARY else np.log(share)
    return levels


def _loss(X: np.ndarray, wanted: np.ndarray, w: np.ndarray, penalty: float, task: str) -> Any:
    """The penalised mean cross-entropy and its gradient, of the flat coefficients (outputs × (d + 1))."""
    import numpy as np

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        theta = flat.reshape(wanted.shape[1], -1)
        z = X @ theta[:, :-1].T + theta[:, -1]
        if task == BINARY:
            losses = np.logaddexp(0.0, z) - wanted * z
            chances = 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500)))
        else:
            top = z.max(axis=1, keepdims=True)
            powers = np.exp(z - top)
            total = powers.sum(axis=1, keepdims=True)
            losses = np.log(total) + top - (wanted * z).sum(axis=1, keepdims=True)
            chances = powers / total
        slope = (chances - wanted) * w[:, None]
        gradient = np.concatenate([slope.T @ X + penalty * theta[:, :-1], slope.sum(axis=0)[:, None]], axis=1)
        return float(w @ losses[:, 0]) + 0.5 * penalty * float((theta[:, :-1] ** 2).sum()), gradient.ravel()

    return loss
