"""Least squares by full-batch gradient descent that reads the rows once.

With the intercept as a column of ones, the mean squared error over m rows is θᵀGθ − 2bᵀθ + c with the sufficient
statistics G = XᵀX/m, b = Xᵀy/m, c = yᵀy/m (with weights: XᵀWX/m and so on), and its gradient is 2(Gθ − b). Every step
is then a d × d product, and the path and the loss at every step are those of gradient descent over the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine import schedules
from training.engine.errors import Diverged

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control
    from training.engine.family import Rows

CURVE_POINTS = 250


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics. Shape: G (d+1, d+1), b (d+1,), the intercept first."""

    G: np.ndarray
    b: np.ndarray
    c: float

    @classmethod
    def of(cls, rows: Rows, chunk: int = 8_192) -> Statistics:
        """Gather in chunks that stay in the processor's cache, so that the table is read from memory once."""
        import numpy as np

        width, m = rows.X.shape[1] + 1, max(1, len(rows))
        G, b, c = np.zeros((width, width)), np.zeros(width), 0.0
        for start in range(0, len(rows), chunk):
            part = rows.take(slice(start, start + chunk))
            X, y = part.X, part.y
            w = np.ones(len(part)) if part.w is None else part.w
            G[1:, 1:] += X.T @ (X if part.w is None else X * w[:, None])
            G[0, 1:] += w @ X
            G[0, 0] += w.sum()
            b[1:] += (w * y) @ X
            b[0] += w @ y
            c += float((w * y) @ y)
        G[1:, 0] = G[0, 1:]
        return cls(G / m, b / m, c / m)

    def loss(self, theta: np.ndarray) -> float:
        return float(theta @ (self.G @ theta) - 2.0 * (self.b @ theta) + self.c)

    def curvature(self) -> float:
        """The largest eigenvalue of XᵀX/m."""
        import numpy as np

        return float(np.linalg.eigvalsh(self.G)[-1])


class Descent:
    """Gradient descent (with Nesterov momentum when asked) from θ = 0 on the statistics of the training rows.

    After `run`, `theta` is (d+1,) with the intercept first, and `curve` holds the training loss before every step.
    """

    def __init__(self, train: Rows, validation: Rows, params: Mapping[str, Any], control: Control) -> None:
        import numpy as np

        self.train = Statistics.of(train)
        self.validation = Statistics.of(validation) if len(validation) else None
        # The curvature of the mean squared error is 2G, and of the penalty 1/2 w |θ|², w.
        self.safe_rate = 1.0 / (2.0 * self.train.curvature() + params["weight_decay"])
        self.params = {**params, "learning_rate": params["learning_rate"] or self.safe_rate}
        self.control = control
        self.beta = params["momentum"] if params["optimiser"] == "momentum" else 0.0
        self.theta, self.velocity = np.zeros(len(self.train.b)), np.zeros(len(self.train.b))
        self.penalty = np.full(len(self.theta), float(params["weight_decay"]))
        self.penalty[0] = 0.0  # the intercept is a level, not an effect: it is never shrunk
        self.best = math.inf
        self.best_theta: np.ndarray = self.theta
        self.waited = 0
        self.curve: list[float] = []

    @property
    def steps(self) -> int:
        return len(self.curve)

    def run(self) -> np.ndarray:
        """Return the final θ, or the best one by validation loss where the parameters say so."""
        if (found := self.control.resume()) is not None:
            self.load_state(*found)
        total = self.params["epochs"]
        rate = schedules.make(self.params, total)
        every = max(1, total // CURVE_POINTS)
        while self.steps < total:
            self.step(rate)
            now = self.steps
            if (now % every == 0 or now in {1, total}) and self.evaluate(rate(now - 1)):
                break
            if now % 32 == 0 and not self.control.go_on(self.state):
                break
        return self.best_theta if self.params["keep_best"] else self.theta

    def step(self, rate: Callable[[int], float]) -> None:
        pull = self.train.G @ self.theta
        loss = float(self.theta @ pull - 2.0 * (self.train.b @ self.theta) + self.train.c)
        now = rate(self.steps)
        if not math.isfinite(loss) or (self.curve and loss > 10.0 * max(self.curve[0], 1e-300)):
            raise Diverged(self.steps, loss, now, self.safe_rate)
        self.curve.append(loss)
        gradient = 2.0 * (pull - self.train.b) + self.penalty * self.theta
        self.velocity = self.beta * self.velocity + gradient
        self.theta = self.theta - now * (gradient + self.beta * self.velocity if self.beta else gradient)

    def evaluate(self, rate: float) -> bool:
        """Log the losses; return whether the validation loss has not improved for `patience` evaluations."""
        values = {"train_loss": self.train.loss(self.theta), "learning_rate": rate}
        watched = values["train_loss"]
        if self.validation is not None:
            watched = values["validation_loss"] = self.validation.loss(self.theta)
        self.control.metrics(self.steps, values)
        self.control.progress(self.steps / self.params["epochs"], f"step {self.steps:,}")
        if watched < self.best:
            self.best, self.best_theta, self.waited = watched, self.theta, 0
            return False
        self.waited += 1
        return self.params["patience"] is not None and self.waited >= self.params["patience"]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        import numpy as np

        arrays = {
            "theta": self.theta,
            "velocity": self.velocity,
            "best_theta": self.best_theta,
            "curve": np.array(self.curve),
        }
        return arrays, {"best": self.best, "waited": self.waited}

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        self.theta, self.velocity, self.best_theta = arrays["theta"], arrays["velocity"], arrays["best_theta"]
        self.curve = arrays["curve"].tolist()
        self.best, self.waited = state["best"], state["waited"]
