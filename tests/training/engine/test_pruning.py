"""Rungs, verdicts, importance and likeness: the arithmetic of studies."""

from __future__ import annotations

import random
from typing import Any

import pytest

from training.engine.family import FAMILIES
from training.engine.importance import importances
from training.engine.pruning import Course, judged, verdict
from training.engine.search import space
from training.engine.similar import borrow, distance

NET, TREES = FAMILIES["mlp"], FAMILIES["trees"]


def test_rungs_are_thirds_of_thirds_of_the_course() -> None:
    assert Course(60, 4).rungs() == (7, 20)
    assert Course(5, 1).rungs() == (1, 2) and Course(1, 1).rungs() == ()
    assert Course.of(TREES, {"rounds": 500}, 1000, "binary") == Course(500, 1, "rounds")
    assert Course.of(NET, {"epochs": 60, "batch_size": 256}, 1000, "binary") == Course(60, 4, "epochs")
    assert Course.of(NET, {"epochs": 60, "batch_size": None}, 1000, "binary") == Course(60, 1, "epochs")
    assert Course.of(NET, {"depth": 3}, 1000, "binary") is None
    net = FAMILIES["tabm"]
    found = Course.of(net, {param.name: param.default for param in net.params}, 10_000, "binary")
    assert found and found.steps > 1, "batches that the family chooses itself count too"


def test_successive_halving_keeps_the_best_third() -> None:
    assert verdict("asha", 5.0, []) is None and verdict("asha", 5.0, [1.0]) is None, "nobody to compare with"
    assert verdict("asha", 5.0, [1.0, 2.0]) == 1.0
    assert verdict("asha", 0.5, [1.0, 2.0]) is None
    assert verdict("asha", 2.0, [1.0, 3.0, 4.0, 5.0, 6.0]) is None, "two of six go on"
    assert verdict("asha", 2.5, [1.0, 2.0, 4.0, 5.0, 6.0]) == 2.0
    assert verdict("asha", 1.0, [1.0, 1.0]) is None, "equals go on"


def test_the_median_waits_for_enough_others() -> None:
    assert verdict("median", 9.0, [1.0, 2.0, 3.0]) is None
    assert verdict("median", 9.0, [1.0, 2.0, 3.0, 4.0]) == 2.5
    assert verdict("median", 2.5, [1.0, 2.0, 3.0, 4.0]) is None


def test_hyperband_spares_some_trials_the_first_rungs() -> None:
    rungs = (1, 3, 9)
    found = [judged("hyperband", rungs, number) for number in range(1, 50)]
    assert {len(one) for one in found} == {0, 1, 2, 3}
    assert [found.count(rungs), found.count(rungs[1:]), found.count(rungs[2:])] == sorted(
        [found.count(rungs), found.count(rungs[1:]), found.count(rungs[2:])], reverse=True
    )
    assert all(one in (rungs, rungs[1:], rungs[2:], ()) for one in found)
    assert judged("asha", rungs, 7) == rungs and judged("none", rungs, 7) == ()


SEARCH = {
    "learning_rate": {"low": 1e-4, "high": 1.0},
    "dropout": {"low": 0.0, "high": 0.5},
    "activation": ["relu", "tanh"],
}


def scored(count: int, seed: int = 1) -> list[tuple[dict[str, Any], float]]:
    draw = random.Random(seed)
    params = [
        {
            "learning_rate": 10 ** draw.uniform(-4, 0),
            "dropout": draw.uniform(0, 0.5),
            "activation": draw.choice(["relu", "tanh"]),
        }
        for _ in range(count)
    ]
    return [(one, abs(one["dropout"] - 0.1) + 0.05 * draw.random()) for one in params]


def test_importance_finds_what_mattered() -> None:
    where = space(NET.params, SEARCH)
    found = importances(where, scored(80))
    assert next(iter(found)) == "dropout" and found["dropout"] > 0.6
    assert sum(found.values()) == pytest.approx(1.0)
    assert importances(where, scored(5)) == {}


def test_importance_agrees_with_the_published_one() -> None:
    """Optuna's PED-ANOVA on the same trials: the same order, and shares that are close."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    where = space(NET.params, SEARCH)
    for seed in range(3):
        told = scored(100, seed)
        study = optuna.create_study()
        distributions = {one.name: one.distribution() for one in where}
        for params, value in told:
            known = {one.name: one.inward(params[one.name]) for one in where}
            study.add_trial(optuna.trial.create_trial(params=known, distributions=distributions, value=value))
        judge = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.2)
        theirs = optuna.importance.get_param_importances(study, evaluator=judge)
        ours = importances(where, told)
        assert max(theirs, key=theirs.__getitem__) == max(ours, key=ours.__getitem__)
        assert all(abs(theirs[name] - ours[name]) < 0.15 for name in theirs), (theirs, ours)


META = {"task": "binary", "rows": 3.0, "columns": 1.0, "classes": 1.0, "numeric": 0.5, "missing": 0.0, "imbalance": 0.2}


def test_likeness_grows_with_what_is_shared() -> None:
    assert distance(META, META) == 0.0
    assert distance(META, {**META, "rows": 3.3}) < distance(META, {**META, "rows": 5.0})
    assert distance(META, {**META, "task": "regression"}) == float("inf") == distance(META, {})


def test_the_nearest_studies_are_listened_to_first_by_rank() -> None:
    """A score ten thousand times as large says nothing: only its rank within its own study counts."""
    near = ({**META, "rows": 3.1}, [({"a": 1}, 9000.0), ({"a": 2}, 9500.0), ({"a": 3}, 9900.0)])
    far = ({**META, "rows": 3.6}, [({"a": 4}, 0.1), ({"a": 5}, 0.2)])
    other = ({**META, "rows": 7.0}, [({"a": 6}, 0.0)])
    assert borrow(META, [far, other, near], 3) == [{"a": 1}, {"a": 2}, {"a": 4}]
    assert borrow(META, [near, near], 5) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert borrow(META, [other], 3) == []
