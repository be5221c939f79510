"""How much one column alone tells about the target: what several checks measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.engine.family import REGRESSION
from training.engine.targets import NUMERIC, Target

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

BINS = 64
PRIOR = 1.0  # rows of the overall mean that every group's mean is drawn towards


def groups(train: pl.Series, held: pl.Series, type_: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Group numbers of a column's values on training and held-out rows, and how many groups there are.

    Numbers and dates fall into quantile bins of the training rows, other values are categories of their own; 0 is
    missing, and 1 what training never saw. Shapes: (training rows,), (held-out rows,).
    """
    import numpy as np
    import polars as pl

    if type_ in {*NUMERIC, "date", "datetime"}:
        kind = pl.Float64 if type_ in NUMERIC else pl.Int64
        known, other = (each.to_physical().cast(kind).cast(pl.Float64).to_numpy() for each in (train, held))
        finite = known[np.isfinite(known)]
        edges = np.unique(np.quantile(finite, np.linspace(0, 1, BINS + 1)[1:-1])) if len(finite) else np.empty(0)
        codes = [np.where(np.isnan(v), 0, 2 + np.searchsorted(edges, v, side="right")) for v in (known, other)]
        return codes[0], codes[1], len(edges) + 3
    categories = train.drop_nulls().unique(maintain_order=True)
    places = pl.int_range(2, len(categories) + 2, eager=True)
    codes = [
        each.replace_strict(categories, places, default=1, return_dtype=pl.Int64).fill_null(1).to_numpy()
        for each in (train, held)
    ]
    missing = [each.is_null().to_numpy() for each in (train, held)]
    return np.where(missing[0], 0, codes[0]), np.where(missing[1], 0, codes[1]), len(categories) + 2


def alone(train: pl.Series, held: pl.Series, type_: str, y: tuple[np.ndarray, np.ndarray], target: Target) -> float:
    """Score of a model that knows one column: the mean target of each value's group, learned on the training rows.

    Returned is R² on the held-out rows for regression, else the area under the ROC curve, the mean over classes of one
    against the rest. Shapes: y (training rows,), (held-out rows,).
    """
    import numpy as np

    codes, others, count = groups(train, held, type_)
    if target.task == REGRESSION:
        return r2(y[1], _means(codes, y[0], count)[others])
    scores = []
    for code in range(len(target.classes)):
        truth = (y[1] == code).astype(np.float64)
        if 0 < truth.sum() < len(truth):
            scores.append(auc(truth, _means(codes, (y[0] == code).astype(np.float64), count)[others]))
        if len(target.classes) == 2 and scores:
            break
    return float(np.mean(scores)) if scores else 0.5


def _means(codes: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    import numpy as np

    sums, rows = np.bincount(codes, y, count), np.bincount(codes, minlength=count)
    means: np.ndarray = (sums + PRIOR * y.mean()) / (rows + PRIOR)
    return means


def r2(truth: np.ndarray, answer: np.ndarray) -> float:
    """1 − residual over total sum of squares; 0 for a constant truth."""
    total = float(((truth - truth.mean()) ** 2).sum())
    return 1.0 - float(((truth - answer) ** 2).sum()) / total if total else 0.0


def auc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve by mid-ranks (Mann and Whitney, 1947). `truth` holds both 0 and 1."""
    import numpy as np

    _values, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[places]
    positive = truth == 1
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
