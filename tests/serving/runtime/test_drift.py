"""Drift is found where there is some, seldom where there is none, and by the same numbers as scipy has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from serving.runtime.drift import probability, statistics
from serving.runtime.drift.compare import Drift, compare
from serving.runtime.drift.reference import Column, Reference, answered, answers_of
from serving.runtime.drift.sketches import CategoryBins, NumberBins, number_bins
from training.engine.reference import BINS


@pytest.mark.parametrize("degrees", [1, 2, 3, 9, 30, 99, 400])
@pytest.mark.parametrize("x", [0.0, 1e-6, 0.3, 1.0, 5.0, 20.0, 90.0, 450.0, 900.0])
def test_the_tail_of_chi_squared_is_scipys(x: float, degrees: int) -> None:
    assert probability.chi2_tail(x, degrees) == pytest.approx(stats.chi2.sf(x, degrees), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("x", [0.05, 0.2, 0.4, 0.7, 0.99, 1.0, 1.36, 2.0, 3.0, 6.0])
def test_the_tail_of_kolmogorov_is_scipys(x: float) -> None:
    assert probability.kolmogorov_tail(x) == pytest.approx(special.kolmogorov(x), abs=1e-11)


def test_two_samples_are_compared_as_by_scipy() -> None:
    rng = np.random.default_rng(0)
    for m, n in [(30, 40), (100, 100), (150, 700), (700, 200)]:
        for shift in (0.0, 0.2, 0.6):
            a, b = rng.normal(size=m), rng.normal(shift, size=n)
            edges = np.sort(np.concatenate([a, b]))
            bins = NumberBins(tuple(edges[:-1]))
            distance, p = statistics.kolmogorov_smirnov(bins.count(a.tolist())[1:], bins.count(b.tolist())[1:])
            wanted = stats.ks_2samp(a, b, method="exact")
            assert distance == pytest.approx(wanted.statistic, abs=1e-12)
            assert p == pytest.approx(wanted.pvalue, abs=1e-9), (m, n, shift)


def test_large_samples_go_by_the_limit_which_is_close() -> None:
    for distance in (0.01, 0.02, 0.05):
        m, n = 20_000, 8_000
        p = probability.smirnov_tail(distance, m, n)
        assert p == pytest.approx(special.kolmogorov(distance * math.sqrt(m * n / (m + n))), abs=1e-11)
    rng = np.random.default_rng(1)
    for m, n in [(1500, 1500), (2000, 150), (5000, 100)]:
        exact = stats.ks_2samp(rng.normal(size=m), rng.normal(0.1, size=n), method="exact")
        assert probability.smirnov_tail(exact.statistic, m, n) == pytest.approx(exact.pvalue, abs=0.03)


def test_counts_are_compared_as_by_scipy() -> None:
    rng = np.random.default_rng(2)
    for k in (2, 4, 12):
        shares = rng.dirichlet(np.full(k, 8.0))
        a, b = rng.multinomial(5000, shares), rng.multinomial(900, rng.dirichlet(shares * 500))
        statistic, p = statistics.chi_squared(a, b)
        wanted = stats.chi2_contingency(np.stack([a, b]), correction=False)
        assert wanted.expected_freq.min() >= 5
        assert (statistic, p) == (pytest.approx(wanted.statistic, rel=1e-10), pytest.approx(wanted.pvalue, abs=1e-9))


def test_rare_categories_are_put_together() -> None:
    a, b = np.array([500, 490, 1, 2, 1, 3]), np.array([90, 85, 0, 1, 0, 0])
    together = stats.chi2_contingency([[500, 490, 7], [90, 85, 1]], correction=False)
    assert statistics.chi_squared(a, b)[1] == pytest.approx(together.pvalue, abs=1e-9)
    assert statistics.chi_squared(np.array([10, 0]), np.array([12, 0])) == (0.0, 1.0)
    assert statistics.chi_squared(np.array([10, 3]), np.array([0, 0])) == (0.0, 1.0)


@pytest.mark.parametrize(
    "table", [(1, 999, 5, 95), (0, 1000, 3, 97), (40_000, 960_000, 1, 99), (300, 700, 20, 80), (5, 5, 5, 5)]
)
def test_two_shares_are_compared_as_by_scipy(table: tuple[int, int, int, int]) -> None:
    a, b, c, d = table
    square = [[a, b], [c, d]]
    expected = np.outer(np.sum(square, 1), np.sum(square, 0)) / np.sum(square)
    wanted = stats.chi2_contingency(square, correction=False) if expected.min() >= 5 else stats.fisher_exact(square)
    assert statistics.two_shares(a, a + b, c, c + d) == pytest.approx(wanted.pvalue, abs=1e-6)
    assert statistics.two_shares(0, 10, 0, 20) == 1.0


def test_corrections_are_scipys_and_known_ones() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.2]
    assert statistics.benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))
    assert statistics.holm(p) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2])
    assert statistics.holm([]) == statistics.benjamini_hochberg([]) == []


def test_psi_by_hand() -> None:
    p, q = (np.array([100.5, 100.5]) / 201, np.array([150.5, 50.5]) / 201)
    assert statistics.psi(np.array([100, 100]), np.array([150, 50])) == pytest.approx(
        float(((q - p) * np.log(q / p)).sum())
    )
    assert statistics.psi(np.array([10, 20]), np.array([100, 200])) < 0.001


def test_bins_of_numbers() -> None:
    bins = number_bins(np.array([1.0, 1, 1, 1, 2, 3, np.nan]), 4)
    assert bins.edges == (1.0, 2.0)
    assert bins.count([None, 0, 1, 1.5, 2, 9, math.nan]).tolist() == [2, 2, 2, 1]
    assert number_bins(np.array([7.0, 7.0]), 10).edges == ()
    assert number_bins(np.array([np.nan]), 10).count([1, None]).tolist() == [1, 1]
    thousand = number_bins(np.random.default_rng(0).normal(size=5000), BINS)
    assert len(thousand.edges) == BINS - 1


def test_bins_of_categories() -> None:
    bins = CategoryBins(("true", "false"), complete=True)
    assert bins.count([True, False, None, True, "maybe"]).tolist() == [1, 1, 2, 1]


def test_groups_cover_every_slot_once() -> None:
    column = Column.of_numbers("x", np.random.default_rng(0).normal(size=3000))
    groups = column.bins.groups(column.sketch)
    assert len(groups) == 10 and sorted(place for _name, places in groups for place in places) == list(range(1, 51))
    shares = [column.sketch[places].sum() / 3000 for _name, places in groups]
    assert all(0.07 < share < 0.13 for share in shares)
    many = CategoryBins(tuple("abcdefghijklmno"), complete=False)
    places = sorted(place for _name, each in many.groups(np.zeros(17)) for place in each)
    assert places == list(range(1, 17))


def test_sketches_add_up() -> None:
    values = np.random.default_rng(3).normal(size=1000)
    bins = number_bins(values, 20)
    parts = sum(bins.count(part.tolist()) for part in np.array_split(values, 7))
    assert (parts == bins.count(values.tolist())).all()


def _world(rng: np.random.Generator, rows: int, shift: float = 0.0, odd: float = 0.0) -> dict[str, list[object]]:
    """20 columns: numbers of several shapes, whole numbers, categories; some with missing values."""
    made: dict[str, list[object]] = {}
    for i in range(12):
        values = (
            rng.normal(shift if i == 0 else 0.0, size=rows) if i % 2 else rng.exponential(size=rows) + shift * (i == 0)
        )
        missing = rng.random(rows) < 0.05 * (i % 3)
        made[f"n{i}"] = [None if gone else float(v) for v, gone in zip(values, missing, strict=True)]
    for i in range(4):
        made[f"i{i}"] = [int(v) for v in rng.poisson(3, size=rows)]
    for i in range(4):
        shares = np.array([0.5, 0.3, 0.15, 0.04, 0.01]) * (1 - odd * (i == 0))
        made[f"c{i}"] = [str(v) for v in rng.choice([*"abcde", "new"], p=[*shares, 1 - shares.sum()], size=rows)]
    return made


def _reference(rng: np.random.Generator, rows: int) -> list[Column]:
    made, columns = _world(rng, rows), []
    for name, values in made.items():
        if name[0] == "c":
            bins = CategoryBins(tuple("abcde"), complete=True)
            columns.append(Column(name, bins, bins.count(values)))
        else:
            numbers = np.array(values, dtype=float)
            columns.append(Column.of_numbers(name, numbers))
    return columns


def _windows(
    columns: list[Column], rng: np.random.Generator, rows: int, times: int, **kinds: float
) -> list[list[Drift]]:
    found = []
    for _ in range(times):
        live = _world(rng, rows, **kinds)
        found.append(compare(columns, {each.name: each.bins.count(live[each.name]) for each in columns}))
    return found


@pytest.mark.parametrize("rows", [100, 300, 2000])
def test_traffic_without_drift_seldom_alarms(rows: int) -> None:
    """At most 5 % of windows alarm for any of 20 columns; a fresh reference for every ten windows."""
    rng = np.random.default_rng(rows)
    windows = [w for _ in range(20) for w in _windows(_reference(rng, 2000), rng, rows, 10)]
    beyond_chance = sum(any(each.adjusted < 0.05 for each in window) for window in windows)
    alarms = sum(any(each.drifted() for each in window) for window in windows)
    assert beyond_chance <= 0.05 * len(windows) + 2 * math.sqrt(0.05 * 0.95 * len(windows))
    assert alarms <= 0.02 * len(windows)


def test_a_clear_shift_is_found() -> None:
    """Of 300 rows, one column moved by one standard deviation: found in nearly every window, and named first."""
    rng = np.random.default_rng(5)
    windows = _windows(_reference(rng, 2000), rng, 300, 50, shift=1.0)
    assert sum(window[0].column == "n0" and window[0].drifted(0.2) for window in windows) >= 49


def test_a_new_category_is_found_and_counted() -> None:
    rng = np.random.default_rng(6)
    [window] = _windows(_reference(rng, 2000), rng, 1000, 1, odd=0.3)
    assert window[0].column == "c0" and window[0].drifted(0.2)
    assert 200 < (window[0].unseen or 0) < 400


def test_missing_values_are_found() -> None:
    columns = [Column.of_numbers("x", np.random.default_rng(0).normal(size=1000))]
    values = [None if i % 2 else float(v) for i, v in enumerate(np.random.default_rng(1).normal(size=400))]
    [drift] = compare(columns, {"x": columns[0].bins.count(values)})
    assert drift.missing == (0.0, 0.5) and drift.drifted(0.2)
    assert {test.name for test in drift.tests if test.adjusted < 0.01} == {"missing"}


def test_too_few_say_nothing() -> None:
    columns = [Column.of_numbers("x", np.random.default_rng(0).normal(size=1000))]
    [drift] = compare(columns, {"x": columns[0].bins.count([50.0] * 99)})
    assert (drift.psi, drift.tests, drift.values) == (None, (), 99)
    [nothing] = compare(columns, {})
    assert (nothing.psi, nothing.values) == (None, 0)


def test_answers() -> None:
    rng = np.random.default_rng(0)
    two = rng.dirichlet([1, 1], size=500)
    binary = answers_of("binary", ["no", "yes"], two)
    assert binary.sketch.sum() == 500
    logged = [{"label": "yes", "probabilities": {"no": 0.2, "yes": 0.8}}]
    assert answered("binary", ["no", "yes"], logged) == [0.8]
    three = answers_of("multiclass", [1, 2, 3], rng.dirichlet([1, 1, 1], size=500))
    assert three.bins.count(answered("multiclass", [1, 2, 3], [{"label": 3}]))[-1] == 1
    assert answered("regression", [], [{"value": 3.5}]) == [3.5]
    assert answers_of("regression", [], rng.normal(size=(500, 1))).bins.ordered


def test_a_reference_reads_what_stands_in_a_manifest() -> None:
    item = {"age": {"missing": 1, "edges": [1.0, 2.0], "counts": [5, 5, 5]},
            "city": {"missing": 0, "labels": ["Oslo"], "counts": [9], "other": 7, "complete": False}}  # fmt: skip
    found = Reference.from_manifest({"reference": {"rows": 16, "columns": item}})
    assert found.columns["age"].sketch.tolist() == [1, 5, 5, 5]
    assert found.columns["city"].sketch.tolist() == [0, 7, 9]
    assert Reference.from_manifest({}).columns == {}
