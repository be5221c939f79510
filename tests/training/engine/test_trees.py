"""The boosting rounds driven by the engine are LightGBM's, a killed training repeats them, and the graph is the trees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plugins.params import validate_params
from tests.training.engine.tables import Killed, Killer, Teller
from training.engine import artifact, boosting_losses, graph_trees, lightgbm_model
from training.engine.control import Control, Silent
from training.engine.errors import TrainError
from training.engine.families.trees import Trees, settings
from training.engine.family import BINARY, FAMILIES, MULTICLASS, REGRESSION, Problem, Rows
from training.engine.graph import Graph

FAMILY = FAMILIES["trees"]
SAMPLED: dict[str, Any] = {
    "feature_fraction": 0.6,
    "feature_fraction_split": 0.8,
    "row_fraction": 0.7,
    "extra_trees": True,
}


def table(task: str, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    X = random.normal(size=(rows, 5))
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + random.normal(0, 0.1, rows)
    X[:, :4][random.random((rows, 4)) < 0.08] = np.nan
    y = {REGRESSION: score, BINARY: (score > 0).astype(int), MULTICLASS: np.digitize(score, [-0.5, 0.5])}[task]
    return X, y


def problem(task: str, held_back: int = 200, **given: Any) -> Problem:
    X, y = table(task)
    cut = len(y) - held_back
    classes = {REGRESSION: 0, BINARY: 2, MULTICLASS: 3}[task]
    return Problem(task, Rows(X[:cut], y[:cut]), Rows(X[cut:], y[cut:]), seed=3, classes=classes, **given)


def fit(given: Problem, control: Control | None = None, **params: Any) -> Trees:
    fitted = FAMILY.fit(given, validate_params(FAMILY.params, params), control or Control(Silent()))
    assert isinstance(fitted, Trees)
    return fitted


def session(fitted: Trees) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(artifact.onnx(fitted.export(), fitted.task, fitted.features))


@pytest.mark.parametrize("task", [REGRESSION, BINARY, MULTICLASS])
def test_equal_to_lightgbm_alone(task: str) -> None:
    import lightgbm

    given = problem(task, held_back=0)
    ours = fit(given, rounds=120, max_leaves=15, min_rows_leaf=10, l2=0.5, patience=None)
    mean, scale = (given.train.y.mean(), given.train.y.std()) if task == REGRESSION else (0.0, 1.0)
    objective = {REGRESSION: "regression", BINARY: "binary", MULTICLASS: "multiclass"}[task]
    params: dict[str, Any] = {
        "objective": objective,
        "num_class": 3 if task == MULTICLASS else 1,
        "num_leaves": 15,
        "lambda_l2": 0.5,
    }
    params |= {"min_data_in_leaf": 10, "verbosity": -1, "num_threads": 1, "deterministic": True}
    theirs = lightgbm.train(params, lightgbm.Dataset(given.train.X, (given.train.y - mean) / scale), 120)
    expected = mean + scale * np.asarray(theirs.predict(given.train.X))
    if task == BINARY:
        expected = np.stack([1 - expected, expected], axis=1)
    np.testing.assert_allclose(ours.predict(given.train.X), expected, atol=1e-4)


@pytest.mark.parametrize("task", [REGRESSION, BINARY, MULTICLASS])
def test_killed_at_any_round_ends_with_the_same_trees(task: str, tmp_path: Any) -> None:
    """Rows, columns and thresholds are drawn at random; each kill loses what came after the last whole segment."""
    given = problem(task)
    params: dict[str, Any] = {"rounds": 170, "learning_rate": 0.05, "patience": None, **SAMPLED}
    whole = fit(given, **params)
    for place, looks in enumerate(([3], [51, 60], [99, 1, 50, 55], [169])):
        store = tmp_path / f"{place}.safetensors"
        for look in looks:
            with pytest.raises(Killed):
                fit(given, Control(Killer(look), store=store, checkpoint_every=0.0), **params)
        again = fit(given, Control(Silent(), store=store), **params)
        assert again.trees == whole.trees


def test_a_stopped_training_is_the_beginning_of_a_longer_one() -> None:
    given = problem(BINARY, held_back=0)
    whole = fit(given, rounds=120, patience=None, **SAMPLED)
    stopped = fit(given, Control(Teller("stop", after=70)), rounds=120, patience=None, **SAMPLED)
    assert 60 < stopped.steps < 120
    assert stopped.trees == whole.trees[: stopped.steps]


@pytest.mark.parametrize("max_bins", [255, 16])
def test_missing_values_go_the_learned_way_in_the_graph(max_bins: int) -> None:
    """Every column in turn is missing, at thresholds and beyond the range; the last had no gap in training."""
    given = problem(REGRESSION)
    fitted = fit(given, rounds=40, patience=None, max_bins=max_bins)
    thresholds = lightgbm_model.nodes(fitted.trees).threshold
    thresholds = thresholds[np.abs(thresholds) > 1e-30]  # nearer to zero is zero for LightGBM
    probes = given.train.X[:200].copy()
    for column in range(5):
        probes[column::7, column] = np.nan
        probes[column::11, column] = np.resize(thresholds, len(probes[column::11]))
        probes[column::13, column] = 1e9
    out = session(fitted).run(None, {"features": probes})[0][:, 0]
    np.testing.assert_allclose(out, fitted.predict(probes), rtol=1e-12, atol=1e-12)


def test_a_value_missing_only_after_training_goes_where_most_rows_went() -> None:
    X = np.where(np.arange(100) < 70, 5.0, 9.0)[:, None]
    given = Problem(REGRESSION, Rows(X, X[:, 0]), Rows(X[:0], X[:0, 0]), seed=0)
    fitted = fit(given, rounds=200, patience=None)
    np.testing.assert_allclose(fitted.predict(np.array([[np.nan], [0.0]])), [5.0, 5.0], atol=1e-3)
    high = fit(replace(given, train=Rows(-X, X[:, 0])), rounds=200, patience=None)
    np.testing.assert_allclose(high.predict(np.array([[np.nan], [0.0]])), [5.0, 5.0], atol=1e-3)


def test_an_ensemble_without_trees_answers_its_baseline() -> None:
    fitted = Trees((), np.array([0.25]), 100.0, 8.0, logarithm=False, task=REGRESSION, features=3)
    np.testing.assert_allclose(session(fitted).run(None, {"features": np.ones((2, 3))})[0], [[102.0], [102.0]])
    np.testing.assert_allclose(fitted.predict(np.ones((2, 3))), [102.0, 102.0])


def test_trees_of_one_leaf_stand_among_others_in_the_graph() -> None:
    lone = "num_leaves=1\nnum_cat=0\nleaf_value=2\nshrinkage=1"
    split = "\n".join(
        ["num_leaves=2", "num_cat=0", "split_feature=1", "threshold=0.5", "decision_type=10", "left_child=-1",
         "right_child=-2", "leaf_value=10 20", "shrinkage=1"]
    )  # fmt: skip
    fitted = Trees((lone, split, split, lone), np.zeros(2), 0.0, 1.0, logarithm=False, task=REGRESSION, features=2)
    graph = Graph()
    graph_trees.add(graph, fitted.trees, 2)
    import onnxruntime

    model = onnxruntime.InferenceSession(graph.finish(2, 2))
    X = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, np.nan]])
    np.testing.assert_allclose(model.run(None, {"features": X})[0], [[12, 12], [22, 22], [12, 12]])


def test_nothing_to_ask_ends_the_rounds() -> None:
    given = problem(BINARY, held_back=0)
    fitted = fit(given, rounds=5000, patience=None, min_rows_leaf=5000)
    assert fitted.steps <= 1
    np.testing.assert_allclose(fitted.predict(given.train.X)[:, 1], given.train.y.mean())


def test_patience_keeps_the_best_round() -> None:
    given = problem(BINARY, held_back=300)
    random = np.random.default_rng(5)
    noisy = [replace(part, y=np.where(random.random(len(part)) < 0.3, 1 - part.y, part.y))
             for part in (given.train, given.validation)]  # fmt: skip
    fitted = fit(replace(given, train=noisy[0], validation=noisy[1]), rounds=500, patience=5, min_rows_leaf=5)
    assert 1 <= fitted.steps < 100


def test_no_round_begins_that_the_time_would_not_suffice_for() -> None:
    control = Control(Silent(), seconds=1e-3)
    fitted = fit(problem(REGRESSION), control, rounds=500, patience=None)
    assert control.ended_by == "time limit"
    assert fitted.steps < 500


@pytest.mark.parametrize("loss", [n for n, task in boosting_losses.TASKS.items() if task == REGRESSION])
def test_regression_losses_find_what_they_are_for(loss: str) -> None:
    """Each loss at a single group: the mean, the median or the quantile of that group's targets, to a percent."""
    random = np.random.default_rng(0)
    X = np.repeat([[0.0], [1.0]], 4000, axis=0)
    y = np.exp(random.normal(size=8000) + X[:, 0])
    given = Problem(REGRESSION, Rows(X, y), Rows(X[:0], y[:0]), seed=0)
    answer = fit(given, loss=loss, quantile=0.9, rounds=300, patience=None).predict(np.array([[0.0], [1.0]]))
    groups = [y[:4000], y[4000:]]
    wanted: Any = {"mae": np.median, "quantile": lambda group: np.quantile(group, 0.9)}.get(loss, np.mean)
    if loss == "huber":
        assert all(np.median(group) < value < np.mean(group) for group, value in zip(groups, answer, strict=True))
    else:
        np.testing.assert_allclose(answer, [wanted(group) for group in groups], rtol=0.01)


@pytest.mark.parametrize("name", ["poisson", "tweedie", "huber", "binary_cross_entropy", "focal", "cross_entropy"])
def test_derivatives_are_those_of_the_loss(name: str) -> None:
    params = {"power": 1.4, "gamma": 2.0}
    loss = boosting_losses.build(name, params, 3)
    raw = np.random.default_rng(0).normal(size=(50, 3 if name == "cross_entropy" else 1))
    y = np.arange(50) % (3 if name == "cross_entropy" else 2)
    slope, curve = loss.derivatives(raw, y)
    for k in range(raw.shape[1]):
        step = np.zeros_like(raw)
        step[:, k] = 1e-6
        expected = (loss.each(raw + step, y) - loss.each(raw - step, y)) / 2e-6
        np.testing.assert_allclose(slope[:, k], expected, atol=1e-7)
    assert (curve > 0).all()


def test_a_weight_counts_as_so_many_rows() -> None:
    given = problem(BINARY, held_back=0)
    given = replace(given, train=replace(given.train, X=np.round(given.train.X)))  # the same bins in both
    twice = np.arange(len(given.train)) % 3 == 0
    weights = np.where(twice, 2.0, 1.0)
    rows = np.repeat(np.arange(len(twice)), weights.astype(int))
    params: dict[str, Any] = {"rounds": 40, "patience": None, "min_rows_leaf": 1, "max_leaves": 8}
    repeated = fit(replace(given, train=given.train.take(rows)), **params)
    weighted = fit(replace(given, train=replace(given.train, w=weights)), **params)
    np.testing.assert_allclose(weighted.predict(given.train.X), repeated.predict(given.train.X), atol=1e-3)


def test_monotone_columns_are_kept_to() -> None:
    given = problem(BINARY, held_back=0, monotone=(0, 0, 1, 0, -1))
    fitted = fit(given, rounds=80, patience=None)
    line = np.linspace(-3, 3, 200)
    for column, sign in ((2, 1), (4, -1)):
        X = np.tile(given.train.X[7], (200, 1))
        X[:, column] = line
        assert (np.diff(sign * fitted.predict(X)[:, 1]) >= -1e-12).all()
    with pytest.raises(TrainError, match="monotone"):
        fit(problem(MULTICLASS, monotone=(1, 0, 0, 0, 0)))


def test_losses_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TrainError, match="does not fit"):
        FAMILY.check(validate_params(FAMILY.params, {"loss": "poisson"}), BINARY)
    with pytest.raises(TrainError, match="negative"):
        fit(problem(REGRESSION), loss="tweedie")


def test_loading_lightgbm_leaves_scikit_learn_alone() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.path[:0]=['platform','.'];"
        "from training.engine import lightgbm_model; lightgbm_model.load();"
        "assert 'sklearn' not in sys.modules; import sklearn; print(sklearn.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "sklearn"


@pytest.mark.parametrize("task", [REGRESSION, BINARY, MULTICLASS])
@pytest.mark.parametrize("rows", [200, 50_000])
def test_the_shapes_worth_training_are_valid_and_sample_no_columns_where_there_are_few(task: str, rows: int) -> None:
    for features in (4, 40):
        shapes = settings(rows, features, task)
        assert len({name for name, _ in shapes}) == len(shapes) >= 3
        for _, params in shapes:
            whole = validate_params(FAMILY.params, params)
            assert features >= 10 or whole["feature_fraction"] == whole["feature_fraction_split"] == 1.0
