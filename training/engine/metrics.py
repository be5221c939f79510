"""Metrics in numpy, each beside the same metric of a constant answer (the mean, or the class shares)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.engine.family import BINARY, REGRESSION

if TYPE_CHECKING:
    import numpy as np

Metrics = dict[str, float]


def primary(task: str) -> str:
    """The metric that candidates are compared by; the smaller the better for all tasks."""
    return "rmse" if task == REGRESSION else "log_loss"


def score(y: np.ndarray, answer: np.ndarray, task: str, w: np.ndarray | None = None) -> Metrics:
    """Shape: y (rows,); answer (rows,) values or (rows, classes) probabilities; w (rows,) weights. No rows: no metrics.

    Every figure counts rows by their weight but the median error and the area under the curve, which go by ranks.
    """
    if len(y) == 0:
        return {}
    return regression(y, answer, w) if task == REGRESSION else classification(y, answer, task, w)


def primary_score(y: np.ndarray, answer: np.ndarray, task: str, w: np.ndarray | None = None) -> float:
    """The primary metric alone, which is what many candidates are compared by."""
    import numpy as np

    loss = float(np.average(row_losses(y, answer, task), weights=w))
    return loss**0.5 if task == REGRESSION else loss


def row_losses(y: np.ndarray, answer: np.ndarray, task: str) -> np.ndarray:
    """Each row's part in the primary metric: squared error, or −log of the truth's probability. Shape: (rows,)."""
    import numpy as np

    if task == REGRESSION:
        squares: np.ndarray = (answer - y) ** 2
        return squares
    losses: np.ndarray = -np.log(np.clip(answer[np.arange(len(y)), y], 1e-15, 1.0))
    return losses


def regression(y: np.ndarray, answer: np.ndarray, w: np.ndarray | None = None) -> Metrics:
    """Root mean squared, mean absolute and median absolute error, and R² (left out where the target is constant)."""
    import numpy as np

    error = answer - y
    square, spread = np.average(error**2, weights=w), np.average((y - np.average(y, weights=w)) ** 2, weights=w)
    metrics = {
        "rmse": float(np.sqrt(square)),
        "mae": float(np.average(np.abs(error), weights=w)),
        "median_ae": float(np.median(np.abs(error))),
    }
    return {**metrics, "r2": 1.0 - float(square / spread)} if spread > 0 else metrics


def classification(y: np.ndarray, probabilities: np.ndarray, task: str, w: np.ndarray | None = None) -> Metrics:
    """Log loss, accuracy, balanced accuracy, F1, precision and recall (of the second class, or the mean over classes),
    AUC (one against the rest, mean over the classes that are there) and the Brier score."""
    import numpy as np

    chosen = probabilities.argmax(axis=1)
    table = confusion(y, chosen, probabilities.shape[1], w)
    precision, recall = _shares(table.diagonal(), table.sum(axis=0)), _shares(table.diagonal(), table.sum(axis=1))
    f1 = _shares(2.0 * table.diagonal(), table.sum(axis=0) + table.sum(axis=1))
    present = table.sum(axis=1) > 0
    picked = slice(1, 2) if task == BINARY else present
    metrics = {
        "log_loss": float(np.average(row_losses(y, probabilities, task), weights=w)),
        "accuracy": float(np.average(chosen == y, weights=w)),
        "balanced_accuracy": float(recall[present].mean()),
        "f1": float(f1[picked].mean()),
        "precision": float(precision[picked].mean()),
        "recall": float(recall[picked].mean()),
        "brier": brier(y, probabilities, w),
    }
    area = auc(y, probabilities, task)
    return metrics if area is None else {**metrics, "auc": area}


def brier(y: np.ndarray, probabilities: np.ndarray, w: np.ndarray | None = None) -> float:
    """Mean squared distance of the probabilities from the truth (Brier, 1950), summed over the classes.

    With two classes it is taken of the second class alone, so from 0 to 1, as is usual there.
    """
    import numpy as np

    squares = (probabilities - np.eye(probabilities.shape[1])[y]) ** 2
    return float(np.average(squares[:, 1] if probabilities.shape[1] == 2 else squares.sum(axis=1), weights=w))


def confusion(y: np.ndarray, chosen: np.ndarray, classes: int, w: np.ndarray | None = None) -> np.ndarray:
    """Shape: (classes, classes) counts or weights, truth down, answer across."""
    import numpy as np

    return np.bincount(y * classes + chosen, weights=w, minlength=classes * classes).reshape(classes, classes)


def auc(y: np.ndarray, probabilities: np.ndarray, task: str) -> float | None:
    """Area under the ROC curve; None where only one class is there."""
    import numpy as np

    columns = [1] if task == BINARY else range(probabilities.shape[1])
    areas = [area for k in columns if (area := _area(y == k, probabilities[:, k])) is not None]
    return float(np.mean(areas)) if areas else None


def _area(positive: np.ndarray, values: np.ndarray) -> float | None:
    """The chance that a positive ranks above a negative, ties counting half (Mann and Whitney 1947)."""
    import numpy as np

    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return None
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2.0
    return float((rank[place[positive]].sum() - ones * (ones + 1) / 2.0) / (ones * zeros))


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    import numpy as np

    shares: np.ndarray = np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
    return shares


def constant_answer(y: np.ndarray, rows: int, task: str, classes: int, w: np.ndarray | None = None) -> np.ndarray:
    """What one answers without a model: the training mean, or the training shares of the classes."""
    import numpy as np

    if task == REGRESSION:
        return np.full(rows, np.average(y, weights=w))
    counts = np.bincount(y, weights=w, minlength=classes)
    return np.tile(counts / counts.sum(), (rows, 1))
