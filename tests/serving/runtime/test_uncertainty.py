"""A level of 90 % covers 90 % of rows that were never seen: over seeds, by group, on made and on real tables."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from serving.runtime.groups import Grouping
from serving.runtime.shares import bootstrap, wilson
from serving.runtime.uncertainty.conformal import Conformal
from serving.runtime.uncertainty.levels import LEVELS, lower, needed, place_of, upper

SEEDS = range(6)
HALF = 6_000
SIZES = {"north": 0.5, "south": 1.0, "west": 2.5}


def skewed(seed: int, rows: int = 2 * HALF) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Predictions (n, 1), truths with errors to one side whose size differs by region, and the regions."""
    random = np.random.default_rng(seed)
    region = random.choice(list(SIZES), rows, p=[0.5, 0.3, 0.2])
    prediction = random.normal(10, 4, rows)
    size = np.array([SIZES[name] for name in region]) * (1 + np.abs(prediction - 10) / 4)
    return prediction[:, None], prediction + size * (random.gamma(1.5, 1.0, rows) - 1.0), region.tolist()


def graded(seed: int, rows: int = 2 * HALF) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Probabilities (n, 4) that are overconfident in one region, codes, and the regions."""
    random = np.random.default_rng(seed)
    region = random.choice(list(SIZES), rows, p=[0.5, 0.3, 0.2])
    scores = random.normal(size=(rows, 4))
    real = np.exp(1.5 * scores) / np.exp(1.5 * scores).sum(axis=1, keepdims=True)
    told = np.exp(scores * np.where(region == "west", 4.0, 1.0)[:, None])
    truth = (real.cumsum(axis=1) > random.random(rows)[:, None]).argmax(axis=1)
    return told / told.sum(axis=1, keepdims=True), truth, region.tolist()


MAKE = {"regression": skewed, "multiclass": graded}


def parted(task: str, seed: int, *, grouped: bool) -> tuple[Conformal, np.ndarray, np.ndarray, list[str]]:
    prediction, truth, region = MAKE[task](seed)
    grouping = Grouping.fit("region", region) if grouped else None
    conformal = Conformal.fit(task, prediction[:HALF], truth[:HALF], grouping, region[:HALF] if grouped else None)
    return conformal, prediction[HALF:], truth[HALF:], region[HALF:]


@pytest.mark.parametrize("task", MAKE)
@pytest.mark.parametrize("seed", SEEDS)
def test_ninety_percent_covers_ninety(task: str, seed: int) -> None:
    conformal, prediction, truth, _region = parted(task, seed, grouped=False)
    assert 0.88 <= conformal.coverage(prediction, truth, 0.9).share <= 0.92


@pytest.mark.parametrize("task", MAKE)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_group_is_covered_when_asked(task: str, seed: int) -> None:
    """Without its own quantiles the region with large errors is left short; with them no region is."""
    plain, prediction, truth, region = parted(task, seed, grouped=False)
    grouped, *_rest = parted(task, seed, grouped=True)
    shares = {"plain": {}, "grouped": {}}  # type: ignore[var-annotated]
    for name in SIZES:
        mine = np.array(region) == name
        shares["plain"][name] = plain.coverage(prediction[mine], truth[mine], 0.9).share
        shares["grouped"][name] = grouped.coverage(prediction[mine], truth[mine], 0.9, [name] * int(mine.sum())).share
    assert shares["plain"]["west"] < 0.86
    assert all(0.87 <= share <= 0.93 for share in shares["grouped"].values()), shares["grouped"]


@pytest.mark.parametrize("task", MAKE)
@pytest.mark.parametrize("level", [0.5, 0.75, 0.8, 0.95, 0.99])
def test_the_other_levels_hold_too(task: str, level: float) -> None:
    found = []
    for seed in SEEDS:
        conformal, prediction, truth, _region = parted(task, seed, grouped=False)
        found.append(conformal.coverage(prediction, truth, level).share)
    assert np.mean(found) == pytest.approx(level, abs=0.01)


def test_an_interval_need_not_be_symmetric() -> None:
    """The errors lie above: so does the wider side."""
    conformal, prediction, _truth, _region = parted("regression", 0, grouped=False)
    interval = conformal.of(prediction, 0.9)
    above, below = interval[:, 1] - prediction[:, 0], prediction[:, 0] - interval[:, 0]
    assert (above > 1.5 * below).all() and (interval[:, 0] < interval[:, 1]).all()


def test_an_interval_is_wider_where_errors_are_larger() -> None:
    conformal, prediction, _truth, _region = parted("regression", 0, grouped=False)
    width = conformal.kind.size(conformal.of(prediction, 0.9))
    far = np.abs(prediction[:, 0] - 10) > 6
    assert width[far].mean() > 1.5 * width[~far].mean()


def test_higher_levels_hold_lower_ones() -> None:
    for task in MAKE:
        conformal, prediction, _truth, _region = parted(task, 1, grouped=False)
        sizes = [conformal.kind.size(conformal.of(prediction, level)) for level in LEVELS]
        assert all((narrow <= wide + 1e-12).all() for narrow, wide in pairwise(sizes))


def real(name: str, seed: int) -> tuple[str, Any, Any]:
    from sklearn import datasets
    from sklearn.linear_model import LogisticRegression, Ridge

    if name == "diabetes":
        X, y = datasets.load_diabetes(return_X_y=True)
        task, model = "regression", Ridge(alpha=0.1)
    else:
        X, y = datasets.load_digits(return_X_y=True)
        # Few pixels: a model that is often unsure.
        X, task, model = X[:, 26:38] / 16, "multiclass", LogisticRegression(max_iter=2_000)
    order = np.random.default_rng(seed).permutation(len(y))
    third = len(y) // 3
    model.fit(X[order[:third]], y[order[:third]])
    rest = order[third:]
    answer = model.predict(X[rest])[:, None] if task == "regression" else model.predict_proba(X[rest])
    return task, answer, y[rest]


@pytest.mark.parametrize("name", ["diabetes", "digits"])
def test_it_holds_on_real_tables(name: str) -> None:
    """Scikit-learn's own tables are small, so that many splits of them are counted together: 5,000 held-out rows."""
    hits, rows, seed = 0, 0, 0
    while rows < 5_000:
        task, answer, truth = real(name, seed)
        half, seed = len(truth) // 2, seed + 1
        found = Conformal.fit(task, answer[:half], truth[:half]).coverage(answer[half:], truth[half:], 0.9)
        hits, rows = hits + round(found.share * found.rows), rows + found.rows
    assert 0.88 <= hits / rows <= 0.92


@pytest.mark.parametrize("task", MAKE)
def test_what_is_stored_is_small_and_answers_the_same(task: str) -> None:
    import json

    conformal, prediction, _truth, region = parted(task, 2, grouped=True)
    text = json.dumps(conformal.to_json(), allow_nan=False)
    again = Conformal.from_json(json.loads(text))
    assert len(text) < 20_000  # characters, of six thousand rows
    np.testing.assert_array_equal(again.of(prediction, 0.9, region), conformal.of(prediction, 0.9, region))


def test_a_group_with_few_rows_takes_the_bounds_of_all() -> None:
    prediction, truth, region = skewed(0)
    region = ["rare" if place < 40 else name for place, name in enumerate(region)]
    conformal = Conformal.fit("regression", prediction, truth, Grouping.fit("region", region), region)
    plain = Conformal.fit("regression", prediction, truth)
    np.testing.assert_allclose(conformal.of(prediction[:5], 0.9, ["rare"] * 5), plain.of(prediction[:5], 0.9))
    np.testing.assert_allclose(conformal.of(prediction[:5], 0.9, ["never seen"] * 5), plain.of(prediction[:5], 0.9))
    assert not np.allclose(conformal.of(prediction[:5], 0.9, ["west"] * 5), plain.of(prediction[:5], 0.9))


@pytest.mark.parametrize(("rows", "level", "least"), [(50, 0.9, 100), (150, 0.99, 400)])
def test_too_few_rows_are_refused_with_how_many_it_takes(rows: int, level: float, least: int) -> None:
    prediction, truth, _region = skewed(0, rows)
    refusal = Conformal.fit("regression", prediction, truth).refusal(level)
    assert refusal is not None and refusal.field == "interval"
    assert str(rows) in refusal.message and str(least) in refusal.message
    assert needed(level, 2) == least


def test_no_rows_at_all_are_refused() -> None:
    assert Conformal.fit("regression", np.zeros((0, 1)), np.zeros(0)).refusal(0.9) is not None
    assert Conformal.fit("binary", np.zeros((0, 2)), np.zeros(0, int)).refusal(0.5) is not None


@pytest.mark.parametrize("level", [0.49, 0.995, 0.0, 1.0])
def test_levels_outside_are_refused(level: float) -> None:
    conformal, *_rest = parted("regression", 0, grouped=False)
    refusal = conformal.refusal(level)
    assert refusal is not None and "0.5" in refusal.message and "0.99" in refusal.message


def test_a_level_between_is_answered_by_the_upper() -> None:
    assert [float(LEVELS[place_of(level)]) for level in (0.5, 0.9, 0.901, 0.99)] == [0.5, 0.9, 0.91, 0.99]


def test_order_statistics_hold_on_few_scores() -> None:
    """Of nine scores, a new one is below the smallest with probability one in ten."""
    scores = np.arange(9.0)
    assert lower(scores, np.array([0.1, 0.2, 0.05])).tolist() == [0.0, 1.0, -np.inf]
    assert upper(scores, np.array([0.1, 0.05])).tolist() == [8.0, np.inf]


def test_equal_truths_give_intervals_of_no_width() -> None:
    conformal = Conformal.fit("regression", np.arange(500.0)[:, None], np.arange(500.0))
    assert np.isfinite(conformal.of(np.array([[3.0]]), 0.9)).all()


def test_wilson_is_known() -> None:
    """Newcombe 1998, table I: 81 of 263, and none of 20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_the_bootstrap_holds_the_mean() -> None:
    random, inside = np.random.default_rng(0), 0
    for seed in range(60):
        sample = random.exponential(size=150)
        low, high = bootstrap(lambda rows, of=sample: float(of[rows].mean()), 150, seed=seed)  # type: ignore[misc]
        inside += low <= 1.0 <= high
    assert 50 <= inside <= 60
    assert bootstrap(lambda rows: None, 10) is None


class TestGroups:
    def test_numbers_become_bands_of_equal_size(self) -> None:
        values = [*range(1000), None]
        grouping = Grouping.fit("age", values)
        counts = np.bincount(grouping.codes(values))
        assert len(grouping.names) == 6 and counts[:5].tolist() == [200] * 5 and counts[5] == 1

    def test_few_numbers_are_categories(self) -> None:
        assert Grouping.fit("kind", [3, 1, 2, 2, 10]).names == ("1", "2", "3", "10")

    def test_rare_categories_are_put_together(self) -> None:
        values = [f"c{n}" for n in range(30) for _ in range(n + 1)]
        grouping = Grouping.fit("city", values)
        assert len(grouping.names) == 12 and grouping.names[-1] == "others" and grouping.codes(["c0"]) == [11]

    def test_a_value_that_nothing_is_known_of_has_no_group(self) -> None:
        grouping = Grouping.fit("kind", ["a", "b"])
        assert grouping.codes(["c", None, "a"]).tolist() == [-1, -1, 0]
        assert Grouping.from_json(grouping.to_json()) == grouping

    def test_truth_values_and_whole_numbers_are_told_apart(self) -> None:
        assert Grouping.fit("owner", [True, False]).names == ("false", "true")
        assert Grouping.fit("n", [1.0, 2.5]).names == ("1", "2.5")
