"""The columns of a model as the players of a game, and how its answer is counted.

Lundberg and Lee 2017, A Unified Approach to Interpreting Model Predictions; the game is the interventional one (Janzing
et al. 2020): v(S) is the mean answer to rows that have the columns of S from the instance and the others from a row of
the background.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from serving.runtime.predictor import Predictor

FLOOR = 1e-15  # of a probability: below it, its logarithm says nothing
VALUE, LOG_ODDS = "value", "log-odds"


class Game:
    """Rows whose columns come partly from an instance, and the answers to them.

    `players` are the raw columns in the model's order; `owner` (features,) is the player that each number is made from.
    `is_separable` says that every number is made from one column: then rows are mixed after the preparation instead of
    before it, a hundred times faster. Shape: `base` (background, features).
    """

    def __init__(
        self, predictor: Predictor, sources: Sequence[Collection[str]], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """`sources` (features,) are the raw columns that each number is made from, `rows` the background."""
        self.predictor = predictor
        self.players = tuple(column.name for column in predictor.inputs)
        self.rows, self.base = predictor.prepare(rows)
        self.is_separable = all(len(each) == 1 for each in sources)
        place = {name: at for at, name in enumerate(self.players)}
        self.owner = np.array([place[next(iter(each))] for each in sources]) if self.is_separable else None

    def mixed(self, row: Mapping[str, Any], x: np.ndarray, members: np.ndarray, of: np.ndarray) -> np.ndarray:
        """The prepared rows of coalitions. Shape: x (features,), members (k, players), of (k,) to (k, features).

        `row` is the instance before its preparation, `x` after it; `of` tells which row of the background fills up.
        """
        if self.owner is not None:
            return np.where(members[:, self.owner], x, self.base[of])
        rows = [self._row(row, inside, self.rows[b]) for inside, b in zip(members, of, strict=True)]
        return self.predictor.prepare(rows)[1]

    def _row(self, row: Mapping[str, Any], inside: np.ndarray, other: Mapping[str, Any]) -> dict[str, Any]:
        mixed = ((name, (row if is_in else other).get(name)) for name, is_in in zip(self.players, inside, strict=True))
        return {name: value for name, value in mixed if value is not None}

    def score(self, X: np.ndarray, of: int) -> np.ndarray:  # noqa: N803 -- a matrix
        """What is explained, of each row: the value, or the log-odds of class `of`. Shape: (rows, features) to (rows,)."""
        return on_scale(self.predictor.compute(X), of)


def on_scale(output: np.ndarray, of: int) -> np.ndarray:
    """A regression's value, or the log-odds of a class. Shape: (rows, outputs) to (rows,)."""
    if output.shape[1] == 1:
        return output[:, 0]
    return contrast(np.log(np.maximum(output, FLOOR)), of)


def contrast(margins: np.ndarray, of: int) -> np.ndarray:
    """The margin of one class over the mean of the others'; of log-probabilities, the class's log-odds.

    With more than two classes the odds are against the geometric mean of the other classes, so that they are linear in
    the margins of a softmax. Shape: (…, classes) to (…,).
    """
    others = (margins.sum(axis=-1) - margins[..., of]) / (margins.shape[-1] - 1)
    result: np.ndarray = margins[..., of] - others
    return result
