"""A model version's figures by the groups of any column of its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from audit.services import record
from departments.access import Actor, Verb, require
from rest.problems import Refused, invalid
from serving.runtime.fairness.groups import Decided, Measured, decided, measured
from serving.runtime.groups import Grouping
from serving.runtime.predictor import key_of
from serving.uncertainty.learned import USUAL, uncertainty_of
from training.columns import values_of
from training.models import ModelVersion
from training.scored import CALIBRATION, TEST, Scored, scored_rows


@dataclass(frozen=True, slots=True)
class Fairness:
    """`part` says which rows: "test", or "calibration" where there are no others. `positive` and `threshold` are of a
    classification; without a threshold the likeliest class is the decision. `covered` is, by group, how many intervals
    or sets at 0.9 held the truth; empty where the version has none."""

    by: str
    part: str
    rows: int
    positive: Any
    threshold: float | None
    classes: list[Any]
    decided: list[Decided]
    measured: list[Measured]
    covered: dict[str, tuple[float, float, float]]

    @property
    def groups(self) -> list[Decided | Measured]:
        return [*self.decided, *self.measured]


def fairness_of(
    *, actor: Actor, version: ModelVersion, by: str, threshold: float | None = None, positive: str = ""
) -> Fairness:
    """The figures by `by`, any column of the data, also one that the model does not read.

    Needs sight of the data's rows. Raises Http404 or Refused: 403 without it, 409 without scored rows, 422 for an
    unknown column or class. The look is audited.
    """
    decision = require(actor, Verb.DISCOVER, version)
    rows = scored_rows(version)
    if rows is None or not len(rows):
        detail = _("This version kept no scored rows, so nothing is known of its groups. Train it again.")
        raise Refused("no-scored-rows", detail)
    part = TEST if (rows.part == TEST).any() else CALIBRATION
    rows = rows.of(part)
    values = values_of(actor=actor, version=version, column=by, rows=rows.row)
    grouping = Grouping.fit(by, values)
    codes = grouping.codes(values)
    classes = list(version.manifest.get("classes") or [])
    chosen = _positive(classes, positive)
    record("model_version.fairness", version, rule=decision.rule, version=version.number, details={"by": by})
    return Fairness(
        by=by,
        part=part,
        rows=len(rows),
        positive=classes[chosen] if classes else None,
        threshold=threshold,
        classes=classes,
        decided=_decided(rows, codes, grouping, chosen, threshold) if classes else [],
        measured=[] if classes else measured(codes, grouping.names, rows.truth, rows.prediction[:, 0]),
        covered=_covered(version, rows, codes, grouping),
    )


def _positive(classes: list[Any], asked: str) -> int:
    """The place of the class whose selection is looked at: the last, unless another is named."""
    if not asked or not classes:
        return len(classes) - 1
    names = [key_of(label) for label in classes]
    if asked not in names:
        raise invalid("positive", _("choose a class: %s") % ", ".join(names[:50]))
    return names.index(asked)


def _decided(
    rows: Scored, codes: np.ndarray, grouping: Grouping, chosen: int, threshold: float | None
) -> list[Decided]:
    probability = rows.prediction[:, chosen]
    selected = rows.prediction.argmax(axis=1) == chosen if threshold is None else probability >= threshold
    return decided(codes, grouping.names, rows.truth == chosen, probability, selected)


def _covered(
    version: ModelVersion, rows: Scored, codes: np.ndarray, grouping: Grouping
) -> dict[str, tuple[float, float, float]]:
    conformal = uncertainty_of(version)
    if conformal is None or conformal.grouping is not None or conformal.refusal(USUAL) is not None:
        return {}
    found = {}
    for code, name in enumerate(grouping.names):
        mine = codes == code
        if mine.any():
            told = conformal.coverage(rows.prediction[mine], rows.truth[mine], USUAL)
            found[name] = (told.share, told.low, told.high)
    return found
