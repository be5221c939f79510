"""Contributions are Shapley's, by brute force; they add up; and columns that do the same get the same."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.runtime.explain.explainer import Explainer
from serving.runtime.explain.game import Game, on_scale
from serving.runtime.explain.sampled import Enumerated, Sampled
from serving.runtime.predictor import Predictor
from tests.serving.runtime.explain import models
from tests.serving.runtime.explain.models import COLUMNS, INSTANCES

Row = dict[str, Any]
TASKS = ("regression", "binary", "multiclass")
WAYS = [("linear", "linear"), ("trees", "trees"), ("forest", "enumerated"), ("mlp", "enumerated")]
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    known: dict[Any, Explainer] = {}

    def make(kind: str, task: str, shared: bool = False, seed: int = 0) -> Explainer:
        key = (kind, task, shared, seed)
        if key not in known:
            folder = tmp_path_factory.mktemp("model") / "artifact"
            known[key] = models.explainer(models.write(folder, kind, task, shared=shared, seed=seed))
        return known[key]

    return make


def explain(explainer: Explainer, *instances: Row) -> list[dict[str, Any]]:
    return explainer.explain(*explainer.predictor.prepare(instances))


def by_column(told: dict[str, Any], key: str = "contribution") -> np.ndarray:
    found = {reason["column"]: reason[key] for reason in told["contributions"]}
    return np.array([found[name] for name in COLUMNS])


def brute_force(predictor: Predictor, instance: Row, rows: list[Row], of: int) -> tuple[float, np.ndarray]:
    """Shapley 1953 word for word, on whole rows that go through the predictor's own preparation."""
    worth: dict[frozenset[str], float] = {}
    for size in range(len(COLUMNS) + 1):
        for inside in combinations(COLUMNS, size):
            mixed = [{name: (instance if name in inside else row)[name] for name in COLUMNS} for row in rows]
            worth[frozenset(inside)] = float(on_scale(predictor.compute(predictor.prepare(mixed)[1]), of).mean())
    found = []
    for name in COLUMNS:
        others = [other for other in COLUMNS if other != name]
        gain = 0.0
        for size in range(len(others) + 1):
            for inside in combinations(others, size):
                difference = worth[frozenset({*inside, name})] - worth[frozenset(inside)]
                gain += difference / (len(COLUMNS) * comb(len(others), size))
        found.append(gain)
    return worth[frozenset()], np.array(found)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("kind", "method"), WAYS)
@few
@given(instance=INSTANCES)
def test_exact_ways_equal_brute_force(made: Any, kind: str, method: str, task: str, instance: Row) -> None:
    explainer = made(kind, task)
    assert (explainer.method == method) or (kind, task) == ("forest", "regression")
    [told] = explain(explainer, instance)
    rows = [dict(row) for row in explainer.background.rows]
    of = explainer.predictor.classes.index(told["label"]) if "label" in told else 0
    baseline, expected = brute_force(explainer.predictor, instance, rows, of)
    assert told["baseline"] == pytest.approx(baseline, abs=1e-6)
    np.testing.assert_allclose(by_column(told), expected, atol=1e-6)


def test_averaged_trees_of_a_value_are_trees(made: Any) -> None:
    assert made("forest", "regression").method == "trees"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", ["linear", "trees", "forest", "mlp"])
@few
@given(instance=INSTANCES, seed=st.integers(0, 3))
def test_they_add_up_to_the_answer(made: Any, kind: str, task: str, instance: Row, seed: int) -> None:
    explainer = made(kind, task, seed=seed)
    [told] = explain(explainer, instance)
    assert told["baseline"] + by_column(told).sum() == pytest.approx(told["answer"], abs=1e-6)
    [answer] = explainer.predictor.predict([instance])
    if task == "regression":
        assert told["answer"] == pytest.approx(answer["value"], abs=1e-6)
    if task == "binary":
        assert told["label"] == "good"
        assert 1 / (1 + np.exp(-told["answer"])) == pytest.approx(answer["probabilities"]["good"], abs=1e-6)
    if task == "multiclass":
        assert told["label"] == answer["label"]


@pytest.mark.parametrize("kind", ["linear", "trees", "mlp"])
def test_a_number_made_of_two_columns_is_shared_between_them(made: Any, kind: str) -> None:
    explainer = made(kind, "binary", shared=True)
    assert explainer.method == "enumerated"
    instance = {"age": 33, "income": 0.2, "city": "Nice", "owner": True, "debt": 1.4}
    [told] = explain(explainer, instance)
    _baseline, expected = brute_force(explainer.predictor, instance, [dict(r) for r in explainer.background.rows], 1)
    np.testing.assert_allclose(by_column(told), expected, atol=1e-6)


@few
@given(instance=INSTANCES)
def test_samples_add_up_and_are_as_near_as_they_say(made: Any, instance: Row) -> None:
    explainer = made("mlp", "binary")
    sampled = Sampled(explainer.game)
    [row], matrix = explainer.predictor.prepare([instance])
    baseline, answer, found, error = sampled.explain(row, matrix[0], 1)
    assert baseline + found.sum() == pytest.approx(answer, abs=1e-9)
    exact = by_column(explain(explainer, instance)[0])
    assert (np.abs(found - exact) <= 6 * error + 1e-9).all()


def test_the_standard_error_is_the_standard_error(made: Any) -> None:
    """Over many draws of the orders, the spread of the contributions is what one draw says of itself."""
    explainer = made("mlp", "binary")
    [row], matrix = explainer.predictor.prepare(
        [{"age": 25, "income": 1.5, "city": "Nice", "owner": True, "debt": -2.0}]
    )
    drawn = [Sampled(explainer.game, seed).explain(row, matrix[0], 1) for seed in range(60)]
    spread = np.std([found for _b, _a, found, _e in drawn], axis=0, ddof=1)
    said = np.sqrt(np.mean([error**2 for _b, _a, _f, error in drawn], axis=0))
    np.testing.assert_allclose(spread, said, rtol=0.35, atol=1e-12)


@few
@given(value=st.floats(-2, 2), others=st.lists(st.floats(-2, 2), min_size=1, max_size=6))
def test_columns_that_do_the_same_get_the_same(value: float, others: list[float]) -> None:
    """Symmetry and dummy, of a model that multiplies two columns and reads no third."""

    class Product:
        classes = ()

        @staticmethod
        def compute(X: np.ndarray) -> np.ndarray:
            return (X[:, 0] * X[:, 1])[:, None]

    game = Game.__new__(Game)
    game.predictor, game.players = Product(), ("a", "b", "c")  # type: ignore[assignment]
    game.owner, game.is_separable = np.arange(3), True
    game.base = np.array([[other, other, 1.0] for other in others])
    for way in (Enumerated(game), Sampled(game)):
        _baseline, _answer, found, _error = way.explain({}, np.array([value, value, 5.0]), 0)
        assert found[0] == pytest.approx(found[1], abs=1e-9)
        assert found[2] == 0.0


def test_values_stand_as_they_were_sent_and_the_strongest_first(made: Any) -> None:
    [told] = explain(made("trees", "binary"), {"age": 60, "income": None, "city": "Nice", "owner": True, "debt": 0.5})
    strengths = [abs(reason["contribution"]) for reason in told["contributions"]]
    assert strengths == sorted(strengths, reverse=True)
    assert {reason["column"]: reason["value"] for reason in told["contributions"]}["income"] is None
    assert told["scale"] == "log-odds"
