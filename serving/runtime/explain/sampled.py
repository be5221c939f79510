"""Shapley values of any model: by every coalition where the columns are few, else by sampled orders of the columns.

Štrumbelj and Kononenko 2014, Explaining prediction models and individual predictions with feature contributions: each
order of the columns gives every column one marginal contribution. Each order is used with its reverse (antithetic pairs,
Mitchell et al. 2022, Sampling Permutations for Shapley Value Estimation), and each row of the background equally often,
so that the contributions add up to the answer less the baseline to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np

from serving.runtime.explain.game import Game

EVALUATIONS = 4_000  # rows that the model answers for one explanation
PAIRS = (2, 32)  # orders with their reverse for each row of the background; two show how much they differ
FEWEST = 8  # rows of the background that a wide table keeps


class Enumerated:
    """Every coalition with every row of the background: exact."""

    name, is_exact = "enumerated", True

    def __init__(self, game: Game) -> None:
        count, rows = len(game.players), len(game.base)
        sets = (np.arange(2**count)[:, None] >> np.arange(count)) & 1 == 1  # (2^players, players)
        self.game, self._sets = game, sets
        self._members = np.repeat(sets, rows, axis=0)
        self._of = np.tile(np.arange(rows), len(sets))
        size = sets.sum(axis=1)
        share = np.array([0.0 if s == count else 1.0 / (count * comb(count - 1, s)) for s in range(count + 1)])
        self._weight = share[size]  # (2^players,): of a coalition that a player joins

    def explain(self, row: Mapping[str, Any], x: np.ndarray, of: int) -> tuple[float, float, np.ndarray, None]:
        """(baseline, answer, contributions (players,), None for their error)."""
        game, count = self.game, len(self.game.players)
        scores = game.score(game.mixed(row, x, self._members, self._of), of)
        v = scores.reshape(len(self._sets), -1).mean(axis=1)
        found = np.empty(count)
        for player in range(count):
            without = np.flatnonzero(~self._sets[:, player])
            found[player] = self._weight[without] @ (v[without + (1 << player)] - v[without])
        return float(v[0]), float(v[-1]), found, None


def fits(game: Game) -> bool:
    """Whether every coalition can be tried at about the cost of a sample."""
    return len(game.players) <= 12 and 2 ** len(game.players) * len(game.base) <= 2 * EVALUATIONS + 200


class Sampled:
    """Orders of the columns, drawn once: the same instance gets the same explanation."""

    name, is_exact = "sampled", False

    def __init__(self, game: Game, seed: int = 0) -> None:
        self.game, count = game, len(game.players)
        fewest, most = PAIRS
        chain = 2 * max(1, count - 1)  # answers for an order and its reverse
        self.kept = spread_out(len(game.base), max(FEWEST, EVALUATIONS // (fewest * chain)))
        self._pairs = min(most, max(fewest, EVALUATIONS // (len(self.kept) * chain)))
        draw = np.random.Generator(np.random.PCG64(seed))
        orders = draw.permuted(np.tile(np.arange(count), (len(self.kept) * self._pairs, 1)), axis=1)
        self._orders = np.stack([orders, orders[:, ::-1]], axis=1)  # (rows × pairs, 2, players)
        place = np.argsort(self._orders, axis=2)
        self._place = place
        # The k-th row of a chain has the first k columns of its order from the instance; 0 and all are known already.
        self._members = (place[:, :, None, :] < np.arange(1, count)[:, None]).reshape(-1, count)
        self._of = np.repeat(self.kept, self._pairs * 2 * (count - 1))

    def explain(self, row: Mapping[str, Any], x: np.ndarray, of: int) -> tuple[float, float, np.ndarray, np.ndarray]:
        """(baseline, answer, contributions (players,), their standard errors (players,))."""
        game, rows, each, count = self.game, len(self.kept), self._pairs, len(self.game.players)
        ends = game.score(np.vstack([x, game.base[self.kept]]), of)
        chains = np.empty((rows * each, 2, count + 1))
        chains[:, :, 0] = np.repeat(ends[1:], each)[:, None]
        chains[:, :, count] = ends[0]
        if count > 1:
            between = game.score(game.mixed(row, x, self._members, self._of), of)
            chains[:, :, 1:count] = between.reshape(rows * each, 2, count - 1)
        gains = np.take_along_axis(np.diff(chains, axis=2), self._place, axis=2)  # (rows × pairs, 2, players)
        pairs = gains.mean(axis=1).reshape(rows, each, count)
        error = np.sqrt((pairs.var(axis=1, ddof=1) / each).sum(axis=0)) / rows
        return float(ends[1:].mean()), float(ends[0]), pairs.mean(axis=(0, 1)), error


def spread_out(count: int, most: int) -> np.ndarray:
    """At most so many places of `count`, evenly: the background lies in the order of its answers."""
    if count <= most:
        return np.arange(count)
    result: np.ndarray = ((np.arange(most) + 0.5) * count / most).astype(np.int64)
    return result
