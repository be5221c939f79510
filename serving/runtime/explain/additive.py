"""Linear models: what a column adds is what its numbers add, less what they add on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.runtime.explain.game import Game, contrast


class Linear:
    """Exact, and in microseconds. Shape: coef (outputs, features), intercept (outputs,); one output for two classes."""

    name, is_exact = "linear", True

    def __init__(self, game: Game, coef: np.ndarray, intercept: np.ndarray) -> None:
        self.game, self._coef, self._intercept = game, coef, intercept
        self._mean = game.base.mean(axis=0)

    def explain(self, row: Mapping[str, Any], x: np.ndarray, of: int) -> tuple[float, float, np.ndarray, None]:
        """(baseline, answer, contributions (players,), None for their error)."""
        assert self.game.owner is not None
        coef, intercept = weights_of(self._coef, self._intercept, of)
        found = np.bincount(self.game.owner, coef * (x - self._mean), len(self.game.players))
        return float(coef @ self._mean + intercept), float(coef @ x + intercept), found, None


def weights_of(coef: np.ndarray, intercept: np.ndarray, of: int) -> tuple[np.ndarray, float]:
    """The weights of what is explained: of the value, or of one class against the others. Shape: (features,) and a number."""
    if len(coef) > 1:
        return contrast(coef.T, of), float(contrast(intercept, of))
    sign = -1.0 if of == 0 else 1.0  # a lone output of two classes speaks for the second
    return sign * coef[0], sign * float(intercept[0])
