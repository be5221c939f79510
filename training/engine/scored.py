"""Scored rows: what a finished model answered on rows that it did not learn from, one by one, beside the truth.

They lie beside the artifact and are no part of it: a model's bytes do not depend on them, and an export does not hold
them. Everything that is said of a model's honesty comes from them: intervals, calibration, thresholds, fairness.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from training.engine.data import Prepared, Source
    from training.engine.family import Rows

FILE = "scored.npz"
CALIBRATION, TEST = "calibration", "test"
PARTS = (CALIBRATION, TEST)
MOST_ROWS = 200_000  # of a part, evenly taken: shares are then known to a quarter of a percent
MOST_NUMBERS = 8_000_000  # predictions of a part; with a thousand classes fewer rows are kept


@dataclass(frozen=True)
class Scored:
    """Rows that the model did not learn from. Shapes: n rows, k = 1 for regression, else the number of classes.

    row (n,) int64: the row's place in the table that the training read, from 0.
    part (n,) text: "calibration" rows were answered out of fold or are the validation rows, on which models were also
        chosen and, at most, two numbers of the calibration fitted; "test" rows were used for nothing.
    truth (n,): float64 values, or int64 class codes in the order of the manifest's classes.
    prediction (n, k) float64: the value, or the probability of every class, weights and calibration applied.
    weight (n,) float64: each row's weight where the training had weights, else None.
    """

    row: np.ndarray
    part: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.row)

    def of(self, part: str) -> Scored:
        """The rows of one part."""
        return self.take(self.part == part)

    def take(self, chosen: np.ndarray) -> Scored:
        """Some of the rows, by a mask or by places."""
        weight = None if self.weight is None else self.weight[chosen]
        return Scored(self.row[chosen], self.part[chosen], self.truth[chosen], self.prediction[chosen], weight)

    def write(self, path: Path) -> None:
        """Write plain arrays; the same rows give the same bytes."""
        import numpy as np

        arrays = {
            "row": self.row,
            "part": (self.part == TEST).astype(np.uint8),  # its place in PARTS
            "truth": self.truth,
            "prediction": self.prediction,
        }
        if self.weight is not None:
            arrays["weight"] = self.weight
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, stream: IO[bytes]) -> Scored:
        """Read what `write` wrote. Raises ValueError for anything but plain arrays of equal length."""
        import numpy as np

        with np.load(stream, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        part = np.array(PARTS)[found.pop("part")]
        scored = cls(found["row"], part, found["truth"], found["prediction"], found.get("weight"))
        lengths = {len(each) for each in (*found.values(), part)}
        if len(lengths) > 1 or scored.prediction.ndim != 2:
            raise ValueError(f"Scored rows of unequal lengths: {sorted(lengths)}.")
        return scored


def scored_of(
    source: Source,
    prepared: Prepared,
    held: dict[str, tuple[Rows, np.ndarray]],
    out_of_fold: np.ndarray | None = None,
) -> Scored:
    """The held-out rows with the model's answers. `out_of_fold`: the places, among the prepared training rows, of those
    that took the validation's turn.

    Rows that the recipe made up are left out, and of a row that it copied one is kept.
    """
    import numpy as np

    parts = []
    for name, part in (("validation", CALIBRATION), ("test", TEST)):
        if name not in held:
            continue
        rows, answer = held[name]
        if name == "validation" and out_of_fold is not None:
            places = source.places_of("train", prepared)[out_of_fold]
        else:
            places = source.places_of(name, prepared)
        own, first = np.unique(places, return_index=True)
        chosen = _evenly(first[own >= 0], answer)
        answers = answer.reshape(len(answer), -1)[chosen]
        weight = None if rows.w is None else rows.w[chosen]
        parts.append(Scored(places[chosen], np.full(len(chosen), part), rows.y[chosen], answers, weight))
    return _joined(parts, len(source.target.classes))


def _evenly(places: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """At most so many of the places, evenly taken."""
    import numpy as np

    width = 1 if answer.ndim == 1 else answer.shape[1]
    most = min(MOST_ROWS, MOST_NUMBERS // width)
    return places if len(places) <= most else places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


def _joined(parts: list[Scored], classes: int) -> Scored:
    import numpy as np

    if not parts:
        kind = np.int64 if classes else np.float64
        return Scored(np.zeros(0, np.int64), np.zeros(0, "U11"), np.zeros(0, kind), np.zeros((0, max(1, classes))))
    weights = [each.weight for each in parts if each.weight is not None]
    return Scored(
        np.concatenate([each.row for each in parts]),
        np.concatenate([each.part for each in parts]),
        np.concatenate([each.truth for each in parts]),
        np.concatenate([each.prediction for each in parts]),
        np.concatenate(weights) if weights else None,
    )
