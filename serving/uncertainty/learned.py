"""A version's uncertainty: learned from its scored rows when it is first asked for."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np
from django.utils import timezone

from serving.runtime.answering import Answer, Computed
from serving.runtime.groups import Grouping
from serving.runtime.predictor import Predictor
from serving.runtime.uncertainty.conformal import Conformal
from serving.uncertainty.models import ModelUncertainty
from training.models import ModelVersion
from training.scored import CALIBRATION, TEST, Scored, scored_rows

SHOWN = (0.5, 0.8, 0.9, 0.95, 0.99)
USUAL = 0.9


def uncertainty_of(version: ModelVersion) -> Conformal | None:
    """What answers intervals for the version; None where it kept no scored rows."""
    found = getattr(version, "uncertainty", None) or _first(version)
    return None if found is None else _loaded(version.pk, found.made_at)


def add_usual(version: ModelVersion, predictor: Predictor, instance: dict[str, Any], answer: Answer) -> None:
    """Put the interval or set of the usual level into one answer, where the version can give it."""
    conformal = uncertainty_of(version)
    if conformal is not None and conformal.refusal(USUAL) is None:
        rows, matrix = predictor.prepare([instance])
        conformal.add(Computed(predictor, rows, matrix, predictor.compute(matrix)), [answer], USUAL)


@lru_cache(maxsize=64)
def _loaded(version_id: UUID, _made_at: Any) -> Conformal:
    return Conformal.from_json(ModelUncertainty.objects.get(model_version=version_id).conformal)


def known(version: ModelVersion) -> ModelUncertainty | None:
    """The version's uncertainty as pages show it."""
    return getattr(version, "uncertainty", None) or _first(version)


def _first(version: ModelVersion) -> ModelUncertainty | None:
    rows = scored_rows(version)
    if rows is None:
        return None
    made, _new = ModelUncertainty.objects.get_or_create(
        model_version=version, defaults=learn(version.task, rows, None, None)
    )
    return made


def learn(task: str, rows: Scored, grouping: Grouping | None, values: list[Any] | None) -> dict[str, Any]:
    """The fields of a version's uncertainty: learned on the calibration rows, judged on the test rows."""
    calibration, test = rows.part == CALIBRATION, rows.part == TEST
    own = _some(values, calibration)
    conformal = Conformal.fit(task, rows.prediction[calibration], rows.truth[calibration], grouping, own)
    answered, truth, seen = rows.prediction[test], rows.truth[test], _some(values, test)
    able = [level for level in SHOWN if conformal.refusal(level) is None]
    coverage = [conformal.coverage(answered, truth, level, seen) for level in able] if len(truth) else []
    return {
        "by": grouping.column if grouping else "",
        "conformal": conformal.to_json(),
        "coverage": [asdict(each) for each in coverage],
        "groups": _groups(conformal, answered, truth, seen) if USUAL in able else [],
        "made_at": timezone.now(),
    }


def _groups(conformal: Conformal, answered: np.ndarray, truth: np.ndarray, values: list[Any] | None) -> list[Any]:
    """The usual level's coverage in each group of the test rows, with how many calibration rows the group had."""
    if conformal.grouping is None or values is None:
        return []
    codes, counts = conformal.grouping.codes(values), conformal.kind.bounds.counts[1:]
    found = []
    for code, name in enumerate(conformal.grouping.names):
        mine = codes == code
        coverage = conformal.coverage(answered[mine], truth[mine], USUAL, _some(values, mine))
        found.append({"name": name, "calibration": int(counts[code]), **asdict(coverage)})
    return found


def _some(values: list[Any] | None, chosen: np.ndarray) -> list[Any] | None:
    return None if values is None else [value for value, kept in zip(values, chosen, strict=True) if kept]
