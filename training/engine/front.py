"""Numbers on one scale and without gaps, for the families that need that, made of the plain ones in their own graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.engine.family import Exported, Family, Fitted, Needs, Problem, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from training.engine.control import Control
    from training.engine.graph import Graph

FURTHEST = 10.0  # standard deviations at which a number is cut off: a slip of the keyboard shall not rule a model


@dataclass(frozen=True)
class Front:
    """Shape: all (d,) but `gaps`, the columns that had a gap in training: each gets a column of 0 and 1 beside it."""

    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    gaps: np.ndarray

    @classmethod
    def learn(cls, X: np.ndarray, w: np.ndarray | None = None) -> Front:
        """Median for gaps, mean and standard deviation for the scale. Shape: X (rows, d)."""
        import numpy as np

        missing = np.isnan(X)
        gaps = np.flatnonzero(missing.any(axis=0))
        fill = np.zeros(X.shape[1])
        for column in gaps:
            known = X[~missing[:, column], column]
            fill[column] = np.median(known) if len(known) else 0.0
        whole = np.where(missing, fill, X) if len(gaps) else X
        mean = np.average(whole, axis=0, weights=w)
        scale = np.sqrt(np.average((whole - mean) ** 2, axis=0, weights=w))
        return cls(fill, mean, np.where(scale > 1e-12 * np.maximum(1.0, np.abs(mean)), scale, 1.0), gaps)

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Shape: (rows, d) to (rows, d + gaps)."""
        import numpy as np

        missing = np.isnan(X)
        whole = (np.where(missing, self.fill, X) - self.mean) / self.scale
        np.clip(whole, -FURTHEST, FURTHEST, out=whole)
        return np.concatenate([whole, missing[:, self.gaps]], axis=1) if len(self.gaps) else whole

    def write(self, graph: Graph) -> None:
        import numpy as np
        from onnx import TensorProto

        source = graph.last
        missing = graph.add("IsNaN", source)
        whole = graph.add("Where", missing, graph.constant(self.fill), source)
        centred = graph.add("Sub", whole, graph.constant(self.mean))
        scaled = graph.add("Div", centred, graph.constant(self.scale))
        clipped = graph.add("Clip", scaled, graph.constant(np.array(-FURTHEST)), graph.constant(np.array(FURTHEST)))
        if len(self.gaps):
            flags = graph.add("Cast", missing, to=TensorProto.DOUBLE)
            picked = graph.add("Gather", flags, graph.constant(self.gaps.astype(np.int64)), axis=1)
            graph.add("Concat", clipped, picked, axis=1)


@dataclass(frozen=True)
class Fronted:
    """A fitted model behind its front."""

    front: Front
    inner: Fitted

    @property
    def steps(self) -> int:
        return self.inner.steps

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.inner.predict(self.front.transform(X))

    def export(self) -> Exported:
        inner = self.inner.export()

        def write(graph: Graph) -> None:
            self.front.write(graph)
            inner.write(graph)

        return Exported(write, inner.outputs)


def fit(family: Family, problem: Problem, params: Mapping[str, Any], control: Control) -> Fitted:
    """Fit a family on plain numbers, behind a front where it needs one."""
    if family.needs == Needs():
        return family.fit(problem, params, control)
    front = Front.learn(problem.train.X, problem.train.w)

    def behind(rows: Rows) -> Rows:
        return Rows(front.transform(rows.X), rows.y, rows.w)

    train, validation = behind(problem.train), behind(problem.validation)
    monotone = (*problem.monotone, *(0 for _ in front.gaps)) if problem.monotone else ()
    inner = Problem(problem.task, train, validation, problem.seed, problem.classes, monotone)
    return Fronted(front, family.fit(inner, params, control))
