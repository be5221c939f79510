"""The boosting rounds driven by the engine are scikit-learn's HistGradientBoosting, and the graph is the trees."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.params import validate_params
from training.engine import artifact, graph_trees
from training.engine.control import Control, Silent
from training.engine.family import BINARY, FAMILIES, MULTICLASS, REGRESSION, Exported, Problem, Rows

FAMILY = FAMILIES["trees"]


def table(task: str, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    X = random.normal(size=(rows, 5))
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + random.normal(0, 0.1, rows)
    X[random.random(X.shape) < 0.08] = np.nan
    y = {REGRESSION: score, BINARY: (score > 0).astype(int), MULTICLASS: np.digitize(score, [-0.5, 0.5])}[task]
    return X, y


@pytest.mark.parametrize("task", [REGRESSION, BINARY, MULTICLASS])
def test_equal_to_the_public_estimator(task: str) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    X, y = table(task)
    if task == REGRESSION:
        y = (y - y.mean()) / y.std()
    params = {"rounds": 30, "learning_rate": 0.1, "max_leaves": 15, "min_rows_leaf": 10, "l2": 0.5, "patience": None}
    problem = Problem(task, Rows(X, y), Rows(X[:0], y[:0]), seed=0, classes=3 if task == MULTICLASS else 2)
    ours = FAMILY.fit(problem, validate_params(FAMILY.params, params), Control(Silent()))
    kind = HistGradientBoostingRegressor if task == REGRESSION else HistGradientBoostingClassifier
    theirs = kind(max_iter=30, max_leaf_nodes=15, min_samples_leaf=10, l2_regularization=0.5, early_stopping=False)
    theirs.fit(X, y)
    expected = theirs.predict(X) if task == REGRESSION else theirs.predict_proba(X)
    np.testing.assert_allclose(ours.predict(X), expected, atol=1e-4)


def test_missing_values_go_the_learned_way_in_the_graph(tmp_path: object) -> None:
    """Every column in turn is missing, at thresholds and beyond the range: the graph goes the trees' way."""
    import onnxruntime

    X, y = table(REGRESSION)
    problem = Problem(REGRESSION, Rows(X, y), Rows(X[:0], y[:0]), seed=0)
    fitted = FAMILY.fit(problem, validate_params(FAMILY.params, {"rounds": 40, "patience": None}), Control(Silent()))
    session = onnxruntime.InferenceSession(artifact.onnx(fitted.export(), REGRESSION, 5))
    thresholds = np.concatenate([t.nodes["num_threshold"][t.nodes["is_leaf"] == 0] for r in fitted.trees for t in r])
    probes = np.repeat(X[:200], 1, axis=0)
    for column in range(5):
        probes[column::7, column] = np.nan
        probes[column::11, column] = np.resize(thresholds, len(probes[column::11]))
        probes[column::13, column] = 1e9
    out = session.run(None, {"features": probes})[0][:, 0]
    np.testing.assert_allclose(out, fitted.predict(probes), rtol=1e-6, atol=1e-6)


def test_an_ensemble_without_trees_answers_its_baseline() -> None:
    import onnxruntime

    alone = Exported(lambda graph: graph_trees.write(graph, [], np.array([0.25]), 100.0, 8.0), 1)
    session = onnxruntime.InferenceSession(artifact.onnx(alone, REGRESSION, 3))
    np.testing.assert_allclose(session.run(None, {"features": np.ones((2, 3))})[0], [[102.0], [102.0]])


def test_patience_keeps_the_best_round() -> None:
    X, y = table(BINARY)
    random = np.random.default_rng(5)
    noisy = np.where(random.random(len(y)) < 0.3, 1 - y, y)
    problem = Problem(BINARY, Rows(X[:300], noisy[:300]), Rows(X[300:], noisy[300:]), seed=0, classes=2)
    params = validate_params(FAMILY.params, {"rounds": 500, "patience": 5, "min_rows_leaf": 5})
    fitted = FAMILY.fit(problem, params, Control(Silent()))
    assert 1 <= fitted.steps < 100
