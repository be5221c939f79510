"""A decision policy, compiled from its JSON document: from a model's output to what is to be done. Plain Python and numpy.

The document: {"format": 1, "number", "task", "classes", "positive", "calibration", "threshold", "review", "costs",
"rules", "shift", "locked"}; `Policy` says which parts a task has. The first rule that holds decides, then review, then the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.runtime.answering import Answer, Computed
from serving.runtime.decisions.calibration import calibrator
from serving.runtime.decisions.money import Costs
from serving.runtime.decisions.rules import Rule, columns_of, compiled
from serving.runtime.predictor import key_of

FORMAT = 1
REVIEW = -1  # the code of a case that waits for a person


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a policy makes of n rows.

    Shapes: codes (n,) class codes, or values for regression, NaN or REVIEW where a person decides; rule (n,) the place
    of the rule that decided, −1 where none did; probabilities (n, k) calibrated, or (n, 1) values.
    """

    codes: np.ndarray
    rule: np.ndarray
    probabilities: np.ndarray

    @property
    def reviewed(self) -> np.ndarray:
        """(n,) whether a person decides."""
        waits: np.ndarray = np.isnan(self.codes) if self.codes.dtype.kind == "f" else self.codes == REVIEW
        return waits


class Policy:
    """Immutable, so that threads share it.

    Two classes: `positive` is decided for at probabilities ≥ `threshold`; where `review` is {"low", "high"}, for it from
    `high` on, against it below `low`, and a person decides between. More classes: the decision with the least expected
    cost under `costs` (Elkan 2001); a person decides where the likeliest class has less than `review["below"]`.
    Regression: the value plus `shift`; a person decides where the value lies within [`low`, `high`). `locked` are the
    columns that advice on other decisions leaves alone.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        if document.get("format") != FORMAT:
            raise ValueError(f"the policy's format is {document.get('format')!r}; {FORMAT} is read here")
        self.version: int = document["number"]
        self.task: str = document["task"]
        self.classes: tuple[Any, ...] = tuple(document.get("classes") or ())
        self.positive: int = document.get("positive", 1)
        self.threshold: float | None = document.get("threshold")
        self.review: Mapping[str, float] | None = document.get("review")
        self.shift: float = document.get("shift", 0.0)
        self.locked: tuple[str, ...] = tuple(document.get("locked") or ())
        self.rules = tuple(Rule.from_json(item) for item in document.get("rules") or ())
        self.reads = columns_of(self.rules)
        self._first = compiled(self.rules)
        self._keys = [key_of(label) for label in self.classes]
        self._calibrated = document["calibration"]["method"] != "none"
        self._calibrate = calibrator(document["calibration"], positive=self.positive)
        self._costs = _matrix(document) if self.task == "multiclass" else None
        self._fixed = [self._code_of(rule) for rule in self.rules]

    def _code_of(self, rule: Rule) -> float:
        if self.task == "regression":
            return float("nan") if rule.decide is None else float(rule.decide)
        return REVIEW if rule.decide is None else self._keys.index(key_of(rule.decide))

    def choose(self, rows: Sequence[Mapping[str, Any]] | None, output: np.ndarray) -> Chosen:
        """Decide n rows at once. `rows` are the validated inputs, None where there are no rules; output (n, k)."""
        probabilities = self._calibrate(output)
        codes = self._by_model(probabilities)
        rule = np.full(len(output), -1)
        if self.rules and rows is not None:
            for place, row in enumerate(rows):
                holds = self._first(row)
                if holds >= 0:
                    rule[place], codes[place] = holds, self._fixed[holds]
        return Chosen(codes, rule, probabilities)

    def _by_model(self, p: np.ndarray) -> np.ndarray:
        if self.task == "regression":
            value = p[:, 0]
            return np.where(_between(value, self.review), np.nan, value + self.shift)
        if self._costs is not None:
            codes = (p @ self._costs).argmin(axis=1)
            return codes if self.review is None else np.where(p.max(axis=1) < self.review["below"], REVIEW, codes)
        q, other = p[:, self.positive], 1 - self.positive
        codes = np.where(q >= self.threshold, self.positive, other)
        if self.review is None:
            return codes
        low, high = self.review["low"], self.review["high"]
        return np.where(q >= high, self.positive, np.where(q < low, other, REVIEW))

    def add(self, computed: Computed, answers: list[Answer]) -> None:
        """Calibrate `probabilities` and add `decision` to each answer, in place.

        `label` is the likeliest class after calibration; `decision` says what to do, which is another question.
        """
        chosen = self.choose(computed.rows if self.rules else None, computed.output)
        if self._calibrated:
            best = chosen.probabilities.argmax(axis=1).tolist()
            for answer, shares, place in zip(answers, chosen.probabilities.tolist(), best, strict=True):
                answer["probabilities"] = dict(zip(self._keys, shares, strict=True))
                answer["label"] = self.classes[place]
        for answer, told in zip(answers, self.told(chosen), strict=True):
            answer["decision"] = told

    def told(self, chosen: Chosen) -> list[dict[str, Any]]:
        """The decisions as the answer says them: {"decision", "by", "rule"?, "probability"?, "threshold"?}.

        `decision` is null while a person decides.
        """
        waits = chosen.reviewed.tolist()
        found = []
        for code, rule, wait, shares in zip(
            chosen.codes.tolist(), chosen.rule.tolist(), waits, chosen.probabilities.tolist(), strict=True
        ):
            decision = None if wait else code if self.task == "regression" else self.classes[code]
            by = "review" if wait else "rule" if rule >= 0 else "model"
            told: dict[str, Any] = {"decision": decision, "by": by}
            if rule >= 0:
                told["rule"] = self.rules[rule].name
            if self.task == "binary":
                told |= {"probability": shares[self.positive], "threshold": self.threshold}
            elif self.task == "multiclass":
                told["probability"] = max(shares) if wait else shares[code]
            found.append(told)
        return found


def _between(value: np.ndarray, review: Mapping[str, float] | None) -> np.ndarray:
    if review is None:
        return np.zeros(len(value), bool)
    result: np.ndarray = (value >= review["low"]) & (value < review["high"])
    return result


def _matrix(document: Mapping[str, Any]) -> np.ndarray:
    """(truth, decision) costs in float64: expected costs are compared, money is counted elsewhere and exactly."""
    return np.array([[float(each) for each in row] for row in Costs.from_json(document["costs"]).matrix])
