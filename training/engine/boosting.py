"""Gradient boosting round by round on LightGBM, in segments that a killed training repeats exactly.

LightGBM draws the rows and columns of each round from generators whose state it does not hand out. The rounds are
therefore grown in segments of a fixed length, each by a new booster that starts from the raw predictions of the trees
so far, with generators seeded by (seed, segment). A checkpoint holds whole segments; what was begun after the last is
grown again, to the same trees. Friedman 2001, Greedy function approximation; Ke et al. 2017, LightGBM.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.engine import boosting_losses, lightgbm_model
from training.engine.boosting_losses import Custom, Native
from training.engine.family import Problem, Rows

if TYPE_CHECKING:
    import numpy as np

    from training.engine.control import Control

POINTS = 250
LONGEST, CELLS = 50, 5e7  # rounds of a segment, at most; cells that a segment reads, about
FRUITLESS = 20  # rounds in a row whose sample of rows and columns allowed no question

_FIXED = {
    "verbosity": -1,
    "metric": "none",
    "deterministic": True,
    "force_col_wise": True,
    "boost_from_average": False,
    "feature_pre_filter": False,
    "data_random_seed": 1,
}
_NAMES = {  # ours: LightGBM's
    "learning_rate": "learning_rate",
    "max_leaves": "num_leaves",
    "min_rows_leaf": "min_data_in_leaf",
    "l2": "lambda_l2",
    "l1": "lambda_l1",
    "min_gain": "min_gain_to_split",
    "path_smooth": "path_smooth",
    "feature_fraction": "feature_fraction",
    "feature_fraction_split": "feature_fraction_bynode",
    "row_fraction": "bagging_fraction",
    "max_bins": "max_bin",
    "extra_trees": "extra_trees",
}


class Boosting:
    """Shape: raw predictions are (rows, outputs), on the scale of the loss's link."""

    def __init__(self, problem: Problem, params: Mapping[str, Any], control: Control, loss: boosting_losses.Loss):
        import numpy as np

        self.problem, self.params, self.control, self.loss = problem, params, control, loss
        self.baseline = loss.start(problem.train.y, problem.train.w)
        self.outputs = len(self.baseline)
        self.trees: list[str] = []
        self.segments, self.rounds, self.best_rounds, self.best = 0, 0, 0, float("inf")
        self.raw = np.tile(self.baseline, (len(problem.train), 1))
        self.raw_validation = np.tile(self.baseline, (len(problem.validation), 1))
        self.length = int(min(LONGEST, max(4, CELLS // (problem.train.X.size * self.outputs))))
        # A large table's loss takes about as long as a part of its round.
        self.every = max(1, self.params["rounds"] // POINTS, min(10, len(problem.train) // 1_000))
        self.ended = False

    def run(self) -> None:
        """Grow rounds until there are enough, the validation loss stops falling, or the control says stop."""
        if (found := self.control.resume()) is not None:
            self.load_state(*found)
        self._bin()
        while self._wanted():
            self._segment()
        if len(self.problem.validation):
            self.trees = self.trees[: self.best_rounds * self.outputs]
            self.rounds = self.best_rounds

    def _wanted(self) -> bool:
        return not self.ended and self.rounds < self.params["rounds"] and not self._waited_enough()

    def _waited_enough(self) -> bool:
        patience = self.params["patience"]
        waiting = self.rounds - self.best_rounds
        return patience is not None and bool(len(self.problem.validation)) and waiting >= patience

    def _bin(self) -> None:
        train, validation = self.problem.train, self.problem.validation
        settings = self._settings()
        dataset = lightgbm_model.load().Dataset
        self.dataset = dataset(train.X, train.y, weight=train.w, params=settings).construct()
        self.held_back = None
        if len(validation):
            self.held_back = dataset(
                validation.X, validation.y, weight=validation.w, reference=self.dataset, params=settings
            ).construct()

    def _settings(self) -> dict[str, Any]:
        """LightGBM's parameters for the segment that comes next."""
        given = {theirs: self.params[ours] for ours, theirs in _NAMES.items()}
        names = ("bagging_seed", "feature_fraction_seed", "extra_seed")
        return {
            **_FIXED,
            **given,
            **(self.loss.native if isinstance(self.loss, Native) else {"objective": "none", "num_class": self.outputs}),
            **dict(zip(names, self._seeds(len(names)), strict=True)),
            "max_depth": self.params["max_depth"] or -1,
            "bagging_freq": int(self.params["row_fraction"] < 1.0),
            "num_threads": self.control.threads,
            "monotone_constraints": list(self.problem.monotone) if any(self.problem.monotone) else None,
        }

    def _seeds(self, count: int) -> list[int]:
        import numpy as np

        drawn = np.random.SeedSequence([self.problem.seed, self.segments]).generate_state(count)
        return [int(number >> 2) for number in drawn]  # LightGBM's are signed, and it counts upwards from them

    @property
    def random(self) -> bool:
        """Whether another try at a round could find other trees."""
        fractions = ("feature_fraction", "feature_fraction_split", "row_fraction")
        return self.params["extra_trees"] or any(self.params[name] < 1.0 for name in fractions)

    def _segment(self) -> None:
        """Grow some rounds on top of the trees so far, and add them."""
        before, fruitless = self.rounds, 0
        self.kept = (self.best, self.best_rounds)
        booster = self._booster()
        while self._wanted() and self.rounds - before < self.length:
            started = time.monotonic()
            booster.update(fobj=None if isinstance(self.loss, Native) else self._pull)
            grown = booster.num_trees() // self.outputs
            fruitless = 0 if grown > self.rounds - before else fruitless + 1
            if fruitless > FRUITLESS or (fruitless and not self.random):
                self.ended = True
            elif not fruitless:
                self.rounds = before + grown
                self._evaluate(booster)
                self.ended = not self._may_go_on(time.monotonic() - started)
        self.trees += lightgbm_model.sections(booster.model_to_string())
        self.raw = _raw(booster.eval_train)
        if self.held_back is not None:
            self.raw_validation = _raw(booster.eval_valid)
        self.segments += 1

    def _booster(self) -> Any:
        self.dataset.set_init_score(self.raw.ravel(order="F"))
        booster = lightgbm_model.load().Booster(self._settings(), self.dataset)
        if self.held_back is not None:
            self.held_back.set_init_score(self.raw_validation.ravel(order="F"))
            booster.add_valid(self.held_back, "validation")
        return booster

    def _pull(self, raw: np.ndarray, _: Any) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        assert isinstance(self.loss, Custom)
        rows = self.problem.train
        slope, curve = self.loss.derivatives(raw.reshape(len(rows), -1), rows.y)
        if rows.w is not None:
            slope, curve = slope * rows.w[:, None], curve * rows.w[:, None]
        shape = raw.shape
        return slope.reshape(shape).astype(np.float32), curve.reshape(shape).astype(np.float32)

    def _may_go_on(self, took: float) -> bool:
        """Ask the control; and where a round takes long, don't begin one that the time would not suffice for."""
        most, control = self.params["rounds"], self.control
        control.progress(self.rounds / most, f"round {self.rounds} of at most {most}")
        if not control.go_on(self.state):
            return False
        if control.seconds is not None and control.elapsed + took > control.seconds:
            control.ended_by = "time limit"
            return False
        return True

    def _evaluate(self, booster: Any) -> None:
        values = {}
        if self.held_back is not None:
            values["validation_loss"] = self._loss(booster.eval_valid, self.problem.validation)
            if values["validation_loss"] < self.best:
                self.best, self.best_rounds = values["validation_loss"], self.rounds
        if self.rounds == 1 or self.rounds % self.every == 0:
            train = self._loss(booster.eval_train, self.problem.train)
            self.control.metrics(self.rounds, {"train_loss": train, **values})

    def _loss(self, evaluate: Any, rows: Rows) -> float:
        if isinstance(self.loss, Native):
            return float(self.loss.times * evaluate()[0][2])
        return boosting_losses.mean(self.loss, _raw(evaluate), rows.y, rows.w)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What the last whole segment left."""
        import numpy as np

        arrays = {
            "trees": np.frombuffer("\n\n".join(self.trees).encode(), np.uint8),
            "raw": self.raw,
            "raw_validation": self.raw_validation,
        }
        return arrays, {"segments": self.segments, "best": self.kept}

    def load_state(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        text = arrays["trees"].tobytes().decode()
        self.trees = text.split("\n\n") if text else []
        self.rounds = len(self.trees) // self.outputs
        self.raw, self.raw_validation = arrays["raw"].copy(), arrays["raw_validation"].copy()
        self.segments, (self.best, self.best_rounds) = state["segments"], state["best"]


def _raw(evaluate: Any) -> np.ndarray:
    """LightGBM shows the raw predictions that it keeps to whoever evaluates them. Shape: (rows, outputs)."""
    seen = []

    def look(raw: np.ndarray, _: Any) -> tuple[str, float, bool]:
        seen.append(raw.reshape(len(raw), -1).copy())
        return "seen", 0.0, False

    evaluate(look)
    return seen[0]
