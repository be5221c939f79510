"""Presets say what they try, keep to limits, and estimate within a factor of two."""

from __future__ import annotations

import time

import numpy as np
import pytest

from plugins.params import validate_params
from training.engine import costs, presets
from training.engine.control import Control, Silent
from training.engine.errors import TrainError
from training.engine.family import BINARY, FAMILIES, MULTICLASS, REGRESSION, Problem, Rows


@pytest.mark.parametrize("preset", presets.PRESETS)
@pytest.mark.parametrize("task", [REGRESSION, BINARY, MULTICLASS])
def test_every_plan_can_be_trained(preset: str, task: str) -> None:
    plan = presets.plan(rows=5000, features=12, task=task, preset=preset)
    assert 0 < plan.seconds <= plan.time_limit == presets.PRESETS[preset].time_limit
    assert len(plan.explanation) > len(plan.candidates)
    for candidate in plan.candidates:
        family = FAMILIES[candidate["family"]]
        assert validate_params(family.params, candidate["params"]) == candidate["params"]
        assert task in family.tasks


def test_more_intent_tries_more() -> None:
    counts = [len(presets.plan(rows=5000, features=12, task=BINARY, preset=p).candidates) for p in presets.PRESETS]
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_a_short_limit_leaves_out_what_would_not_get_far() -> None:
    plan = presets.plan(rows=1_000_000, features=50, task=BINARY, preset="best", time_limit=5.0)
    assert plan.candidates[0]["family"] == "linear"
    assert plan.seconds <= plan.time_limit == 5.0
    assert any("Left out" in line for line in plan.explanation)


def test_unknown_preset_is_refused() -> None:
    with pytest.raises(TrainError, match="fast, balanced, best"):
        presets.plan(rows=10, features=1, task=BINARY, preset="magic")


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("linear", {"epochs": 200, "patience": None}),
        ("mlp", {"epochs": 4, "patience": None}),
        ("trees", {"rounds": 30, "patience": None}),
    ],
)
def test_estimates_are_within_a_factor_of_two(name: str, params: dict[str, object]) -> None:
    """The best of several turns, since other processes share the machine; a little room for their noise."""
    random, family = np.random.default_rng(0), FAMILIES[name]
    X, y = random.normal(size=(12_000, 20)), random.integers(0, 2, 12_000)
    problem, whole = Problem(BINARY, Rows(X, y), Rows(X[:4000], y[:4000]), 0, 2), validate_params(family.params, params)
    took = []
    for _ in range(4):
        started = time.process_time()
        family.fit(problem, whole, Control(Silent()))
        took.append(time.process_time() - started)
    estimate = costs.seconds(name, costs.Shape(12_000, 20, BINARY), whole)
    assert 0.4 < estimate / min(took) < 2.5
