"""Probabilities that mean what they say: the log-odds of the finished model stretched and shifted.

Guo et al. 2017, On Calibration of Modern Neural Networks (temperature); Platt 1999 (slope and level, for two classes).
It is taken over only where the out-of-fold log loss falls by more than chance would have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.engine.metrics import row_losses

if TYPE_CHECKING:
    import numpy as np

    from training.engine.graph import Graph

FLOOR = 1e-12
SIGNIFICANT = 2.0  # standard errors


@dataclass(frozen=True)
class Calibration:
    """softmax(slope × log p + level). Shape: level (classes,)."""

    slope: float
    level: np.ndarray

    def apply(self, probabilities: np.ndarray) -> np.ndarray:
        import numpy as np

        z = self.slope * np.log(np.maximum(probabilities, FLOOR)) + self.level
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
        return result

    def write(self, graph: Graph) -> None:
        """On a graph whose last output is (rows, classes) probabilities."""
        import numpy as np

        raised = graph.add("Max", graph.last, graph.constant(np.array(FLOOR)))
        stretched = graph.add("Mul", graph.add("Log", raised), graph.constant(np.array(self.slope)))
        graph.add("Add", stretched, graph.constant(self.level))
        graph.add("Softmax", axis=1)


def find(probabilities: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> Calibration | None:
    """The calibration that lowers the log loss on these rows significantly, if there is one.

    Shape: probabilities (rows, classes), y (rows,) codes.
    """
    import numpy as np

    found = _fit(probabilities, y, w)
    share = np.ones(len(y)) if w is None else w / w.mean()
    gain = (row_losses(y, probabilities, "") - row_losses(y, found.apply(probabilities), "")) * share
    error = float(gain.std()) / max(1, len(gain)) ** 0.5
    return found if gain.mean() > SIGNIFICANT * error and error > 0 else None


def _fit(probabilities: np.ndarray, y: np.ndarray, w: np.ndarray | None) -> Calibration:
    """Newton's method on slope and, with two classes, the level of the second."""
    import numpy as np

    logs = np.log(np.maximum(probabilities, FLOOR))
    two = probabilities.shape[1] == 2
    theta, share = np.array([1.0, 0.0]), np.ones(len(y)) if w is None else w / w.mean()
    features = np.stack([logs, np.zeros_like(logs)])  # (2, rows, classes)
    features[1, :, -1] = 1.0 if two else 0.0
    for _ in range(20):
        level = np.zeros(logs.shape[1])
        level[-1] = theta[1]
        p = Calibration(float(theta[0]), level).apply(probabilities)
        means = (features * p).sum(axis=2)  # (2, rows)
        truth = features[:, np.arange(len(y)), y]
        slope = ((means - truth) * share).mean(axis=1)
        spread = (features[:, None] * features[None] * p).sum(axis=3) - means[:, None] * means[None]
        curve = (spread * share).mean(axis=2) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        theta -= np.clip(step, -0.5, 0.5)
        theta[0] = min(10.0, max(0.1, theta[0]))
        if np.abs(step).max() < 1e-9:
            break
    level = np.zeros(logs.shape[1])
    level[-1] = theta[1]
    return Calibration(float(theta[0]), level)
