"""From probabilities to decisions: thresholds, bands, rules, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.runtime.decisions import thresholds
from serving.runtime.decisions.money import Costs, amount
from serving.runtime.decisions.policy import Policy
from serving.runtime.decisions.rules import Rule, compiled

BINARY: dict[str, Any] = {
    "format": 1, "number": 3, "task": "binary", "classes": ["no", "yes"], "positive": 1,
    "calibration": {"method": "none"}, "threshold": 0.4,
}  # fmt: skip


def pairs(*p: float) -> np.ndarray:
    return np.array([[1 - each, each] for each in p])


def told(document: dict[str, Any], output: np.ndarray, rows: Any = None) -> list[dict[str, Any]]:
    policy = Policy(document)
    return policy.told(policy.choose(rows, output))


def test_the_threshold_itself_counts_as_reached() -> None:
    found = told(BINARY, pairs(0.39, 0.4, 0.41))
    assert [each["decision"] for each in found] == ["no", "yes", "yes"]
    assert found[0] == {"decision": "no", "by": "model", "probability": pytest.approx(0.39), "threshold": 0.4}


def test_the_other_class_may_be_the_positive_one() -> None:
    found = told({**BINARY, "positive": 0}, pairs(0.7, 0.5))
    assert [each["decision"] for each in found] == ["yes", "no"]
    assert found[0]["probability"] == pytest.approx(0.3)


def test_between_low_and_high_a_person_decides() -> None:
    found = told({**BINARY, "review": {"low": 0.3, "high": 0.6}}, pairs(0.29, 0.3, 0.59, 0.6))
    assert [(each["decision"], each["by"]) for each in found] == [
        ("no", "model"), (None, "review"), (None, "review"), ("yes", "model"),
    ]  # fmt: skip


def test_the_first_rule_that_holds_decides_before_the_model() -> None:
    rules = [
        {"name": "minors", "when": [{"column": "age", "op": "lt", "value": 18}], "decide": "no"},
        {"name": "far", "when": [{"column": "city", "op": "in", "value": ["Nice", "Lyon"]}], "review": True},
        {"name": "old", "when": [{"column": "age", "op": "ge", "value": 90}], "decide": "yes"},
    ]
    rows = [{"age": 17, "city": "Nice"}, {"age": 91, "city": "Lyon"}, {"age": 91}, {"age": 50}, {}]
    found = told({**BINARY, "rules": rules}, pairs(0.9, 0.9, 0.1, 0.9, 0.1), rows)
    assert [(each["decision"], each["by"], each.get("rule")) for each in found] == [
        ("no", "rule", "minors"), (None, "review", "far"), ("yes", "rule", "old"), ("yes", "model", None),
        ("no", "model", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "value", "holding"),
    [
        ("eq", 3, [3]), ("ne", 3, [2, 4]), ("lt", 3, [2]), ("le", 3, [2, 3]), ("gt", 3, [4]), ("ge", 3, [3, 4]),
        ("in", [2, 9], [2]), ("not_in", [2, 9], [3, 4]), ("missing", None, [None]), ("present", None, [2, 3, 4]),
    ],
)  # fmt: skip
def test_operators(op: str, value: Any, holding: list[Any]) -> None:
    """A missing value satisfies no comparison, not even “is not”."""
    rule = Rule.from_json({"name": "r", "when": [{"column": "x", "op": op, "value": value}], "decide": 1})
    first = compiled([rule])
    assert [x for x in (2, 3, 4, None) if first({} if x is None else {"x": x}) == 0] == holding


def test_all_conditions_of_a_rule_hold() -> None:
    when = [{"column": "x", "op": "gt", "value": 1}, {"column": "y", "op": "eq", "value": "a"}]
    first = compiled([Rule.from_json({"name": "r", "when": when, "decide": 1})])
    assert first({"x": 2, "y": "a"}) == 0
    assert first({"x": 2, "y": "b"}) == -1


def test_several_classes_take_the_least_expected_cost() -> None:
    """Missing the third class costs fifty: at 5 % it is decided for."""
    document = {
        "format": 1, "number": 1, "task": "multiclass", "classes": ["a", "b", "c"], "calibration": {"method": "none"},
        "costs": {"matrix": [["0", "1", "1"], ["1", "0", "1"], ["50", "50", "0"]]}, "review": {"below": 0.5},
    }  # fmt: skip
    found = told(document, np.array([[0.9, 0.09, 0.01], [0.6, 0.35, 0.05], [0.4, 0.35, 0.25]]))
    assert [each["decision"] for each in found] == ["a", "c", None]
    assert found[1]["probability"] == pytest.approx(0.05)


def test_a_number_is_shifted_and_reviewed_within_a_range() -> None:
    document = {
        "format": 1, "number": 1, "task": "regression", "calibration": {"method": "none"}, "shift": 1.5,
        "review": {"low": 10, "high": 20},
        "rules": [{"name": "closed", "when": [{"column": "open", "op": "eq", "value": False}], "decide": 0}],
    }  # fmt: skip
    found = told(document, np.array([[5.0], [15.0], [15.0]]), [{}, {}, {"open": False}])
    assert found == [
        {"decision": 6.5, "by": "model"}, {"decision": None, "by": "review"},
        {"decision": 0.0, "by": "rule", "rule": "closed"},
    ]  # fmt: skip


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        Policy({**BINARY, "format": 2})


@given(st.integers(0, 10**6), st.booleans())
def test_the_table_counts_what_the_policy_decides(seed: int, band: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 300))
    p, truth = np.round(rng.random(n), int(rng.integers(1, 6))), rng.random(n) < 0.3
    ruled = rng.choice([-1, -1, -1, 0, 1, 2], n)
    grid = thresholds.grid(p)
    table = thresholds.table(grid, p, truth, ruled)
    low = int(rng.integers(len(grid)))
    high = int(rng.integers(low, len(grid))) if band else low
    review = {"low": grid[low], "high": grid[high]} if band else None
    codes = Policy({**BINARY, "threshold": float(grid[low]), "review": review}).choose(None, pairs(*p)).codes
    codes = np.where(ruled < 0, codes, np.where(ruled == 2, -1, ruled))
    counts, reviewed = table.counts(low, high)
    assert counts == [[int(((codes == d) & (truth == t)).sum()) for d in (0, 1)] for t in (False, True)]
    assert reviewed == int((codes == -1).sum())
    assert table.rows == n


@given(st.integers(0, 10**6), st.booleans())
def test_the_least_cost_is_the_least_of_all(seed: int, band: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 40))
    p, truth = np.round(rng.random(n), 2), rng.random(n) < 0.4
    table = thresholds.table(thresholds.grid(p), p, truth, np.full(n, -1))
    costs = Costs(((Decimal(0), amount("1.1")), (amount("4.35"), amount("-0.5"))), amount("0.3"))
    places = range(len(table.grid))
    tried = [(low, high) for low in places for high in places if low == high or (band and low < high)]
    best = min(costs.of(*table.counts(*each)) for each in tried)
    assert costs.of(*table.counts(*table.least_cost(costs, band=band))) == best


def test_a_grid_holds_at_most_a_thousand_thresholds() -> None:
    p = np.random.default_rng(0).random(50_000) * 1e-3  # a rare event
    grid = thresholds.grid(p, [0.00042])
    assert len(grid) <= thresholds.MOST
    assert 0.00042 in grid
    assert (np.diff(grid) > 0).all()
    assert (grid < 1e-3).sum() > 700


def test_money_is_exact() -> None:
    """0.1 is no binary fraction: ten million of it are a million, not 999,999.9998."""
    costs = Costs.from_json({"matrix": [[0, "0.1"], [0.3, 0]], "review": 0.2})
    assert costs.of([[5, 10_000_000], [1, 7]], 1) == Decimal("1000000.5")


@pytest.mark.parametrize("value", ["x", "1.23456", 1e12, float("nan"), True, None, [1]])
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="got"):
        amount(value)


def test_a_shift_costs_what_the_rows_say() -> None:
    rng = np.random.default_rng(2)
    residual = rng.normal(1.0, 3.0, 4000)
    found = thresholds.shifts(thresholds.shift_grid(residual), residual)
    for place in (0, 100, 250, len(found.grid) - 1):
        gap = found.grid[place] - residual
        assert found.over[place] == pytest.approx(np.maximum(gap, 0).sum(), abs=1e-6)
        assert found.under[place] == pytest.approx(np.maximum(-gap, 0).sum(), abs=1e-6)
    best = found.grid[found.least_cost(Decimal(1), Decimal(4))]
    assert best == pytest.approx(np.quantile(residual, 0.8), abs=0.1), "the newsvendor's quantile"


def test_a_decision_takes_microseconds() -> None:
    rules = [{"name": "r", "when": [{"column": "age", "op": "lt", "value": 18}], "decide": "no"}]
    fitted = {"method": "platt", "maps": [{"slope": 1.1, "level": 0.2}]}
    policy = Policy({**BINARY, "rules": rules, "calibration": fitted})
    rows, output = [{"age": 30}] * 1000, pairs(*np.linspace(0, 1, 1000))
    policy.told(policy.choose(rows, output))
    begun = perf_counter()
    for _ in range(10):
        policy.told(policy.choose(rows, output))
    assert (perf_counter() - begun) / 10_000 < 50e-6, "about 1 µs a row, on a machine that is busy"
