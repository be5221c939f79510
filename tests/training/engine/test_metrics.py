"""Metrics equal scikit-learn's; splits keep their shares."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from training.engine import metrics, split
from training.engine.errors import TrainError
from training.engine.family import BINARY, MULTICLASS, REGRESSION


def answers(classes: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    y = random.integers(0, classes, rows)
    scores = random.normal(size=(rows, classes)).round(1) + 1.5 * np.eye(classes)[y]  # rounded, so that ties occur
    shares = np.exp(scores)
    return y, shares / shares.sum(axis=1, keepdims=True)


def test_regression_metrics() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=200)
    z = y + random.normal(0, 0.3, 200)
    ours = metrics.regression(y, z)
    assert ours["rmse"] == pytest.approx(theirs.root_mean_squared_error(y, z))
    assert ours["mae"] == pytest.approx(theirs.mean_absolute_error(y, z))
    assert ours["median_ae"] == pytest.approx(theirs.median_absolute_error(y, z))
    assert ours["r2"] == pytest.approx(theirs.r2_score(y, z))
    assert "r2" not in metrics.regression(np.ones(3), np.ones(3))


@pytest.mark.parametrize(("classes", "task"), [(2, BINARY), (4, MULTICLASS)])
def test_classification_metrics(classes: int, task: str) -> None:
    y, z = answers(classes)
    ours, chosen = metrics.classification(y, z, task), z.argmax(axis=1)
    how = "binary" if task == BINARY else "macro"
    assert ours["log_loss"] == pytest.approx(theirs.log_loss(y, z))
    assert ours["brier"] == pytest.approx(theirs.brier_score_loss(y, z))
    assert ours["accuracy"] == pytest.approx(theirs.accuracy_score(y, chosen))
    assert ours["balanced_accuracy"] == pytest.approx(theirs.balanced_accuracy_score(y, chosen))
    assert ours["f1"] == pytest.approx(theirs.f1_score(y, chosen, average=how))
    assert ours["precision"] == pytest.approx(theirs.precision_score(y, chosen, average=how))
    assert ours["recall"] == pytest.approx(theirs.recall_score(y, chosen, average=how))
    area = theirs.roc_auc_score(y, z[:, 1] if task == BINARY else z, multi_class="ovr")
    assert ours["auc"] == pytest.approx(area)
    assert (metrics.confusion(y, chosen, classes) == theirs.confusion_matrix(y, chosen)).all()


def test_one_class_and_no_rows_are_no_trouble() -> None:
    y, z = answers(2)
    assert "auc" not in metrics.classification(np.zeros(300, int), z, BINARY)
    assert metrics.score(y[:0], z[:0], BINARY) == {}


def test_baseline_is_the_constant_answer() -> None:
    y = np.array([0, 0, 0, 1])
    assert metrics.constant_answer(y, 2, BINARY, 2).tolist() == [[0.75, 0.25]] * 2
    assert metrics.constant_answer(np.array([1.0, 3.0]), 2, REGRESSION, 0).tolist() == [2.0, 2.0]


def test_split_is_disjoint_complete_and_repeatable() -> None:
    y = np.random.default_rng(0).integers(0, 3, 500)
    parts = split.split(y, split.DEFAULT, 9, stratified=True)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(500))
    again, other = (split.split(y, split.DEFAULT, seed, stratified=True) for seed in (9, 10))
    assert all((parts[name] == again[name]).all() for name in parts)
    assert any((parts[name].shape != other[name].shape) or (parts[name] != other[name]).any() for name in parts)


def test_stratified_split_keeps_shares_and_rare_classes_train() -> None:
    y = np.array([0] * 900 + [1] * 100 + [2])
    parts = split.split(y, split.DEFAULT, 0, stratified=True)
    assert [int((y[parts[part]] == 1).sum()) for part in split.PARTS] == [60, 20, 20]
    assert (y[parts["train"]] == 2).sum() == 1


@pytest.mark.parametrize("shares", [{"test": 0.6}, {"test": -0.1}, {"train": 0.5}, {"test": 0.5, "validation": 0.4}])
def test_bad_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(TrainError):
        split.check(shares)
