"""What a model version knows of its own errors: intervals or sets for its answers, and how well they held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.runtime.faults import Fault
from serving.runtime.groups import Grouping
from serving.runtime.inputs import _
from serving.runtime.shares import wilson
from serving.runtime.uncertainty.intervals import Intervals
from serving.runtime.uncertainty.levels import HIGHEST, LOWEST, needed
from serving.runtime.uncertainty.sets import Sets

if TYPE_CHECKING:
    from serving.runtime.answering import Answer, Computed

REGRESSION = "regression"
OUT_OF_RANGE = _("give a level from %(lowest)s to %(highest)s, such as 0.9")
TOO_FEW = _(
    "this model kept %(rows)s rows to learn its errors from; a level of %(level)s takes %(needed)s. Ask for a lower "
    "level, or train it again on more rows."
)


@dataclass(frozen=True)
class Conformal:
    """Intervals of a regression or sets of a classification, ready to answer. Small: quantiles, no rows."""

    kind: Intervals | Sets

    @classmethod
    def fit(
        cls,
        task: str,
        prediction: np.ndarray,
        truth: np.ndarray,
        grouping: Grouping | None = None,
        values: Sequence[Any] | None = None,
    ) -> Conformal:
        """From calibration rows, which the model did not learn from. Shapes: prediction (n, k), truth (n,)."""
        if task == REGRESSION:
            return cls(Intervals.fit(prediction[:, 0], truth, grouping, values))
        return cls(Sets.fit(prediction, truth, grouping, values))

    @property
    def grouping(self) -> Grouping | None:
        return self.kind.bounds.grouping

    @property
    def rows(self) -> int:
        """The calibration rows that the quantiles are of."""
        return self.kind.bounds.rows

    def refusal(self, level: float) -> Fault | None:
        """Why the level cannot be answered, if it cannot."""
        if not LOWEST <= level <= HIGHEST:
            return Fault("interval", OUT_OF_RANGE, {"lowest": f"{LOWEST:g}", "highest": f"{HIGHEST:g}"})
        least = needed(level, self.kind.bounds.tails)
        if self.rows < least:
            return Fault("interval", TOO_FEW, {"rows": self.rows, "level": f"{level:g}", "needed": least})
        return None

    def add(self, computed: Computed, answers: list[Answer], level: float) -> None:
        """Put `interval` [low, high] or `set` [labels] into each answer."""
        values = [row.get(self.grouping.column) for row in computed.rows] if self.grouping else None
        found = self.of(computed.output, level, values)
        if isinstance(self.kind, Intervals):
            for answer, interval in zip(answers, found.tolist(), strict=True):
                answer["interval"] = interval
            return
        classes = computed.predictor.classes
        for answer, row in zip(answers, found.tolist(), strict=True):
            answer["set"] = [label for label, kept in zip(classes, row, strict=True) if kept]

    def of(self, prediction: np.ndarray, level: float, values: Sequence[Any] | None = None) -> np.ndarray:
        """Shape: prediction (n, k) to intervals (n, 2), or to sets (n, k) of truth values."""
        if isinstance(self.kind, Intervals):
            return self.kind.of(prediction[:, 0], level, values)
        return self.kind.of(prediction, level, values)

    def coverage(
        self, prediction: np.ndarray, truth: np.ndarray, level: float, values: Sequence[Any] | None = None
    ) -> Coverage:
        """How many of these rows hold their truth."""
        found = self.of(prediction, level, values)
        held = self.kind.covers(found, truth)
        return Coverage.of(level, held, self.kind.size(found))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "intervals" if isinstance(self.kind, Intervals) else "sets", **self.kind.to_json()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Conformal:
        return cls(Intervals.from_json(told) if told["kind"] == "intervals" else Sets.from_json(told))


@dataclass(frozen=True)
class Coverage:
    """Of `rows` intervals or sets at a level, the share that held the truth, its 95 % interval, and their mean size:
    width in the target's unit, or classes."""

    level: float
    rows: int
    share: float
    low: float
    high: float
    size: float

    @classmethod
    def of(cls, level: float, held: np.ndarray, size: np.ndarray) -> Coverage:
        hits, rows = int(held.sum()), len(held)
        low, high = wilson(hits, rows)
        return cls(level, rows, hits / rows if rows else 0.0, low, high, float(size.mean()) if rows else 0.0)
