"""Figures by group: right by hand, with intervals that hold, and loud where a group is too small."""

from __future__ import annotations

import numpy as np
import pytest

from serving.runtime.fairness.groups import decided, measured

NAMES = ("a", "b")


def test_by_hand() -> None:
    """Group a: 10 rows, 6 true, 5 selected of which 4 true. Group b: 10 rows, 4 true, 2 selected, 1 true."""
    codes = np.repeat([0, 1], 10)
    truth = np.array([1] * 6 + [0] * 4 + [1] * 4 + [0] * 6, bool)
    chosen = np.array([1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0], bool)
    a, b = decided(codes, NAMES, truth, np.full(20, 0.5), chosen)
    assert (a.selected.share, b.selected.share) == (0.5, 0.2)
    assert (a.true_positive.hits, a.true_positive.of, b.true_positive.share) == (4, 6, 0.25)
    assert (a.false_positive.share, b.false_positive.share) == (0.25, pytest.approx(1 / 6))
    assert (a.precision.share, b.precision.share) == (0.8, 0.5)
    assert a.ratio is not None and b.ratio is not None
    assert a.ratio.value == 1.0 and b.ratio.value == pytest.approx(0.4)
    assert b.ratio.is_below and not b.ratio.is_surely_below, "twenty rows prove nothing"
    assert a.is_small and b.is_small


def test_a_large_difference_is_more_than_chance() -> None:
    random = np.random.default_rng(0)
    codes = np.repeat([0, 1], 3000)
    chosen = random.random(6000) < np.where(codes == 0, 0.5, 0.3)
    _a, b = decided(codes, NAMES, chosen, chosen.astype(float), chosen)
    assert b.ratio is not None and b.ratio.is_surely_below and b.ratio.low < 0.6 < b.ratio.high


def test_the_ratio_interval_holds_the_truth() -> None:
    random, inside = np.random.default_rng(1), 0
    for _turn in range(300):
        codes = np.repeat([0, 1], 400)
        chosen = random.random(800) < np.where(codes == 0, 0.5, 0.35)
        _a, b = decided(codes, NAMES, chosen, chosen.astype(float), chosen)
        assert b.ratio is not None
        inside += b.ratio.low <= 0.7 <= b.ratio.high
    assert inside / 300 == pytest.approx(0.95, abs=0.04)


def test_probabilities_that_are_off_in_one_group_are_found() -> None:
    random = np.random.default_rng(2)
    codes, told = np.repeat([0, 1], 2000), random.random(4000)
    truth = random.random(4000) < np.where(codes == 1, told * 0.7, told)
    a, b = decided(codes, NAMES, truth, told, told >= 0.5)
    assert not a.is_off and b.is_off


def test_the_highest_group_is_not_a_tiny_one() -> None:
    """Three of three selected are no measure for everybody else."""
    codes = np.array([0] * 500 + [1] * 500 + [2] * 3)
    chosen = np.array([True] * 250 + [False] * 250 + [True] * 240 + [False] * 260 + [True] * 3)
    a, b, _tiny = decided(codes, ("a", "b", "tiny"), chosen, chosen.astype(float), chosen)
    assert a.ratio is not None and b.ratio is not None
    assert a.ratio.value == 1.0 and b.ratio.value == pytest.approx(0.96)


def test_nobody_selected_compares_with_nothing() -> None:
    nobody = np.zeros(200, bool)
    assert all(g.ratio is None for g in decided(np.repeat([0, 1], 100), NAMES, ~nobody, np.zeros(200), nobody))


def test_a_group_that_is_never_selected_is_under_the_line() -> None:
    codes = np.repeat([0, 1], 500)
    chosen = codes == 0
    _a, b = decided(codes, NAMES, chosen, chosen.astype(float), chosen)
    assert b.ratio is not None and b.ratio.value == 0.0 and b.ratio.is_surely_below


def test_regression_by_hand_and_bias_beyond_chance() -> None:
    random = np.random.default_rng(3)
    codes, truth = np.repeat([0, 1], 800), random.normal(size=1600)
    prediction = truth + random.normal(size=1600) + np.where(codes == 1, 0.5, 0.0)
    a, b = measured(codes, NAMES, truth, prediction)
    own = (prediction - truth)[codes == 1]
    assert b.bias.value == pytest.approx(own.mean()) and b.error.value == pytest.approx(np.abs(own).mean())
    assert b.is_off and not a.is_off
    assert b.bias.low is not None and b.bias.high is not None and b.bias.low < 0.5 < b.bias.high


def test_a_group_without_rows_is_not_told() -> None:
    assert [g.name for g in measured(np.ones(5, int), NAMES, np.zeros(5), np.ones(5))] == ["b"]
