"""What a finished model answered on rows that it never saw: what the checks of a result look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from datasets.schema import Schema


@dataclass(frozen=True)
class Answered:
    """The truth and the answers on one part of the split.

    Shapes: y (rows,); answer (rows,) values or (rows, classes) probabilities. `frame` holds the same rows before the
    recipe, None where the recipe left some out. `repeats` are the answers of models of the same kind that learned from
    other rows or with other seeds, to some of the rows: (models, some) or (models, some, classes), or None.
    """

    part: str
    task: str
    y: np.ndarray
    answer: np.ndarray
    features: list[str]
    schema: Schema
    frame: pl.DataFrame | None = None
    repeats: np.ndarray | None = None
    spread: float = 1.0  # the target's standard deviation on the training rows

    def losses(self) -> np.ndarray:
        """Each row's squared error, or minus the logarithm of what the truth was given. Shape: (rows,)."""
        import numpy as np

        from training.engine.family import REGRESSION

        if self.task == REGRESSION:
            squared: np.ndarray = (self.answer - self.y) ** 2
            return squared
        given: np.ndarray = -np.log(np.clip(self.answer[np.arange(len(self.y)), self.y], 1e-6, 1.0))
        return given
